"""Which shards' hashes lie in one part: as many as a range wants, and the same whatever comes or goes elsewhere."""

from __future__ import annotations

import hashlib

import pytest

from pipeline.dedup.documents.shard_runs import RANGE_ROWS, shard_runs
from pipeline.dedup.layout import hash_groups

ROWS = 50_000
MOST = 2_000_000


def keys(count: int) -> list[str]:
    return [hashlib.sha256(str(n).encode()).hexdigest()[:32] for n in range(count)]


@pytest.mark.parametrize(
    ("count", "rows", "ranges"), [(0, ROWS, 8), (1, ROWS, 1), (7, ROWS, 1), (7, 0, 4), (500, ROWS, 64)]
)
def test_every_shard_is_in_one_run_in_order(count: int, rows: int, ranges: int) -> None:
    found = shard_runs(keys(count), [rows] * count, ranges, MOST)
    assert [n for run in found for n in run] == list(range(count))
    assert all(len(run) for run in found)


def test_a_shard_of_which_a_range_is_enough_stays_alone() -> None:
    for ranges in (1, 2, 4):
        assert len(shard_runs(keys(40), [ranges * RANGE_ROWS] * 40, ranges, MOST)) == 40
    assert len(shard_runs(keys(40), [10] * 40, 1, MOST)) == 40, "whoever reads all of it reads no more than its range"


def test_of_small_shards_so_many_lie_in_one_part_that_a_range_is_worth_reading() -> None:
    shards, ranges = 4_000, 32
    runs = shard_runs(keys(shards), [ROWS] * shards, ranges, MOST)
    mean = shards * ROWS // len(runs)
    assert hash_groups(mean) >= ranges
    sizes = [len(run) * ROWS for run in runs]
    assert sum(hash_groups(s) >= ranges for s in sizes) > len(sizes) / 2
    assert len(runs) > shards / 64, "and not many more"


def test_a_part_has_rows_that_fit_in_memory_or_is_of_one_shard() -> None:
    runs = shard_runs(keys(300), [ROWS] * 300, 1_024, 6 * ROWS)
    assert {len(run) for run in runs} == set(range(1, 7))
    assert len(shard_runs(keys(9), [4 * ROWS] * 9, 1_024, 3 * ROWS)) == 9


@pytest.mark.parametrize(("ranges", "most", "mean"), [(16, MOST, 1.1), (1_024, 16 * ROWS, 1.5)])
def test_a_shard_that_comes_in_between_changes_its_own_run_and_seldom_others(
    ranges: int, most: int, mean: float
) -> None:
    many = keys(1_000)
    before = {tuple(many[n] for n in run) for run in shard_runs(many, [ROWS] * 1_000, ranges, most)}
    assert any(len(run) > 4 for run in before)
    made = []
    for place in range(0, 1_000, 25):
        grown = [*many[:place], "f" * 32, *many[place:]]
        after = {tuple(grown[n] for n in run) for run in shard_runs(grown, [ROWS] * 1_001, ranges, most)}
        made.append(len(after - before))
    assert min(made) == 1
    assert sum(made) / len(made) <= mean
