"""A stage reads committed tables and writes exactly one new table, in independent units. Running it twice does the
work once: a part is named by all that determines it, so what is there is done."""

from __future__ import annotations

import dataclasses
import json
import os
from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

import pyarrow as pa

from pipeline.errors import IntegrityError, Paused, WinnowError
from pipeline.execution import executors
from pipeline.job import Job
from pipeline.storage import manifest
from pipeline.storage.files import of_bucket
from pipeline.storage.manifest import Manifest
from pipeline.storage.naming import set_aside
from pipeline.storage.notes import Notes
from pipeline.storage.parquet import verify_parquet, write_parquet
from pipeline.storage.part import COUNTS, TEXT_BYTES, PartRecord
from pipeline.storage.sections import SUFFIX, checked_sections
from pipeline.storage.store import Store
from pipeline.unit import Unit

FAILURES_BEFORE_STOP = 8
DRIVER_ROWS = 5_000_000
"""Up to this many documents the driver judges and mixes by itself: starting workers would take longer."""


class Stage(Protocol):
    """What the runner needs of a stage. Stages inherit from this for `lost`."""

    @property
    def kind(self) -> str: ...

    @property
    def corpus(self) -> str: ...

    @property
    def key(self) -> str:
        """Hash of all that determines the table."""
        ...

    @property
    def in_driver(self) -> bool:
        """True where units are so cheap that worker processes would only add their start-up; once these are there, they
        get them all the same."""
        return False

    def units(self) -> Sequence[Unit]: ...

    def task(self) -> Callable[[Any], PartRecord]:
        """A picklable function from a unit's payload to its committed part."""
        ...

    def finish(self, parts: list[PartRecord]) -> Manifest:
        """The table of these parts, in unit order. The runner commits it."""
        ...

    def lost(self, unit: Unit, error: WinnowError) -> PartRecord | None:
        """What stands for a unit that failed for good; None fails the job."""
        return None


class _OfCorpus(Stage):
    """cheap: the driver does it by itself up to DRIVER_ROWS documents."""

    cheap: ClassVar[bool] = False

    @property
    @abstractmethod
    def of(self) -> Manifest:
        """The text that it is of."""

    @property
    def corpus(self) -> str:
        return self.of.corpus

    @property
    def in_driver(self) -> bool:
        return self.cheap and self.of.rows <= DRIVER_ROWS


@dataclass(frozen=True)
class OfText(_OfCorpus):
    """A stage over the shards of a text."""

    store: Store
    text: Manifest

    @property
    def of(self) -> Manifest:
        return self.text


@dataclass(frozen=True)
class OfNotes(_OfCorpus):
    """A stage over the notes of a text."""

    store: Store
    notes: Notes

    @property
    def of(self) -> Manifest:
        return self.notes.text


Do = Callable[[Stage], Manifest]
"""Runs a stage and commits its table."""


def run_stage(
    store: Store,
    stage: Stage,
    executor: executors.Executor,
    job: Job,
    path: str | None = None,
    before: Manifest | None = None,
) -> Manifest:
    """Do what is not done yet, and commit the table (at its usual place, or at `path`). Returns what is committed. before: a
    table whose parts may be taken over; the last ones of this kind where the place is the usual one. Raises Paused where
    the job is to rest before that."""
    if job.halt.resting:
        raise Paused(f"job {job.id} was asked to pause")
    path = path or manifest.manifest_path(stage.corpus, stage.kind, stage.key)
    done = manifest.load(store, path)
    if done is not None and done.key == stage.key and _all_there(store, done):
        job.event("stage_reused", stage=stage.kind, table=stage.key, rows=done.rows)
        return done
    if done is not None:
        set_aside(store, path)
    units = stage.units()
    records: dict[str, PartRecord] = {}
    listed = _listed(store, stage, path, before)
    for unit in units:
        found = _as_listed(store, unit, listed) or _already(store, unit, job)
        if found is not None:
            records[unit.key] = found
    pending = [u for u in units if u.key not in records]
    where = executors.InProcess() if stage.in_driver and not executor.started else executor
    job.stage_started(stage.kind, stage.key, pending, len(units) - len(pending), where)
    _attempt_all(stage, where, pending, records, job)
    if len(records) < len(units):
        raise Paused(f"job {job.id} was asked to pause within stage {stage.kind}")
    made = manifest.commit(store, stage.finish([records[u.key] for u in units]), path)
    job.stage_finished(stage.kind, made)
    return made


def _attempt_all(
    stage: Stage, executor: executors.Executor, units: Sequence[Unit], records: dict[str, PartRecord], job: Job
) -> None:
    failures: list[WinnowError] = []
    limits_s = [u.limit_s for u in units]
    names = [f"{stage.kind} {u.name}" for u in units]
    for done in executors.run(executor, stage.task(), [u.payload for u in units], names, limits_s, job.halt):
        unit = units[done.index]
        record: PartRecord | None = done.value
        if done.error is not None:
            record = stage.lost(unit, done.error)
            if record is None:
                failures.append(done.error)
                job.event(
                    "unit_failed", stage=stage.kind, unit=unit.name, error=str(done.error), attempts=done.attempts
                )
        if record is not None:
            records[unit.key] = record
            job.unit_done(stage.kind, unit, record, done)
        if len(failures) >= FAILURES_BEFORE_STOP:
            break
    if failures:
        raise failures[0]


def _all_there(store: Store, made: Manifest) -> bool:
    """Whether every part lies where the manifest says, in the size it says. (In a bucket that is taken on trust.)"""
    if store.remote:
        return True
    try:
        return all(os.stat(store.full(p.path)).st_size == p.bytes for p in made.parts)
    except OSError:
        return False


def _listed(store: Store, stage: Stage, path: str, before: Manifest | None) -> dict[str, PartRecord]:
    """Parts by key that manifests of the same kind list."""
    usual = path == manifest.manifest_path(stage.corpus, stage.kind, stage.key)
    tables = manifest.recent(store, stage.corpus, stage.kind) if usual else [before] if before else []
    return {part.key: part for table in reversed(tables) for part in table.parts}


def _as_listed(store: Store, unit: Unit, listed: dict[str, PartRecord]) -> PartRecord | None:
    """A part that a committed table lists, where it lies in the size that is said there: as much as a table that is used
    again is looked at (`_all_there`), so that adding to a corpus does not read what was there."""
    part = listed.get(unit.key)
    if part is None or store.size(unit.path) != part.bytes or not all(map(store.exists, unit.beside)):
        return None
    return dataclasses.replace(part, path=unit.path)


def _already(store: Store, unit: Unit, job: Job) -> PartRecord | None:
    """A part an earlier attempt committed, if all that lies beside it is there, too."""
    found = [_checked(store, unit, path, job) for path in (*unit.beside, unit.path)]
    return None if None in found else found[-1]


def _checked(store: Store, unit: Unit, path: str, job: Job) -> PartRecord | None:
    """A file an earlier attempt at a unit committed, checked page by page; a damaged one is set aside."""
    if not store.exists(path):
        return None
    try:
        if path.endswith(SUFFIX):
            return checked_sections(store, unit.key, path)
        if not store.remote:
            verify_parquet(Path(store.full(path)), store.parquet(path).metadata.num_rows)
        return store.record(unit.key, path)
    except (OSError, ValueError, IntegrityError, pa.ArrowException) as error:
        if of_bucket(error) is not None:
            raise
        job.event("part_set_aside", unit=unit.name, path=path, error=str(error))
        set_aside(store, path)
        return None


def commit_part(
    store: Store,
    key: str,
    path: str,
    table: pa.Table,
    counts: dict[str, int],
    text_bytes: dict[str, int] | None = None,
    durable: bool = True,
    **options: Any,
) -> PartRecord:
    """Commit one table as a part, its counts in the footer, and describe what is there now."""
    footer = (table.schema.metadata or {}) | counts_metadata(counts, text_bytes)
    described = table.replace_schema_metadata(footer)
    return store.commit_part(key, path, lambda t: write_parquet(t, described, **options), durable)


def counts_metadata(counts: dict[str, int], text_bytes: dict[str, int] | None = None) -> dict[bytes, bytes]:
    """A part's counts as footer metadata, so that a resumed job need not count again."""
    told = {COUNTS: counts} if text_bytes is None else {COUNTS: counts, TEXT_BYTES: text_bytes}
    return {name: json.dumps(value, sort_keys=True).encode() for name, value in told.items()}


def add_counts(parts: Sequence[PartRecord]) -> dict[str, int]:
    """The sum of the parts' counts, by name."""
    return _sum(part.counts for part in parts)


def add_text_bytes(parts: Sequence[PartRecord]) -> dict[str, int] | None:
    """The sum of the parts' text by the names of their counts; None where a part (an older one) does not tell."""
    if any(part.rows and not part.text_bytes for part in parts):
        return None
    return _sum(part.text_bytes for part in parts)


def _sum(told: Iterable[dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for one in told:
        for name, number in one.items():
            total[name] = total.get(name, 0) + number
    return dict(sorted(total.items()))
