"""Exchange by ranges of hashes: sorted parts, of which a unit reads its own range from every one and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.dedup.layout import SHARD_ROWS, hash_groups, hash_layout, layout
from pipeline.stage import Stage, counts_metadata
from pipeline.storage.parquet import parquet_writer
from pipeline.storage.part import PartRecord
from pipeline.storage.shard import part_key
from pipeline.storage.store import Store
from pipeline.unit import Unit

Rows = npt.NDArray[np.int64]

RANGE_BYTES = 80_000_000
"""Rows that a unit takes in, as they lie in the tables; while it works it needs about three times as much."""


def range_of(hashes: npt.NDArray[np.uint64], ranges: int) -> Rows:
    """Which of so many equal ranges of keys each hash lies in; rises with the hash. ranges: below 2^31. i64[N]."""
    found: Rows = (((hashes >> np.uint64(32)) * np.uint64(ranges)) >> np.uint64(32)).astype(np.int64)
    return found


def range_bounds(n: int, ranges: int) -> tuple[int, int]:
    """The least and the largest hash of one of `range_of`'s ranges."""
    low, high = (-(-(part << 32) // ranges) << 32 for part in (n, n + 1))
    return low, high - 1


def ranges_for(rows: int, row_bytes: int) -> int:
    """How many ranges so many rows are cut into: by the input alone, a power of two, so that it seldom changes."""
    return 1 << max(0, -(-rows * row_bytes // RANGE_BYTES) - 1).bit_length()


def groups_for(ranges: int, rows: int) -> int:
    """Row groups of a part of so many rows of which units read one of `ranges` each: a unit reads nothing else, unless there are
    so many that row groups would be smaller than is worth a place in a footer."""
    return min(ranges, hash_groups(rows))


def row_bytes(schema: pa.Schema) -> int:
    """Bytes of a row of fixed width."""
    return sum(f.type.bit_width // 8 for f in schema)


def range_units(stage: Stage, what: str, ranges: int, work_bytes: int) -> list[Unit]:
    """A unit a range, with payload (key, path, which range, of how many). work_bytes: of all of them."""
    found = []
    for n in range(ranges):
        key = part_key(stage.key, n)
        path = Store.part(stage.corpus, stage.kind, key)
        found.append(Unit(key, path, f"{what} {n} of {ranges}", work_bytes // ranges, (key, path, n, ranges)))
    return found


def read_range(
    store: Store, paths: Sequence[str], by: str, n: int, ranges: int, columns: list[str]
) -> tuple[pa.Table, npt.NDArray[np.int32]]:
    """The rows of one range of every part, in order, and the part of each: i32[N]."""
    tables = read_each(store, paths, by, n, ranges, columns)
    part = np.repeat(np.arange(len(paths), dtype=np.int32), [t.num_rows for t in tables])
    return pa.concat_tables(tables), part


def read_each(
    store: Store, paths: Sequence[str], by: str, n: int, ranges: int, columns: list[str]
) -> list[pa.Table]:  # fmt: skip
    """The rows of one range of every part, a table each."""
    low, high = range_bounds(n, ranges)
    return [store.rows_between(path, by, low, high, columns) for path in paths]


def write_by_range(
    store: Store,
    key: str,
    path: str,
    tables: Iterable[pa.Table],
    schema: pa.Schema,
    ranges: int,
    what: str,
    **options: Any,
) -> PartRecord:
    """Commit a part that is ordered by its first column, of hashes, one row group a range. tables: its rows in order, cut
    between ranges; what: what a row is; options: how they are written, as `layout` says otherwise."""
    lows = np.array([range_bounds(n, ranges)[0] for n in range(1, ranges)], np.uint64)

    def write(temporary: Path) -> int:
        rows = 0
        with parquet_writer(temporary, schema, **(options or layout(schema))) as writer:
            for table in tables:
                cuts = [0, *np.searchsorted(table.column(0).to_numpy(), lows).tolist(), table.num_rows]
                for start, end in pairwise(cuts):
                    if end > start:
                        writer.write_table(table.slice(start, end - start), row_group_size=end - start)
                rows += table.num_rows
            writer.add_key_value_metadata(counts_metadata({what: rows}))
        return rows

    return store.commit_part(key, path, write)


def write_hashes(
    store: Store, key: str, path: str, tables: Iterable[pa.Table], schema: pa.Schema, rows: int, what: str
) -> PartRecord:
    """The same for a part of so many rows, of which units read ranges, however many these are."""
    return write_by_range(
        store, key, path, tables, schema, hash_groups(rows), what, **hash_layout(schema.names[0])
    )  # fmt: skip


def write_by_shard(store: Store, key: str, path: str, table: pa.Table, counts: dict[str, int]) -> PartRecord:
    """Commit a part that is ordered by its column `shard`, of which every shard reads its own rows: row groups end where one of
    its shards does."""
    ends = np.flatnonzero(np.diff(table.column("shard").to_numpy(), append=-1)) + 1

    def write(temporary: Path) -> int:
        with parquet_writer(temporary, table.schema, **layout(table.schema)) as writer:
            start = 0
            for end in ends.tolist():
                if end - start >= SHARD_ROWS or end == table.num_rows:
                    writer.write_table(table.slice(start, end - start), row_group_size=end - start)
                    start = end
            writer.add_key_value_metadata(counts_metadata(counts))
        return int(table.num_rows)

    return store.commit_part(key, path, write)
