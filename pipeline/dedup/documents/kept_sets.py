"""Shingle sets that stay: those of short documents that were in a candidate pair, some thousandths of the text as hashes. What is added to
a corpus is like the same short documents again and again; without these a page of old text would be read for each, a thousand times
as large."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.dedup.documents.schema import SETS_TABLE
from pipeline.dedup.documents.shingle_blocks import Block, in_order, joined
from pipeline.schema import arrow_schema
from pipeline.stage import commit_part
from pipeline.storage.manifest import Manifest, recent
from pipeline.storage.naming import set_aside
from pipeline.storage.part import PartRecord
from pipeline.storage.shard import Shard
from pipeline.storage.store import Store

KIND, FORMAT = "sets", 1
SHORT_SHINGLES = 512
MOST_FRAC = 0.02
"""Bytes of sets that stay of a shard, of the bytes of its text."""

EMPTY = Block(np.zeros(0, np.int64), np.zeros(1, np.int64), np.zeros(0, np.uint64))


@dataclass(frozen=True, slots=True)
class Kept:
    """The sets that stay of a shard. before: its part; key, path: of the part that takes its place where there are more."""

    before: PartRecord | None
    key: str
    path: str

    def now(self, store: Store) -> PartRecord:
        """The part that there is."""
        if self.before is not None and not store.exists(self.path):
            return self.before
        return store.record(self.key, self.path)


def kept_before(store: Store, corpus: str, ngram: int) -> dict[str, PartRecord]:
    """By shard key: the sets that earlier jobs kept of a corpus."""
    tables = (t for t in recent(store, corpus, KIND) if t.parameters.get("ngram") == ngram and "shards" in t.details)
    return {key: part for t in reversed(list(tables)) for key, part in zip(t.details["shards"], t.parts, strict=True)}


def table_of(key: str, corpus: str, shards: Sequence[Shard], parts: Sequence[PartRecord], ngram: int) -> Manifest:
    """The table of the sets that stay. It says nothing that the text does not say; which sets it has depends on the jobs before."""
    rows = sum(p.rows for p in parts)
    told = {"shards": [s.key for s in shards]}
    return Manifest(KIND, key, corpus, tuple(parts), rows, {"sets": rows}, parameters={"ngram": ngram}, details=told)


def read_sets(store: Store, part: PartRecord | None) -> Block:
    """The sets that were kept of a shard, by its own rows."""
    if part is None or not part.rows:
        return EMPTY
    table = store.read_table(part.path)
    sets = table.column("hashes").combine_chunks()
    return Block(
        table.column("row").to_numpy().astype(np.int64),
        sets.offsets.to_numpy().astype(np.int64),
        sets.values.to_numpy(),
    )


def write_sets(store: Store, key: str, path: str, sets: Sequence[Block]) -> None:
    """Commit sets of a shard as its part. What is there already is of an attempt before; no manifest lists it, so that it is set aside
    here where it cannot be read."""
    if store.exists(path):
        try:
            store.record(key, path)
        except (ValueError, pa.ArrowException):
            set_aside(store, path)
    block = in_order(joined([EMPTY, *sets]))
    hashes = pa.ListArray.from_arrays(pa.array(block.bounds, pa.int32()), pa.array(block.hashes))
    table = pa.table([pa.array(block.rows, pa.int32()), hashes], schema=arrow_schema(SETS_TABLE))
    commit_part(store, key, path, table, {"sets": table.num_rows})


def putting_aside(blocks: Iterator[Block], aside: list[Block], most_bytes: float) -> Iterator[Block]:
    """The same blocks, and what is to stay of them in `aside`."""
    for block in blocks:
        sizes = np.diff(block.bounds)
        short = np.flatnonzero(sizes <= SHORT_SHINGLES)
        fits = short[np.cumsum(8 * sizes[short]) <= most_bytes]
        if len(fits):
            aside.append(block.at(fits, block.rows[fits]))
            most_bytes -= aside[-1].hashes.nbytes
        yield block


def among(kept: Block, blocks: Iterator[Block]) -> Iterator[Block]:
    """Blocks in order of their rows, with the documents of `kept`, which are others, among theirs."""
    start = 0
    for block in blocks:
        end = int(np.searchsorted(kept.rows, block.rows[-1]))
        yield in_order(joined([_some(kept, start, end), block])) if end > start else block
        start = end
    if start < len(kept.rows):
        yield _some(kept, start, len(kept.rows))


def chosen(kept: Block, rows: npt.NDArray[np.int64]) -> tuple[Block, npt.NDArray[np.int64]]:
    """Of rows (rising): the sets of those that are kept, and the others."""
    there = np.isin(rows, kept.rows)
    at = np.flatnonzero(np.isin(kept.rows, rows[there]))
    return kept.at(at, kept.rows[at]), rows[~there]


def _some(block: Block, start: int, end: int) -> Block:
    return block.at(np.arange(start, end), block.rows[start:end])
