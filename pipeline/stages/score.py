"""score: text to notes. One pass over the text computes every scorer that is still missing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.scoring import ScorerSpec, columns_told, measure, notes_schema
from pipeline.stage import OfText, add_counts, counts_metadata
from pipeline.storage.manifest import Manifest
from pipeline.storage.parquet import parquet_writer
from pipeline.storage.part import PartRecord
from pipeline.storage.shard import Shard, part_key, read_ids, read_text, usable_rows
from pipeline.storage.store import Store
from pipeline.totals.statistics import Statistics, gather, statistics_path
from pipeline.unit import Unit
from scorers import base
from scorers.text import TextBatch

FORMAT = 1
ROW_GROUP_ROWS = 16_384


def pass_key(specs: Sequence[ScorerSpec]) -> str:
    """What determines a pass: each scorer's alias and fingerprint."""
    return part_key("notes", FORMAT, sorted((s.alias, s.fingerprint()) for s in specs))


def notes_key(specs: Sequence[ScorerSpec], text_key: str) -> str:
    """The key of the notes that a pass makes of a text table."""
    return part_key(pass_key(specs), text_key)


@dataclass(frozen=True)
class Score(OfText):
    """One pass of `specs` over a text table. Columns lie in the order of the aliases, whatever that of a recipe: the key does
    not know it, and a pass that is asked for again by its manifest has lost it."""

    specs: tuple[ScorerSpec, ...]
    kind = "notes"

    @property
    def key(self) -> str:
        return notes_key(self.specs, self.text.key)

    def units(self) -> list[Unit]:
        of_pass, found = pass_key(self.specs), []
        for i, shard in enumerate(self.text.shards):
            key = part_key(of_pass, shard.key)
            path = Store.part(self.corpus, self.kind, key)
            found.append(Unit(key, path, self.text.shard_name(i), shard.text_bytes, (key, path, shard)))
        return found

    def task(self) -> Callable[[Any], PartRecord]:
        return partial(_score, self.store, tuple(sorted(self.specs, key=lambda s: s.alias)))

    def finish(self, parts: list[PartRecord]) -> Manifest:
        scorers = {s.alias: {"scorer": s.scorer, "fingerprint": s.fingerprint(), **describe(s)} for s in self.specs}
        details = gather(self.store, statistics_path(self.corpus, self.kind, self.key), parts)
        return Manifest(
            self.kind, self.key, self.corpus, tuple(parts), sum(p.rows for p in parts), add_counts(parts),
            inputs={"text": self.text.key}, parameters={"pass": pass_key(self.specs), "scorers": scorers}, details=details,
        )  # fmt: skip


def describe(spec: ScorerSpec) -> dict[str, Any]:
    """A scorer for the manifest: version, parameters, columns with unit and meaning."""
    scorer = spec.build()
    return {"version": scorer.version, "parameters": base.parameters(scorer), "columns": columns_told(scorer.columns())}


def _score(store: Store, specs: Sequence[ScorerSpec], payload: tuple[str, str, Shard]) -> PartRecord:
    key, path, shard = payload
    with_urls = any(base.reads_url(s.build()) for s in specs)
    ids = read_ids(store, shard, ["doc_id", "quarantine", *(["url"] if with_urls else [])])
    usable = usable_rows(ids)
    counts = {"measured": int(pc.sum(usable).as_py() or 0), "quarantined": 0}
    counts["quarantined"] = shard.rows - counts["measured"]
    schema, statistics = notes_schema(specs), Statistics()

    def write(temporary: Path) -> int:
        with parquet_writer(temporary, schema) as writer:
            for rows in _row_groups(_measure(store, shard, specs, ids, usable, schema)):
                notes = pa.Table.from_batches(rows, schema)
                statistics.add(notes)
                writer.write_table(notes, row_group_size=ROW_GROUP_ROWS * 4)
            writer.add_key_value_metadata(counts_metadata(counts) | statistics.metadata())
        return shard.rows

    return store.commit_part(key, path, write)


def _measure(
    store: Store, shard: Shard, specs: Sequence[ScorerSpec], ids: pa.Table, usable: pa.Array, schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    start = 0
    doc_ids = ids.column("doc_id").combine_chunks()
    urls = ids.column("url").combine_chunks() if "url" in ids.column_names else None
    for text in read_text(store, shard, usable):
        mask = usable.slice(start, len(text))
        batch = TextBatch.from_arrow(text)
        if urls is not None:
            batch = dataclasses.replace(batch, urls=urls.slice(start, len(text)))
        structs = [with_nulls(measure(spec, batch), mask) for spec in specs]
        yield pa.RecordBatch.from_arrays([doc_ids.slice(start, len(text)), *structs], schema=schema)
        start += len(text)


def with_nulls(struct: pa.StructArray, usable: pa.Array) -> pa.StructArray:
    """The struct, null where the row is quarantined: absent is not a measurement."""
    if pc.all(usable).as_py():
        return struct
    mask = pa.array(~np.asarray(usable.to_numpy(zero_copy_only=False), dtype=bool))
    fields = list(struct.type)
    return pa.StructArray.from_arrays([struct.field(i) for i in range(len(fields))], fields=fields, mask=mask)


def _row_groups(batches: Iterator[pa.RecordBatch]) -> Iterator[list[pa.RecordBatch]]:
    """Batches gathered into row groups of at least ROW_GROUP_ROWS rows, so that memory stays flat."""
    gathered: list[pa.RecordBatch] = []
    for batch in batches:
        gathered.append(batch)
        if sum(b.num_rows for b in gathered) >= ROW_GROUP_ROWS:
            yield gathered
            gathered = []
    if gathered:
        yield gathered
