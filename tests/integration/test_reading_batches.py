"""Batches of a shard: few row groups at a time, evenly, so that a reader does not hold what all of them left."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import IntegrityError
from pipeline.storage.shard import Shard, Slice, read_source
from pipeline.storage.store import Store

TEXTS = [f"text {n}" for n in range(60)]


def shard_of(folder: Path, group_rows: int, rows: int = len(TEXTS)) -> tuple[Store, Shard]:
    """The texts in one file of such row groups."""
    pq.write_table(pa.table({"text": TEXTS}), folder / "a.parquet", row_group_size=group_rows)
    groups = Slice("a.parquet", 0, -(-len(TEXTS) // group_rows))
    return Store(str(folder)), Shard("k", groups, (groups,), "text", rows, 600)


@pytest.mark.parametrize(
    ("group_rows", "sizes"),
    [(10, [20, 20, 20]), (24, [24, 24, 12]), (60, [20, 20, 20]), (35, [18, 17, 25]), (1, [25, 25, 10])],
)
def test_batches_are_of_whole_small_row_groups_or_even_pieces_of_a_large_one(
    tmp_path: Path, group_rows: int, sizes: list[int]
) -> None:
    batches = list(read_source(*shard_of(tmp_path, group_rows), ["text"], rows=25))
    assert [b.num_rows for b in batches] == sizes
    assert [t for b in batches for t in b.column(0).to_pylist()] == TEXTS


def test_a_file_that_lost_rows_is_an_error_that_counts_them(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match="60 rows read, the manifest says 61"):
        list(read_source(*shard_of(tmp_path, 10, rows=61), ["text"]))
