"""What is freed is kept while it is needed again, and given back then; what is gathered is held once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest

from pipeline.dedup import layout
from pipeline.dedup.ranges import groups_for
from pipeline.execution import pool
from pipeline.execution.memory import give_back, own_bytes
from pipeline.execution.processes import KEEPING, keep_memory
from pipeline.storage.batches import gathered

MB = 1_000_000
TOLD = pytest.mark.skipif(sys.platform != "linux", reason="memory is told by /proc")


@TOLD
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
    for table in gathered(tables(), 4 * MB, pa.concat_tables):
        rows += table.num_rows
        del table
    assert rows == 12 * (MB // 8)
    assert max(held) < 5 * MB


def test_a_part_has_a_row_group_for_each_range_until_these_are_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "HASH_ROWS", 1_000)
    assert [groups_for(ranges, 9_000) for ranges in (1, 4, 8, 16, 1024)] == [1, 4, 8, 8, 8]
    assert groups_for(16, 0) == 1


POOL = "ARROW_DEFAULT_MEMORY_POOL"


@pytest.fixture
def nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that says nothing of memory, and is put back as it was."""
    for name in KEEPING:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


@pytest.mark.usefixtures("nothing_said")
def test_memory_is_kept_where_the_environment_says_nothing() -> None:
    keep_memory()
    assert {name: os.environ[name] for name in KEEPING} == KEEPING
    assert KEEPING[POOL] == "system"


@pytest.mark.usefixtures("nothing_said")
def test_what_the_user_says_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(POOL, "mimalloc")
    keep_memory()
    assert os.environ[POOL] == "mimalloc"


def test_commands_of_jobs_are_read_before_arrow_is_imported() -> None:
    """It asks the environment once, when it is imported."""
    said = "import sys, pipeline.cli.jobs, pipeline.cli.tables; print('pyarrow' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"


@pytest.mark.usefixtures("nothing_said")
def test_the_environment_of_the_driver_is_as_before_once_workers_load(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str | None] = []
    monkeypatch.setattr("multiprocessing.forkserver.ensure_running", lambda: seen.append(os.environ.get(POOL)))
    pool.prepare({"score": []})
    assert (seen, os.environ.get(POOL)) == (["system"], None)


FREES = """
from pipeline.execution.processes import keep_memory
keep_memory()
from pipeline.execution.memory import give_back, own_bytes
import numpy as np
import pyarrow as pa
before = own_bytes()
held = [pa.allocate_buffer(8_000_000) for _ in range(12)]
for buffer in held:
    np.frombuffer(buffer, np.uint8)[:] = 1
del held, buffer
kept = own_bytes() - before
give_back()
print(kept > 90_000_000, own_bytes() - before < 30_000_000)
"""


@TOLD
def test_what_is_kept_is_given_back_where_a_worker_asks_for_it() -> None:
    told = subprocess.run([sys.executable, "-c", FREES], capture_output=True, text=True, check=True)
    assert told.stdout == "True True\n"
