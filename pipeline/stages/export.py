"""export: all to final shards. The one place where text is rewritten; what was left out is written beside it, with why."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.dedup.cuts import cut_spans
from pipeline.errors import ConservationError
from pipeline.recipe import Export as Settings
from pipeline.schema import QUARANTINE_TABLE, REMOVED_TABLE, arrow_schema
from pipeline.sql.engine import query
from pipeline.stage import Stage, add_counts, commit_part, counts_metadata
from pipeline.stages.export_columns import Columns
from pipeline.storage.manifest import Manifest
from pipeline.storage.notes import Notes, ShardNotes, read_notes
from pipeline.storage.parquet import parquet_writer, verify_parquet
from pipeline.storage.shard import Shard, as_text, batch_rows, part_key, read_ids, read_source, usable_rows
from pipeline.storage.store import PartRecord, Store
from pipeline.totals.buckets import BUCKETS
from pipeline.unit import Unit
from scorers.spans import apply_spans, joined_spans
from scorers.text import TextBatch

FORMAT = 2
ROW_GROUP_BYTES = 64_000_000
FILES_PER_CORPUS = 16
LEAST_FILE_BYTES = 8_000_000
"""A corpus too small for many files of `shard_bytes` is cut finer, so that several workers can write it."""


@dataclass(frozen=True, slots=True)
class ShardWork:
    """One shard as a worker needs it to write it out."""

    index: int
    notes: ShardNotes
    mix_path: str
    verdict_path: str
    cuts_paths: tuple[str, ...] = ()


@dataclass(frozen=True)
class Export(Stage):
    """Writes `data/`, `removed/` and `quarantine/` under `destination`."""

    store: Store
    destination: Store
    notes: Notes
    verdict: Manifest
    dedup: Manifest | None
    mix: Manifest
    settings: Settings
    columns: Columns
    cuts: tuple[Manifest, ...] = ()
    kind: str = "export"
    in_driver: bool = False

    @property
    def corpus(self) -> str:
        return self.notes.text.corpus

    @property
    def key(self) -> str:
        settings = self.settings.model_dump(mode="json")
        return part_key(self.kind, FORMAT, self.mix.key, self.notes.key, settings, self.columns.told())

    def units(self) -> list[Unit]:
        packs = list(self._packs())
        found = []
        for n, pack in enumerate(packs):
            name = f"part-{n:05d}-of-{len(packs):05d}.parquet"
            work = tuple(self._work(i) for i in pack)
            text_bytes = sum(self.notes.text.shards[i].text_bytes for i in pack)
            key = part_key(self.key, n)
            # files that could not be read at all are told beside the first part's rows
            files = tuple(self._unread_files()) if n == 0 else ()
            found.append(Unit(key, f"data/{name}", name, text_bytes, (key, name, work, files)))
        return found

    def _work(self, i: int) -> ShardWork:
        cuts = tuple(c.parts[i].path for c in self.cuts)
        return ShardWork(i, self.notes.of(i), self.mix.parts[i].path, self.verdict.parts[i].path, cuts)

    def _unread_files(self) -> list[tuple[str, str, str]]:
        """(path, reason, detail)"""
        files = self.notes.text.details.get("quarantined_files", [])
        return [(str(f["path"]), str(f["reason"]), str(f.get("detail", ""))) for f in files]

    def _packs(self) -> Iterator[list[int]]:
        """Consecutive shards whose kept text makes about one output file. Never by worker count."""
        both = zip(self.notes.text.shards, self.mix.parts, strict=True)
        kept_bytes = [s.text_bytes * p.counts.get("kept", 0) / max(1, p.rows) for s, p in both]
        most_bytes = min(self.settings.shard_bytes, max(LEAST_FILE_BYTES, sum(kept_bytes) / FILES_PER_CORPUS))
        pack: list[int] = []
        pack_bytes = 0.0
        for i, shard_bytes in enumerate(kept_bytes):
            if pack and pack_bytes + shard_bytes > most_bytes:
                yield pack
                pack, pack_bytes = [], 0.0
            pack.append(i)
            pack_bytes += shard_bytes
        if pack:
            yield pack

    def task(self) -> Callable[[Any], PartRecord]:
        removals = self.dedup.parts[0].path if self.dedup else None
        return partial(_export, self.store, self.destination, self.settings, self.columns, removals)

    def finish(self, parts: list[PartRecord]) -> Manifest:
        counts = add_counts(parts)
        beside = []
        for kind, written in (("removed", sum(n for c, n in counts.items() if c.startswith(("judge.", "dedup.")))),
                              ("quarantine", sum(n for c, n in counts.items() if c.startswith("quarantine.")))):  # fmt: skip
            records = [self.destination.record(kind, p.path.replace("data/", f"{kind}/", 1)) for p in parts]
            expected = written + (len(self._unread_files()) if kind == "quarantine" else 0)
            if sum(r.rows for r in records) != expected:
                raise ConservationError(
                    f"export of {self.corpus!r}: {sum(r.rows for r in records)} rows in {kind}/, {expected} expected"
                )
            beside += [r for r in records if r.rows]
        details: dict[str, Any] = {
            "data_rows": sum(p.rows for p in parts),
            "text_bytes_in": sum(s.text_bytes for s in self.notes.text.shards),
        }
        inputs = {"text": self.notes.text.key, "notes": [p.key for p in self.notes.passes], "verdict": self.verdict.key,
                  "dedup": self.dedup and self.dedup.key, "mix": self.mix.key}  # fmt: skip
        for cuts in self.cuts:
            inputs[cuts.kind] = cuts.key
            what = cuts.kind.removesuffix("_cuts") + "s"
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
    removals: str | None,
    payload: tuple[str, str, Sequence[ShardWork], Sequence[tuple[str, str, str]]],
) -> PartRecord:
    key, name, pack, files = payload
    mixes = {w.index: store.read_table(w.mix_path) for w in pack}
    counts = _counts(list(mixes.values()))
    removed = pa.concat_tables([_removed(store, w, mixes[w.index], removals) for w in pack])
    quarantined = pa.concat_tables([*(_quarantined(store, w.notes.shard) for w in pack), _unread(files)])
    # data last: its presence says that the unit is done
    commit_part(destination, key, f"removed/{name}", removed, {})
    commit_part(destination, key, f"quarantine/{name}", quarantined, {})

    def write(temporary: Path) -> None:
        with parquet_writer(temporary, columns.schema(), compression_level=3) as writer:
            for rows in _row_groups(b for w in pack for b in _documents(store, w, mixes[w.index], settings, columns)):
                writer.write_table(rows, row_group_size=max(1, rows.num_rows))
            writer.add_key_value_metadata(counts_metadata(counts))

    kept = sum(int(pc.sum(m.column("copies")).as_py() or 0) for m in mixes.values())
    destination.commit(f"data/{name}", write, lambda t: verify_parquet(t, kept))
    return destination.record(key, f"data/{name}")


def _counts(mixes: Sequence[pa.Table]) -> dict[str, int]:
    found = query(
        "select coalesce(stage || '.' || reason, 'kept') as became, count(*) as n from mixed group by 1 order by 1",
        mixed=pa.concat_tables(mixes),
    )
    return dict(zip(found.column("became").to_pylist(), found.column("n").to_pylist(), strict=True))


def _documents(
    store: Store, work: ShardWork, mix: pa.Table, settings: Settings, columns: Columns
) -> Iterator[pa.Table]:
    """The kept documents of one shard, edited, in the output's columns, in batches."""
    shard = work.notes.shard
    ids = read_notes(store, work.notes, [*columns.notes_columns(), *settings.edits], columns.provenance())
    if columns.buckets:
        ids = ids.append_column(BUCKETS, store.read_table(work.verdict_path, columns=[BUCKETS]).column(BUCKETS))
    copies = mix.column("copies").to_numpy()
    cuts = [store.read_table(p, columns=["row", "start_byte", "end_byte"]) for p in work.cuts_paths]
    usable = usable_rows(ids)
    start = 0
    wanted = columns.source_columns(shard)
    for batch in read_source(store, shard, wanted, batch_rows(shard)):
        rows = slice(start, start + batch.num_rows)
        start += batch.num_rows
        taken = np.repeat(np.arange(batch.num_rows), copies[rows])
        if len(taken) == 0:
            continue
        beside = ids.slice(rows.start, batch.num_rows).take(taken)
        text = as_text(batch.column(shard.column), usable.slice(rows.start, batch.num_rows)).take(pa.array(taken))
        spans = [
            pc.struct_field(beside.column(e.split(".")[0]).combine_chunks(), e.split(".")[1]) for e in settings.edits
        ]
        spans += [cut_spans(c, rows.start, batch.num_rows).take(pa.array(taken)) for c in cuts]
        if spans:
            text = apply_spans(TextBatch.from_arrow(text), joined_spans(spans)).to_arrow()
        yield columns.assemble(shard, text, batch.take(pa.array(taken)), beside)


def _row_groups(batches: Iterator[pa.Table]) -> Iterator[pa.Table]:
    gathered: list[pa.Table] = []
    gathered_bytes = 0
    for batch in batches:
        gathered.append(batch)
        gathered_bytes += batch.nbytes
        if gathered_bytes >= ROW_GROUP_BYTES:
            yield pa.concat_tables(gathered)
            gathered, gathered_bytes = [], 0
    if gathered:
        yield pa.concat_tables(gathered)


def _removed(store: Store, work: ShardWork, mix: pa.Table, removals: str | None) -> pa.Table:
    """One row for each document that a rule or deduplication left out."""
    rows = read_ids(store, work.notes.shard, ["doc_id", "url", "source", "file_path", "text_bytes"])
    rows = rows.append_column("failed", store.read_table(work.verdict_path, columns=["failed"]).column("failed"))
    rows = rows.append_column("stage", mix.column("stage")).append_column("reason", mix.column("reason"))
    rows = rows.append_column("row", pa.array(range(rows.num_rows), pa.int64()))
    made = query(
        """
        select doc_id as id, stage, reason as rule,
               case when stage = 'judge' then failed[1].value else d.jaccard::varchar end as value,
               case when stage = 'judge' then failed[1].bound else coalesce(d.method, reason) end as threshold,
               d.duplicate_of as keeper, failed as rules, d.cluster_size, url, source, file_path, text_bytes
        from rows left join clusters d using (row)
        where stage in ('judge', 'dedup') order by row
        """,
        rows=rows,
        clusters=_clusters(store, removals, work.index),
    )
    return made.cast(arrow_schema(REMOVED_TABLE))


def _clusters(store: Store, removals: str | None, shard: int) -> pa.Table:
    columns = {
        "row": pa.int64(),
        "jaccard": pa.float64(),
        "method": pa.string(),
        "duplicate_of": pa.string(),
        "cluster_size": pa.int64(),
    }
    if removals is None:
        return pa.schema(list(columns.items())).empty_table()
    return store.read_shard(removals, shard, list(columns))


def _unread(files: Sequence[tuple[str, str, str]]) -> pa.Table:
    """One row for each file that could not be read: its rows are unknown."""
    rows = [
        {"id": None, "reason": reason, "detail": detail, "file_path": path, "file_row": None}
        for path, reason, detail in files
    ]
    return pa.Table.from_pylist(rows, schema=arrow_schema(QUARANTINE_TABLE))


def _quarantined(store: Store, shard: Shard) -> pa.Table:
    rows = read_ids(store, shard, ["doc_id", "quarantine", "quarantine_detail", "file_path", "file_row"])
    rows = rows.filter(pc.is_valid(rows.column("quarantine")))
    return rows.rename_columns([c.name for c in QUARANTINE_TABLE]).cast(arrow_schema(QUARANTINE_TABLE))
