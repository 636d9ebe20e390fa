"""ingest: source to text. Parquet stays where it is and gets ids beside it; JSONL and text are converted once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa

from pipeline.errors import PlanError, StorageError, UnitFailed, WinnowError, did_you_mean
from pipeline.recipe import Input
from pipeline.schema import METADATA_COLUMN
from pipeline.sources import account, jsonl, parquet, textfile
from pipeline.sources.column_types import merge_types
from pipeline.sources.columns import check_named, schema_details
from pipeline.sources.copying import copy_in, copy_path
from pipeline.sources.jsonl import JsonlUnit
from pipeline.sources.jsonl_probe import JsonlProbe, probe_jsonl
from pipeline.sources.listing import Listing, SourceFile, list_input
from pipeline.sources.pages import ReadInterrupted
from pipeline.sources.parquet import Cutting, ParquetUnit
from pipeline.sources.parquet_probe import ParquetProbe, probe_parquet
from pipeline.sources.part import Run
from pipeline.sources.quarantine import file_sentences, files_over
from pipeline.sources.surviving import Payload, survivors
from pipeline.sources.textfile import TextProbe, TextUnit
from pipeline.sources.timestamps import with_nanoseconds
from pipeline.stage import add_counts
from pipeline.storage.manifest import Manifest
from pipeline.storage.part import PartRecord
from pipeline.storage.shard import Shard, part_key
from pipeline.storage.store import Store
from pipeline.takedown.records import undos
from pipeline.takedown.restoring import emptied_parts
from pipeline.unit import Unit

FORMAT = 4
UNITS_PER_INPUT = 256
MIN_UNIT_BYTES = 8_000_000
MAX_UNIT_BYTES = 256_000_000  # MIN_UNIT_BYTES times a power of two
PROBE_THREADS = 8
DRIVER_BYTES = 256_000_000

Probe = ParquetProbe | JsonlProbe | TextProbe


@dataclass(frozen=True)
class Ingest:
    """Taking in one input. probes: what was found about each file, in order of names; total_bytes: text, estimated."""

    store: Store
    corpus: str
    source: Input
    copy: bool
    listing: Listing
    probes: tuple[Probe, ...]
    payloads: tuple[Payload, ...]
    total_bytes: int
    kind: str = "text"
    undone: frozenset[str] = frozenset()
    """Takedowns that were undone when this was planned."""

    @property
    def in_driver(self) -> bool:
        """Registering a little Parquet takes less time than workers take to start; they load scorers meanwhile."""
        return self.total_bytes <= DRIVER_BYTES and all(
            isinstance(p, ParquetUnit) and not p.copied for p in self.payloads
        )

    @property
    def files(self) -> tuple[SourceFile, ...]:
        return self.listing.files

    @property
    def key(self) -> str:
        files = [(f.name, f.path, f.bytes, f.stamp, f.format, f.problem) for f in self.files]
        asked = (self.source.text, self.source.id, self.source.max_doc_bytes, self.copy)
        return part_key("text", FORMAT, asked, files, [p.key for p in self.payloads])

    def check_current(self) -> None:
        """Raises PlanError where a takedown was undone since this was planned: its text may be empty in these units."""
        if frozenset(undos(self.store, self.corpus)) != self.undone:
            raise PlanError(
                f"corpus {self.corpus}: a takedown was undone since this was planned: run it again, and its documents are taken in"
            )

    def units(self) -> list[Unit]:
        return [Unit(p.key, p.part, p.name, p.bytes, p) for p in self.payloads]

    def warnings(self) -> list[str]:
        """What is known before anything is read: files left out, files that cannot be read and whether the run will stop at that."""
        unread = _quarantined(self.probes)
        over = files_over(unread, len(self.files), self.source.quarantine)
        return [*self.listing.warnings, *file_sentences(unread), *([f"a run will stop: {over}"] if over else [])]

    def task(self) -> Callable[[Any], PartRecord]:
        return partial(_take_in, self.store, self.corpus)

    def lost(self, unit: Unit, error: WinnowError) -> PartRecord | None:
        """A reader that died or hung on a unit costs the rows of the file it died of; a storage that fails costs the job."""
        if not isinstance(error, UnitFailed) or isinstance(error.__cause__, ReadInterrupted | OSError | StorageError):
            return None
        payload: Payload = unit.payload
        why = ("reader_crashed", str(error)[:500])
        read = survivors(payload)
        match payload:
            case ParquetUnit():
                return parquet.give_up(self.store, payload, *why, read)
            case JsonlUnit():
                return jsonl.give_up(self.store, payload, *why, read)
            case TextUnit():
                return textfile.give_up(self.store, payload, *why, read)

    def finish(self, parts: list[PartRecord]) -> Manifest:
        found = account.accounts(self.store, parts)
        tallies = [tally for _, tally in found]
        shards = [
            s
            for u, p, (runs, _) in zip(self.payloads, parts, found, strict=True)
            for s in _shards(self.corpus, u, p, runs)
        ]
        merged, conflicts = merge_types(_schemas_beside(self.probes))
        warnings = [*self.listing.warnings, *conflicts, *account.id_warnings(self.store, parts, tallies)]
        details = {
            "files": [_told(f) for f in self.files],
            "quarantined_files": [*_quarantined(self.probes), *(f for t in tallies for f in t.files)],
            "quarantine_reasons": account.quarantine_reasons(tallies),
            "warnings": warnings,
            "provenance_columns": sorted(
                {n for p in self.probes if isinstance(p, ParquetProbe) and p.columns for n in p.columns.top}
            ),
            **schema_details(merged),
        }
        return Manifest(
            self.kind, self.key, self.corpus, tuple(parts), sum(p.rows for p in parts),
            add_counts(parts) or {"documents": 0, "quarantined": 0},
            parameters=self.source.model_dump(mode="json", exclude={"quarantine"}) | {"copy": self.copy},
            details=details, shards=tuple(shards),
        )  # fmt: skip


def plan_ingest(store: Store, corpus: str, source: Input, copy: bool = False) -> Ingest:
    """List and probe the input, and cut it into units. Raises PlanError."""
    listing = list_input(source.paths, source.format)
    probes = _probe_all(listing.files, source)
    _check_text(probes, source)
    total_bytes = sum(p.text_bytes for p in probes)
    target = unit_bytes(total_bytes)
    undone, emptied = frozenset(undos(store, corpus)), emptied_parts(store, corpus)
    cut = _cut(probes, source, Cutting(corpus, target, source.max_doc_bytes, copy, len(probes) > UNITS_PER_INPUT))
    payloads = tuple(_with_text(corpus, payload, emptied) for payload in cut)
    return Ingest(store, corpus, source, copy, listing, probes, payloads, total_bytes, undone=undone)


def _with_text(corpus: str, payload: Payload, emptied: frozenset[str]) -> Payload:
    """A unit under the first of its keys where no text lacks: one more each time that a takedown of it was undone."""
    while payload.part in emptied:
        key = part_key("anew", payload.key)
        payload = dataclasses.replace(payload, key=key, part=Store.part(corpus, "text", key))
    return payload


def unit_bytes(total_bytes: int) -> int:
    """Text of a unit: MIN_UNIT_BYTES, doubled until UNITS_PER_INPUT of them hold the input, MAX_UNIT_BYTES at most. In steps,
    so that what is added to an input seldom cuts anew what was there: only where its size passes a power of two."""
    target = MIN_UNIT_BYTES
    while target * UNITS_PER_INPUT < total_bytes and target < MAX_UNIT_BYTES:
        target *= 2
    return target


def _cut(probes: Sequence[Probe], source: Input, how: Cutting) -> Iterator[Payload]:
    """Units of each format in order of names."""
    yield from parquet.split([p for p in probes if isinstance(p, ParquetProbe)], how)
    lines = jsonl.Cutting(how.corpus, how.target_bytes, source.text, source.id, how.max_doc_bytes, how.together)
    yield from jsonl.split([p for p in probes if isinstance(p, JsonlProbe)], lines)
    texts = [p for p in probes if isinstance(p, TextProbe)]
    yield from textfile.split(texts, how.corpus, how.target_bytes, how.max_doc_bytes)


def _probe_all(files: Sequence[SourceFile], source: Input) -> tuple[Probe, ...]:
    """Files that have to be opened are looked at in threads: on object storage each takes some round trips."""
    opened = [f for f in files if f.format != "text" and not f.problem]
    with ThreadPoolExecutor(PROBE_THREADS) as threads:
        found = dict(zip(opened, threads.map(partial(_probe, source=source), opened), strict=True))
    return tuple(found[f] if f in found else _probe(f, source) for f in files)


def _probe(file: SourceFile, source: Input) -> Probe:
    if file.problem:
        return TextProbe(file, file.problem, f"{file.path}: cannot be read; check its permissions and its name")
    if file.format == "parquet":
        return probe_parquet(file, source.text, source.id)
    return probe_jsonl(file, source.text) if file.format == "jsonl" else TextProbe(file)


def _check_text(probes: Sequence[Probe], source: Input) -> None:
    """No text column anywhere is a mistake in the recipe; in some files it is a fault of those files."""
    schemas = [p.schema for p in probes if isinstance(p, ParquetProbe) and p.schema is not None]
    if schemas and len(schemas) == len(probes):
        check_named(schemas, source.text, source.id)
    without = [p for p in probes if p.problem == "no_text_column" or (isinstance(p, JsonlProbe) and p.fields)]
    if without and len(without) == sum(not p.problem or p in without for p in probes):
        first = without[0]
        fields = first.fields if isinstance(first, JsonlProbe) else ()
        found = f"no text field; it has {', '.join(fields[:30])}" if fields else first.detail
        hint = did_you_mean(source.text, fields) if source.text else ""
        name = f"--set input.text=NAME (now {source.text!r})" if source.text else "--set input.text=NAME"
        raise PlanError(f"input: no file has a text column. {first.file.name}: {found}.{hint} Name the column: {name}")


def _take_in(store: Store, corpus: str, payload: Payload) -> PartRecord:
    match payload:
        case ParquetUnit():
            return copy_in(store, corpus, payload) if payload.copied else parquet.register(store, payload)
        case JsonlUnit():
            return jsonl.convert(store, payload)
        case TextUnit():
            return textfile.convert(store, payload)


def _shards(corpus: str, unit: Payload, part: PartRecord, runs: Sequence[Run]) -> list[Shard]:
    if isinstance(unit, ParquetUnit) and unit.copied:
        return account.shards(part, runs, [(copy_path(corpus, unit), "")], unit.columns.text)
    if isinstance(unit, ParquetUnit):
        return account.shards(part, runs, [(f.path, f.stamp) for f in unit.files], unit.columns.text)
    return account.shards(part, runs, [], "text")


def _schemas_beside(probes: Sequence[Probe]) -> Iterator[pa.Schema]:
    """Of each file that is taken in: its columns that the text table does not have."""
    read = [p for p in probes if isinstance(p, ParquetProbe) and not p.problem and p.schema is not None]
    beside = [p.beside() for p in read]
    yield from with_nanoseconds(beside, [p.file.path for p in read])
    if any(not isinstance(p, ParquetProbe) and not p.problem for p in probes):
        yield pa.schema([(METADATA_COLUMN.name, METADATA_COLUMN.type)])


def _told(file: SourceFile) -> dict[str, Any]:
    return {k: v for k, v in dataclasses.asdict(file).items() if k != "problem"}


def _quarantined(probes: Sequence[Probe]) -> list[dict[str, str]]:
    failed = (p for p in probes if p.problem)
    return [{"name": p.file.name, "path": p.file.path, "reason": p.problem, "detail": p.detail} for p in failed]
