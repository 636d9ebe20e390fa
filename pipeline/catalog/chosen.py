"""Which job a question is about, and the committed tables it stands on."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.catalog.schema import KINDS
from pipeline.errors import RecordDamaged, UsageError, did_you_mean
from pipeline.storage import manifest
from pipeline.storage.files import of_bucket
from pipeline.storage.manifest import Manifest
from pipeline.storage.records import EVENT_SHAPES, JOB_SHAPES, find_record, misfit
from pipeline.storage.store import Store


@dataclass(frozen=True)
class JobRecord:
    """A job as its folder tells it."""

    id: str
    record: dict[str, Any]
    events: tuple[dict[str, Any], ...]

    def table(self, kind: str) -> list[str]:
        keys: list[str] = self.record.get("tables", {}).get(kind, [])
        return keys


def read_job(store: Store, job_id: str) -> JobRecord:
    """A job's record and log; a line torn by a crash, or that is no event, is left out. Raises RecordDamaged."""
    record = _read_record(store, job_id)
    path = f"{Store.job(job_id)}/events.jsonl"
    if not store.exists(path):
        return JobRecord(job_id, record, ())
    with store.open(path) as file:
        lines = file.read().splitlines()
    return JobRecord(job_id, record, tuple(event for line in lines if (event := _event(line)) is not None))


def _event(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if misfit(found, EVENT_SHAPES) or "verb" not in found:
        return None
    if found["verb"] == "unit_done" and not found.keys() >= {"stage", "part", "unit"}:
        return None
    event: dict[str, Any] = found
    return event


def _read_record(store: Store, job_id: str) -> dict[str, Any]:
    path = f"{Store.job(job_id)}/job.json"
    found = find_record(store, path, JOB_SHAPES)
    if found is None:
        raise FileNotFoundError(store.full(path))
    return found


def sound_jobs(store: Store) -> Iterator[JobRecord]:
    """Every job with its log, oldest first, but those whose record is damaged or gone."""
    for name in jobs(store):
        with _of_one_job():
            yield read_job(store, name)


def jobs(store: Store) -> list[str]:
    """Ids of the workspace's jobs, oldest first, but those that this user may not look into."""
    found = []
    for name in store.names("jobs"):
        with _of_one_job():
            found += [name] if store.exists(f"{Store.job(name)}/job.json") else []
    return found


def choose_job(store: Store, job_id: str | None = None) -> JobRecord:
    """The named job, or the latest that decided about documents (else the latest that took any in): `winnow score` and
    `winnow dedup` make jobs, too, that nobody means when asking what became of a document."""
    known = jobs(store)
    if not known:
        _check_open(store)
        raise UsageError(
            f"workspace {store.root}: no jobs there. Run one: winnow demo, or winnow run fineweb data/*.parquet --workspace {store.root}"
        )
    if job_id is not None:
        matches = [j for j in known if j == job_id or j.startswith(job_id)]
        if len(matches) != 1:
            raise UsageError(
                f"no job {job_id!r} in {store.root}; the latest are {', '.join(known[-3:])}.{did_you_mean(job_id, known)}"
            )
        return read_job(store, matches[0])
    told = list(_records(store, known))
    if not told:
        _check_open(store)
        raise UsageError(f"workspace {store.root}: none of its {len(known)} jobs can be read; winnow verify tells more")
    ranked = sorted(
        told, key=lambda job: (bool(job.table("mix")), bool(job.table("notes")), bool(job.table("text")), job.id)
    )
    return read_job(store, ranked[-1].id)


def _check_open(store: Store) -> None:
    """Raises PermissionError where this user may not read a job, which is not the same as that there is none."""
    for name in store.names("jobs"):
        with contextlib.suppress(RecordDamaged, FileNotFoundError):
            _read_record(store, name)


def _records(store: Store, known: list[str]) -> Iterator[JobRecord]:
    """Jobs without their logs, which may be long, but those whose record is damaged or gone."""
    for job_id in known:
        with _of_one_job():
            yield JobRecord(job_id, _read_record(store, job_id), ())


@contextlib.contextmanager
def _of_one_job() -> Iterator[None]:
    """A damaged record is not the others' trouble; a bucket that fails is."""
    try:
        yield
    except RecordDamaged:
        pass
    except OSError as error:
        if of_bucket(error) is not None:
            raise


def jobs_of_corpora(store: Store) -> dict[str, JobRecord]:
    """By corpus, the latest used last: its latest job that decided about documents, else that took any in."""
    found: dict[str, JobRecord] = {}
    for job in sound_jobs(store):
        corpus = job.record.get("corpus")
        before = found.get(corpus) if corpus else None
        if corpus and job.table("text") and (before is None or job.table("mix") or not before.table("mix")):
            found.pop(corpus, None)
            found[corpus] = job
    return found


@dataclass(frozen=True)
class Tables:
    """The committed tables a job stands on. aliases: of each notes table, the scorers that this job uses; another may
    have the same name with other parameters."""

    text: Manifest
    notes: tuple[Manifest, ...]
    aliases: tuple[tuple[str, ...], ...]
    verdict: Manifest | None
    dedup: Manifest | None
    mix: Manifest | None
    cuts: Manifest | None = None
    substring_cuts: Manifest | None = None
    banding: Manifest | None = None
    s_curve: Manifest | None = None
    guards: Manifest | None = None

    @property
    def small(self) -> dict[str, Manifest | None]:
        """The tables of a part each that are views as they are, by the view's name."""
        return {"banding": self.banding, "s_curve": self.s_curve, "guards": self.guards}


def every_table(store: Store, job: JobRecord) -> list[Manifest]:
    """All tables that a job made or stands on and that stay, in the order they are made."""
    corpus = str(job.record.get("corpus") or "")
    paths = [manifest.manifest_path(corpus, kind, key) for kind in KINDS for key in job.table(kind)]
    found = [manifest.load(store, path) for path in paths]
    return [m for m in found if m is not None]


def tables_of(store: Store, job: JobRecord) -> Tables:
    """Load a job's manifests."""
    corpus = str(job.record.get("corpus") or "")  # a job that waits has none yet

    def load(kind: str) -> list[Manifest]:
        found = (manifest.load(store, manifest.manifest_path(corpus, kind, key)) for key in job.table(kind))
        return [m for m in found if m is not None]

    text = load("text") if corpus else []  # what failed before it was planned has none
    if not text:
        raise UsageError(f"job {job.id} in {store.root} has no text table yet (state: {job.record.get('state')})")
    if not text[0].parts:
        raise UsageError(
            f"job {job.id} in {store.root} took no document in (state: {job.record.get('state')}): no file of its input could be read. "
            f"{job.record.get('message') or ''}".rstrip()
        )
    kinds = ("verdict", "dedup", "mix", "line_cuts", "substring_cuts")
    decided = [next(iter(load(k)), None) for k in kinds]
    notes = tuple(load("notes"))
    used: dict[str, str] = job.record.get("scorers", {})
    aliases = tuple(tuple(a for a in n.parameters["scorers"] if used.get(a) == n.key) for n in notes)
    small = {kind: next(iter(load(kind)), None) for kind in ("banding", "s_curve", "guards")}
    return Tables(text[0], notes, aliases, *decided, **small)
