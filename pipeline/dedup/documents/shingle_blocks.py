"""Shingle sets as a unit of `pairs` reads them: its own alone, a row group at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from pipeline.storage.store import Store

GROUP_BYTES = 2_000_000
"""Sets that are read as one at most."""
LEAST_GROUP_BYTES = 64_000
"""Sets of several units lie in one row group up to here: a unit reads at most so much of each that is not its own."""

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Block:
    """N documents by global row. rows: i64[N]; bounds: i64[N+1]; hashes: u64[S], those of document n sorted and distinct
    in hashes[bounds[n]:bounds[n+1]]."""

    rows: Rows
    bounds: Rows
    hashes: npt.NDArray[np.uint64]

    def between(self, low: int, high: int) -> Block:
        """The documents of rows low..high-1."""
        chosen = np.flatnonzero((self.rows >= low) & (self.rows < high))
        sizes = np.diff(self.bounds)[chosen]
        bounds = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        at = np.repeat(self.bounds[:-1][chosen] - bounds[:-1], sizes) + np.arange(bounds[-1])
        return Block(self.rows[chosen], bounds, self.hashes[at])


def group_ends(unit: npt.NDArray[np.int32], set_bytes: Rows) -> list[int]:
    """Where the row groups of sets end that are in order of their unit: [N], [N] -> ascending, N last. A group holds one
    unit, or several that are small together."""
    end = np.cumsum(set_bytes)
    units = np.flatnonzero(np.diff(unit, append=-1)) + 1  # where each unit's sets end
    ends, start = [], 0
    for stop in units.tolist():
        before = int(end[start - 1]) if start else 0
        if end[stop - 1] - before < LEAST_GROUP_BYTES and stop < len(unit):
            continue
        for at in range(start, stop):
            if end[at] - before >= GROUP_BYTES and at + 1 < stop:
                ends.append(at + 1)
                before = int(end[at])
        ends.append(stop)
        start = stop
    return ends


def joined(blocks: list[Block]) -> Block:
    """One block with rising rows."""
    rows = np.concatenate([np.zeros(0, np.int64), *(b.rows for b in blocks)])
    sizes = np.concatenate([np.zeros(0, np.int64), *(np.diff(b.bounds) for b in blocks)])
    hashes = np.concatenate([np.zeros(0, np.uint64), *(b.hashes for b in blocks)])
    return Block(rows, np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64), hashes)


def read_blocks(store: Store, path: str, unit: int, first_row: int) -> Iterator[Block]:
    """What a shard's part holds for a unit. first_row: global row of the shard's first."""
    parquet = store.parquet(path)
    for group in range(parquet.metadata.num_row_groups):
        said = parquet.metadata.row_group(group).column(0).statistics
        if not said.min <= unit <= said.max:
            continue
        table = parquet.read_row_group(group, use_threads=False)
        if said.min != said.max:
            table = table.filter(pc.equal(table.column("unit"), unit))
        if table.num_rows:
            sets = table.column("shingles").combine_chunks()
            bounds = np.asarray(sets.offsets)
            hashes = sets.values.to_numpy()[bounds[0] : bounds[-1]]
            yield Block(first_row + table.column("row").to_numpy().astype(np.int64), bounds - bounds[0], hashes)
