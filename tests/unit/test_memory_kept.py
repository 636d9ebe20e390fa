"""Memory that Arrow frees: processes that take text in and write it out keep it, unless the user says otherwise."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.execution.processes import KEEPING, keep_memory

POOL = "ARROW_DEFAULT_MEMORY_POOL"


def _unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in KEEPING:
        monkeypatch.setenv(name, "")  # so that it is put back as it was
        monkeypatch.delenv(name)


def test_memory_is_kept_where_the_environment_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    _unset(monkeypatch)
    keep_memory()
    assert {name: os.environ[name] for name in KEEPING} == KEEPING
    assert KEEPING[POOL] == "system"


def test_what_the_user_says_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(POOL, "mimalloc")
    keep_memory()
    assert os.environ[POOL] == "mimalloc"


def test_commands_of_jobs_are_read_before_arrow_is_imported() -> None:
    """It asks the environment once, when it is imported."""
    said = "import sys, pipeline.cli.jobs, pipeline.cli.tables; print('pyarrow' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"


def test_the_environment_of_the_driver_is_as_before_once_workers_load(monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.execution import pool

    _unset(monkeypatch)
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
held = [pa.allocate_buffer(8_000_000) for _ in range(20)]
for buffer in held:
    np.frombuffer(buffer, np.uint8)[:] = 1
del held, buffer
kept = own_bytes() - before
give_back()
print(kept > 150_000_000, own_bytes() - before < 50_000_000)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="resident memory is looked up in /proc")
def test_what_is_kept_is_given_back_where_a_worker_asks_for_it() -> None:
    told = subprocess.run([sys.executable, "-c", FREES], capture_output=True, text=True, check=True)
    assert told.stdout == "True True\n"
