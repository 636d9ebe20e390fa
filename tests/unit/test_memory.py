"""What is freed is given back, and what is gathered is held once."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest

from pipeline.dedup import layout
from pipeline.dedup.ranges import groups_for
from pipeline.execution.memory import give_back, own_bytes
from pipeline.storage.batches import gathered

MB = 1_000_000


@pytest.mark.skipif(sys.platform != "linux", reason="memory is told by /proc")
def test_memory_that_was_freed_goes_back_to_the_system() -> None:
    pa.array(np.ones(MB)).cast(pa.float32())  # what Arrow loads for it stays
    give_back()
    before = own_bytes()
    small = [np.ones(10_000) for _ in range(1_000)]
    large = [pa.array(np.ones(MB)).cast(pa.float32()) for _ in range(10)]
    held, _last = own_bytes(), small.pop()  # which lies behind what is freed
    del small, large
    assert own_bytes() - before > 110 * MB
    give_back()
    assert held - before > 110 * MB
    assert own_bytes() - before < 20 * MB


def test_a_table_that_was_taken_is_let_go_of_before_the_next_is_gathered() -> None:
    before = pa.total_allocated_bytes()
    held = []

    def tables() -> Iterator[pa.Table]:
        for n in range(12):
            held.append(pa.total_allocated_bytes() - before)
            yield pa.table({"n": pa.array(np.full(MB // 8, n)).cast(pa.float64())})

    rows = 0
    for table in gathered(tables(), 4 * MB):
        rows += table.num_rows
        del table
    assert rows == 12 * (MB // 8)
    assert max(held) < 5 * MB


def test_a_part_has_a_row_group_for_each_range_until_these_are_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "HASH_ROWS", 1_000)
    assert [groups_for(ranges, 9_000) for ranges in (1, 4, 8, 16, 1024)] == [1, 4, 8, 8, 8]
    assert groups_for(16, 0) == 1
