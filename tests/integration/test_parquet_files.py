"""Parquet as it is written and read: what lies there is what went in, and ranges of sorted parts are found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pipeline.dedup.documents.candidate_pairs import MOST_PACKED, ascending
from pipeline.dedup.layout import SHARD_ROWS
from pipeline.dedup.ranges import write_by_shard
from pipeline.errors import IntegrityError
from pipeline.storage.parquet import open_parquet, parquet_writer, rows_between, write_parquet
from pipeline.storage.store import Store

TABLE = pa.table({"key": pa.array([2, 2, 5, 5, 5, 9, 11, 2**63], pa.uint64()), "row": pa.array(range(8), pa.int32())})


def spoilt(path: Path) -> None:
    """Writes a table over whose first bytes something else writes meanwhile."""
    noise = pa.table(
        {"noise": np.random.default_rng(7).integers(0, 1 << 60, 300_000)}
    )  # more than is gathered before it is written
    with parquet_writer(path, noise.schema) as writer:
        writer.write_table(noise)
        with path.open("r+b") as file:
            file.write(b"PAX1")  # over the magic number: no page is touched


def interrupted(path: Path) -> None:
    with parquet_writer(path, TABLE.schema) as writer:
        writer.write_table(TABLE)
        raise ZeroDivisionError


def test_bytes_that_changed_between_writing_and_reading_back_are_noticed(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match="other bytes are read back than were written"):
        spoilt(tmp_path / "a.parquet")


def test_a_write_that_fails_tells_its_own_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        interrupted(tmp_path / "a.parquet")


def test_a_part_with_other_rows_than_went_in_is_not_published(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    with pytest.raises(IntegrityError, match="8 rows read back, 9 written"):
        store.commit_part("k", "a.parquet", lambda path: write_parquet(path, TABLE) + 1)
    assert not store.exists("a.parquet")


def test_whoever_commits_a_part_is_told_what_is_there(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    first = store.commit_part("k", "a.parquet", lambda path: write_parquet(path, TABLE))
    second = store.commit_part("k", "a.parquet", lambda path: write_parquet(path, TABLE.slice(1)))
    assert first == second == store.record("k", "a.parquet")
    assert first.rows == 8


@pytest.mark.parametrize(
    ("low", "high", "rows"),
    [(0, 1, []), (2, 2, [0, 1]), (3, 9, [2, 3, 4, 5]), (5, 2**64 - 1, [2, 3, 4, 5, 6, 7]), (12, 100, []), (9, 9, [5])],
)
@pytest.mark.parametrize("group_rows", [1, 3, 8])
def test_a_range_of_a_sorted_table_is_read(
    tmp_path: Path, group_rows: int, low: int, high: int, rows: list[int]
) -> None:
    path = tmp_path / "a.parquet"
    write_parquet(path, TABLE, row_group_rows=group_rows)
    found = rows_between(open_parquet(str(path)), "key", low, high, ["row"])
    assert found.to_pydict() == {"row": rows}


def test_row_groups_of_a_table_by_shard_end_where_a_shard_does(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    shards = np.repeat([0, 1, 2, 5, 6], [3, SHARD_ROWS, 1, 1, 2]).astype(np.int32)
    table = pa.table({"shard": shards, "row": np.arange(len(shards), dtype=np.int32)})
    made = write_by_shard(store, "k", "a.parquet", table, {"rows": len(shards)})
    groups = store.parquet("a.parquet").metadata
    assert [groups.row_group(n).num_rows for n in range(groups.num_row_groups)] == [3 + SHARD_ROWS, 4]
    assert (made.rows, made.counts) == (len(shards), {"rows": len(shards)})
    assert store.read_shard("a.parquet", 5, ["row"]).to_pydict() == {"row": [SHARD_ROWS + 4]}
    write_by_shard(store, "k", "none.parquet", table.slice(0, 0), {})
    assert store.read_shard("none.parquet", 5, ["row"]).num_rows == 0


@pytest.mark.parametrize("offset", [0, MOST_PACKED])
def test_pairs_come_in_order_however_high_their_rows(offset: int) -> None:
    random = np.random.default_rng(7)
    a, b = random.integers(0, 20, (2, 200)) + offset
    found = ascending(a, b)
    assert list(zip(*(f.tolist() for f in found), strict=True)) == sorted(zip(a.tolist(), b.tolist(), strict=True))
