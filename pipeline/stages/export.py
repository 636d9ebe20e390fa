"""export: all to final shards. The one place where text is rewritten; what was left out is written beside it, with why."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.dedup.cuts import CUT_COLUMNS, cut_spans, what_goes
from pipeline.dedup.documents.by_shard import REMOVED, cluster_digests
from pipeline.errors import ConservationError
from pipeline.job import Job
from pipeline.recipe import Export as Settings
from pipeline.schema import TEXT_COLUMN
from pipeline.stage import Stage, add_counts, commit_part, counts_metadata
from pipeline.stages.export_beside import BESIDE, Decisions, empty_files, quarantined_rows, removed_rows, unread_rows
from pipeline.stages.export_columns import Columns
from pipeline.storage.batches import gathered
from pipeline.storage.destination import adopt, data_there, same_files, stands
from pipeline.storage.manifest import Manifest, rows_of
from pipeline.storage.notes import Notes, ShardNotes, read_notes
from pipeline.storage.packing import packs
from pipeline.storage.parquet import parquet_writer
from pipeline.storage.part import PartRecord
from pipeline.storage.shard import as_text, part_key, read_source, usable_rows
from pipeline.storage.store import Store
from pipeline.totals.became import became
from pipeline.totals.buckets import BUCKETS
from pipeline.unit import Unit
from scorers.spans import apply_spans, joined_spans
from scorers.text import TextBatch

T = TypeVar("T", pa.Array, pa.RecordBatch, pa.Table)

FORMAT = 6
ROW_GROUP_BYTES = 8_000_000
"""What is held of a file at once: as much as the smallest one has, so that a worker needs no more for a corpus that fills larger ones."""
KINDS = (*BESIDE, "data")
"""The folders a unit writes one file each into, in this order."""
NAME_DIGITS = 16
WRITTEN = "written"
"""Of a data file: its text, after what was cut out, and as often as it is there."""


@dataclass(frozen=True, slots=True)
class ShardWork:
    """One shard as a worker needs it to write it out."""

    notes: ShardNotes
    mix_path: str
    decisions: Decisions
    cuts_paths: tuple[str, ...] = ()


@dataclass(frozen=True)
class Export(Stage):
    """Writes `data/`, `removed/` and `quarantine/` under `destination`. there: data files of an earlier export, by what determines
    them (`data_keys`): what is kept in a file may be the same where what is told of the rest is not. standing: files of it that
    were adopted, by path."""

    store: Store
    destination: Store
    notes: Notes
    verdict: Manifest
    dedup: Manifest | None
    mix: Manifest
    settings: Settings
    columns: Columns
    cuts: tuple[Manifest, ...] = ()
    tombstones: Manifest | None = None
    there: Mapping[str, PartRecord] = field(default_factory=dict)
    standing: Mapping[str, PartRecord] = field(default_factory=dict)
    kind = "export"

    @property
    def corpus(self) -> str:
        return self.notes.text.corpus

    @property
    def key(self) -> str:
        settings = self.settings.told()
        return part_key(self.kind, FORMAT, self.mix.key, self.notes.key, settings, self.columns.told())

    def after(self, before: Manifest | None, place: Store, job: Job) -> Export:
        """This export, with those files adopted that an earlier one, which lies at `place`, has of it; what is damaged is left out,
        and told to the job."""
        if before is None:
            return self
        same = same_files(place, before, self.units(), empty_files())
        standing = adopt(self.destination, place, same)
        for path in sorted(same.keys() - standing.keys()):
            job.event("part_set_aside", path=path, error="gone, or other bytes than were written")
        return dataclasses.replace(self, there=data_there(place, before), standing=standing)

    def units(self) -> list[Unit]:
        """A file is named by its place and by what it holds: where the same lies there already, it stays."""
        clusters = cluster_digests(self.store, self.dedup, REMOVED, removed_only=True)
        found = []
        for n, (pack, data) in enumerate(zip(self.packs(), self.data_keys(), strict=True)):
            # files that could not be read at all are told beside the first part's rows
            files = tuple(self._unread_files()) if n == 0 else ()
            key = part_key(self._of_all, [self._told(i, clusters.get(i)) for i in pack], files)
            name = f"part-{n:05d}-{key[:NAME_DIGITS]}.parquet"
            work = tuple(self._work(i, i in clusters) for i in pack)
            text_bytes = sum(self.notes.text.shards[i].text_bytes for i in pack)
            payload = (key, name, work, files, self.there.get(data))
            beside = tuple(f"{kind}/{name}" for kind in BESIDE)
            found.append(Unit(key, f"data/{name}", name, text_bytes, payload, beside))
        return found

    @property
    def _of_all(self) -> str:
        return part_key(self.kind, FORMAT, self.settings.told("shard_bytes"), self.columns.told())

    def data_keys(self) -> list[str]:
        """Of each output file: what determines the documents in it."""
        return [part_key(self._of_all, [self._told(i, None) for i in pack]) for pack in self.packs()]

    def _told(self, i: int, clusters: str | None) -> list[str | None]:
        """All that determines what is written of a shard."""
        parts = (self.mix.parts[i], self.verdict.parts[i])
        read = {c.split(".")[0] for c in (*self.columns.notes_columns(), *self.settings.edits)}
        said = [rows_of(t, i) for t in (*self.cuts, self.tombstones)]
        digests = [*(p.sha256 for p in parts), *(p.sha256 if p else None for p in said)]
        return [self.notes.shard_key(i, read), clusters, *digests]

    def _work(self, i: int, in_clusters: bool) -> ShardWork:
        taken = rows_of(self.tombstones, i)
        cuts = tuple(p.path for p in (rows_of(c, i) for c in self.cuts) if p)
        clusters = self.dedup.parts[0].path if self.dedup and in_clusters else None
        verdict = self.verdict.parts[i].path
        decisions = Decisions(i, self.notes.text.shards[i], verdict, clusters, taken.path if taken else None)
        return ShardWork(self.notes.of(i), self.mix.parts[i].path, decisions, cuts)

    def _unread_files(self) -> list[tuple[str, str, str]]:
        """(path, reason, detail)"""
        files = self.notes.text.details.get("quarantined_files", [])
        return [(str(f["path"]), str(f["reason"]), str(f.get("detail", ""))) for f in files]

    def packs(self) -> list[list[int]]:
        """The shards of each output file. Never by worker count."""
        shards = self.notes.text.shards
        both = zip(shards, self.mix.parts, strict=True)
        kept_bytes = sum(s.text_bytes * p.counts.get("kept", 0) / max(1, p.rows) for s, p in both)
        return packs([s.key for s in shards], [s.text_bytes for s in shards], kept_bytes, self.settings.shard_bytes)

    def task(self) -> Callable[[Any], PartRecord]:
        return partial(_export, self.store, self.destination, self.settings, self.columns)

    def finish(self, parts: list[PartRecord]) -> Manifest:
        counts = add_counts(parts)
        beside = []
        for kind, written in (("removed", sum(n for c, n in counts.items() if c.startswith(("takedown.", "judge.", "dedup.")))),
                              ("quarantine", sum(n for c, n in counts.items() if c.startswith("quarantine.")))):  # fmt: skip
            paths = [p.path.replace("data/", f"{kind}/", 1) for p in parts]
            records = [self.standing.get(path) or self.destination.record(kind, path) for path in paths]
            expected = written + (len(self._unread_files()) if kind == "quarantine" else 0)
            if sum(r.rows for r in records) != expected:
                raise ConservationError(
                    f"export of {self.corpus!r}: {sum(r.rows for r in records)} rows in {kind}/, {expected} expected"
                )
            beside += [r for r in records if r.rows]
        details: dict[str, Any] = {
            "data_rows": sum(p.rows for p in parts),
            "text_bytes_in": sum(s.text_bytes for s in self.notes.text.shards),
            "text_bytes_out": sum(p.text_bytes[WRITTEN] for p in parts),
            "data_keys": self.data_keys(),
        }
        inputs = {"text": self.notes.text.key, "notes": [p.key for p in self.notes.passes], "verdict": self.verdict.key,
                  "dedup": self.dedup and self.dedup.key, "mix": self.mix.key}  # fmt: skip
        if self.tombstones:
            inputs["tombstones"] = self.tombstones.key
        for cuts in self.cuts:
            inputs[cuts.kind] = cuts.key
            what = what_goes(cuts)
            details[f"{what}_taken_out"] = cuts.details | {what: cuts.rows}
        return Manifest(
            self.kind, self.key, self.corpus, (*parts, *beside), self.notes.text.rows, counts, inputs=inputs,
            parameters=self.settings.model_dump(mode="json"), details=details,
        )  # fmt: skip


def _export(
    store: Store,
    destination: Store,
    settings: Settings,
    columns: Columns,
    payload: tuple[str, str, Sequence[ShardWork], Sequence[tuple[str, str, str]], PartRecord | None],
) -> PartRecord:
    key, name, pack, files, same = payload
    mixes = [store.read_table(w.mix_path) for w in pack]
    counts, _ = became(pa.concat_tables(mixes))
    removed = pa.concat_tables([removed_rows(store, w.decisions, m) for w, m in zip(pack, mixes, strict=True)])
    told = [quarantined_rows(store, w.notes.shard, m) for w, m in zip(pack, mixes, strict=True)]
    quarantined = pa.concat_tables([*told, unread_rows(files)])
    commit_part(destination, key, f"removed/{name}", removed, {})
    commit_part(destination, key, f"quarantine/{name}", quarantined, {})
    if same is not None and stands(destination, same, f"data/{name}"):
        return dataclasses.replace(same, key=key, path=f"data/{name}")

    def write(temporary: Path) -> int:
        written = 0
        with parquet_writer(temporary, columns.schema(), compression_level=settings.zstd_level) as writer:
            found = (b for w, m in zip(pack, mixes, strict=True) for b in _documents(store, w, m, settings, columns))
            for rows in gathered(found, ROW_GROUP_BYTES, _row_group):
                writer.write_table(rows, row_group_size=max(1, rows.num_rows))
                written += pc.sum(pc.binary_length(rows.column(TEXT_COLUMN.name))).as_py() or 0
                del rows
            writer.add_key_value_metadata(counts_metadata(counts, {WRITTEN: written}))
        return sum(int(pc.sum(m.column("copies")).as_py() or 0) for m in mixes)

    return destination.commit_part(key, f"data/{name}", write)


def _row_group(batches: list[pa.Table]) -> pa.Table:
    """One chunk a column: a page ends where a chunk does, and small ones take a hundredth more."""
    return pa.concat_tables(batches).combine_chunks()


def _documents(
    store: Store, work: ShardWork, mix: pa.Table, settings: Settings, columns: Columns
) -> Iterator[pa.Table]:
    """The kept documents of one shard, edited, in the output's columns, in batches."""
    shard = work.notes.shard
    ids = read_notes(store, work.notes, [*columns.notes_columns(), *settings.edits], columns.provenance())
    if columns.buckets:
        ids = ids.append_column(BUCKETS, store.read_table(work.decisions.verdict, columns=[BUCKETS]).column(BUCKETS))
    copies = mix.column("copies").to_numpy()
    cuts = [store.read_table(p, columns=CUT_COLUMNS) for p in work.cuts_paths]
    usable = usable_rows(ids)
    start = 0
    wanted = columns.source_columns(shard)
    for batch in read_source(store, shard, wanted):
        rows = slice(start, start + batch.num_rows)
        start += batch.num_rows
        chosen = None if (copies[rows] == 1).all() else pa.array(np.repeat(np.arange(batch.num_rows), copies[rows]))
        if chosen is not None and len(chosen) == 0:
            continue
        beside = _taken(ids.slice(rows.start, batch.num_rows), chosen)
        text = _taken(as_text(batch.column(shard.column), usable.slice(rows.start, batch.num_rows)), chosen)
        spans = [
            pc.struct_field(beside.column(e.split(".")[0]).combine_chunks(), e.split(".")[1]) for e in settings.edits
        ]
        spans += [_taken(cut_spans(c, rows.start, batch.num_rows), chosen) for c in cuts]
        if spans:
            text = apply_spans(TextBatch.from_arrow(text), joined_spans(spans)).to_arrow()
        # the text is the most of a batch: it is taken once
        yield columns.assemble(text, _taken(columns.beside(shard, batch), chosen), beside)


def _taken(rows: T, chosen: pa.Array | None) -> T:
    """The rows at these positions; all as they are where none are given."""
    return rows if chosen is None else rows.take(chosen)
