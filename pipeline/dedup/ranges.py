"""Exchange by ranges of hashes: sorted parts, of which a unit reads its own range from every shard and nothing else."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.dedup.lines.lines import range_bounds
from pipeline.storage.store import Store

Rows = npt.NDArray[np.int64]

RANGE_BYTES = 128_000_000
"""Rows that a unit takes in, as they lie in the tables; while it works it needs about three times as much."""
GROUP_ROWS = 8_192
"""Rows of a sorted part that are read as one: a unit reads at most two of these more of each shard than it needs, and
what a footer says of them is a hundredth of them."""


def ranges_for(rows: int, row_bytes: int) -> int:
    """How many ranges so many rows are cut into: by the input alone, a power of two, so that it seldom changes."""
    return 1 << max(0, -(-rows * row_bytes // RANGE_BYTES) - 1).bit_length()


def row_bytes(schema: pa.Schema) -> int:
    """Bytes of a row of fixed width."""
    return sum(f.type.bit_width // 8 for f in schema)


def read_range(
    store: Store, paths: tuple[str, ...], offsets: Rows, by: str, n: int, ranges: int, columns: list[str]
) -> tuple[pa.Table, Rows]:
    """The rows of one range of every shard, in shard order, and the first global row of each one's shard: i64[N].
    offsets: i64[shards+1], as `Manifest.row_offsets` tells them."""
    low, high = range_bounds(n, ranges)
    tables = [store.rows_between(path, by, low, high, columns) for path in paths]
    return pa.concat_tables(tables), np.repeat(offsets[:-1], [t.num_rows for t in tables])
