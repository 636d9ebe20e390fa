"""shingles: the shingle sets of the documents that are in any candidate pair. Larger than anything that stays, so they
lie in a folder of the job alone and go with it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.dedup.documents.schema import SHINGLES_TABLE
from pipeline.dedup.documents.shingle_blocks import group_ends
from pipeline.dedup.sorted_rows import distinct
from pipeline.schema import arrow_schema
from pipeline.stage import Stage, counts_metadata
from pipeline.storage.batches import gathered
from pipeline.storage.few_rows import with_rows
from pipeline.storage.manifest import Manifest
from pipeline.storage.parquet import check_rows, parquet_writer
from pipeline.storage.shard import Shard, Slice, batch_rows, open_source, part_key, read_ids, read_text, usable_rows
from pipeline.storage.store import PartRecord, Store
from pipeline.unit import Unit
from scorers.kernels.jaccard import shingle_sets
from scorers.text import TextBatch

FORMAT = 2
SPOOL_BYTES = 48_000_000
"""Sets that are gathered before they are written in order of their unit."""

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Shingles(Stage):
    """One part a shard, in runs of about SPOOL_BYTES and within them by the unit of `pairs` that needs a set (once for each).
    cuts: i64[units+1], the rows that these units lie between; ngram: words a shingle; scratch: where the parts go."""

    store: Store
    text: Manifest
    candidates: Manifest
    cuts: Rows
    ngram: int
    scratch: str
    kind: str = "shingles"
    in_driver: bool = False

    @property
    def corpus(self) -> str:
        return self.text.corpus

    @property
    def key(self) -> str:
        return part_key(self.kind, FORMAT, self.candidates.key, self.cuts.tolist(), self.ngram)

    def units(self) -> list[Unit]:
        found = []
        for i, (shard, start) in enumerate(zip(self.text.shards, self.text.row_offsets().tolist(), strict=False)):
            key = part_key(self.key, i)
            payload = (key, f"{self.scratch}/{key}.parquet", shard, start)
            found.append(Unit(key, payload[1], self.text.shard_name(i), shard.text_bytes, payload))
        return found

    def task(self) -> Callable[[Any], PartRecord]:
        return partial(_shingle, self.store, tuple(p.path for p in self.candidates.parts), self.cuts, self.ngram)

    def finish(self, parts: list[PartRecord]) -> Manifest:
        rows = sum(p.rows for p in parts)
        return Manifest(self.kind, self.key, self.corpus, tuple(parts), rows, {"sets": rows})


def _shingle(
    store: Store, candidates: tuple[str, ...], cuts: Rows, ngram: int, payload: tuple[str, str, Shard, int]
) -> PartRecord:
    key, path, shard, start = payload
    row, unit = _asked_for(store, candidates, cuts, start, start + shard.rows)
    sets = 0

    def write(temporary: Path) -> None:
        nonlocal sets
        sets = 0
        # hashes do not compress
        raw: dict[str, Any] = {"compression": "none", "compression_level": None, "write_statistics": ["unit"]}
        with parquet_writer(temporary, arrow_schema(SHINGLES_TABLE), **raw) as writer:
            for table in map(_by_unit, gathered(_tables(store, shard, row, unit, ngram), SPOOL_BYTES)):
                start = 0
                set_bytes = 8 * table.column("shingles").chunk(0).value_lengths().to_numpy()
                for end in group_ends(table.column("unit").to_numpy(), set_bytes):
                    writer.write_table(table.slice(start, end - start), row_group_size=end - start)
                    start = end
                sets += table.num_rows
            writer.add_key_value_metadata(counts_metadata({"sets": sets}))

    store.commit(path, write, lambda t: check_rows(t, sets), durable=False)
    return store.record(key, path)


def _asked_for(store: Store, candidates: tuple[str, ...], cuts: Rows, start: int, stop: int) -> tuple[Rows, Rows]:
    """(row i64[N] of the shard, unit i64[N]), by row and unit: what is needed of global rows start..stop-1."""
    packed = [np.zeros(0, np.int64)]
    for path in candidates:
        table = store.rows_between(path, "document", start, stop - 1, ["document", "other"])
        document, other = (table.column(c).to_numpy() for c in ("document", "other"))
        asked = np.minimum(document, other) < cuts[-1]
        document, other = document[asked], other[asked]
        unit = np.searchsorted(cuts, np.minimum(document, other), side="right") - 1
        packed.append(distinct((document - start) << 32 | unit))
    found = distinct(np.concatenate(packed))
    return found >> 32, found & 0xFFFFFFFF


def _by_unit(table: pa.Table) -> pa.Table:
    """In order of unit and row."""
    unit = table.column("unit").to_numpy()
    if (np.diff(unit) >= 0).all():
        return table.combine_chunks()
    return table.take(pa.array(np.argsort(unit, kind="stable"))).combine_chunks()


def _tables(store: Store, shard: Shard, row: Rows, unit: Rows, ngram: int) -> Iterator[pa.Table]:
    """The sets asked for, batch by batch of the shard's text."""
    if len(row) == 0:
        return
    usable = usable_rows(read_ids(store, shard, ["quarantine"]))
    for start, text in _texts(store, shard, usable, row):
        here = slice(*np.searchsorted(row, [start, start + len(text)]))
        rows, at = np.unique(row[here] - start, return_inverse=True)
        if len(rows):
            batch = TextBatch.from_arrow(text.take(pa.array(rows)))
            bounds, hashes = shingle_sets(batch.data, batch.offsets, ngram)
            sets = pa.LargeListArray.from_arrays(pa.array(bounds), pa.array(hashes))
            columns = [pa.array(x[here].astype(np.int32)) for x in (unit, row)]
            sets = sets if len(rows) == len(at) else sets.take(pa.array(at))  # a set that several units need
            yield pa.table([*columns, sets], schema=arrow_schema(SHINGLES_TABLE))


def _texts(store: Store, shard: Shard, usable: pa.Array, row: Rows) -> Iterator[tuple[int, pa.Array]]:
    """(first row, texts) of batches of the row groups that hold any of the rows (rising), up to the last of them; other rows
    may be null."""
    opened = open_source(store, shard)
    start = 0
    for group in shard.text.groups:
        size = opened.metadata.row_group(group).num_rows
        first, end = np.searchsorted(row, [start, start + size])
        if end > first:
            one = dataclasses.replace(shard, text=Slice(shard.text.path, group, group + 1), rows=size)
            at = start
            few = with_rows(store.full(shard.text.path), opened, group, shard.column, row[first:end] - start)
            for text in read_text(store, one, usable.slice(start, size), batch_rows(shard), few):
                yield at, text
                at += len(text)
                if at > row[end - 1]:
                    break
        start += size
