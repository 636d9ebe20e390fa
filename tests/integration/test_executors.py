"""The one contract of all executors: every unit to its end, bounded attempts, no other unit pays."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from botocore.exceptions import ClientError

from pipeline.errors import PlanError, UnitFailed
from pipeline.execution import executors
from pipeline.execution.executors import Done, Executor, InProcess, LocalPool
from pipeline.execution.halt import Halt
from pipeline.execution.memory import own_bytes
from pipeline.execution.on_ray import OnRay
from pipeline.execution.pool import UNITS_A_WORKER


def square(unit: int) -> int:
    return unit * unit


def die_once(unit: tuple[str, int]) -> int:
    """Kills its own process the first time."""
    marker = Path(unit[0]) / f"tried-{unit[1]}"
    if unit[1] == 2 and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return unit[1]


def always_die(unit: int) -> int:
    if unit == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return unit


def hang(unit: int) -> int:
    if unit == 1:
        time.sleep(600)
    return unit


def refuse(unit: int) -> int:
    raise PlanError(f"unit {unit} cannot be meant")


def flaky(unit: tuple[str, int]) -> int:
    """Fails twice with what might pass, as a storage does."""
    folder = Path(unit[0])
    tried = len(list(folder.glob(f"{unit[1]}-*")))
    (folder / f"{unit[1]}-{tried}").touch()
    if tried < 2:
        raise OSError("connection reset")
    return unit[1]


def forbidden(unit: int) -> int:
    """As s3fs tells a refusal: what S3 said is the cause alone."""
    refused = ClientError({"Error": {"Code": "AccessDenied", "Message": f"no rights to {unit}"}}, "GetObject")
    raise PermissionError("Forbidden") from refused


def fill(unit: int) -> int:
    """Frees 80 MB in pieces that malloc keeps, and says what the process holds then."""
    pieces = [np.ones(10_000) for _ in range(1_000)]
    last = pieces.pop()
    del pieces
    return own_bytes() + 0 * len(last)


def held(unit: int) -> int:
    return own_bytes()


def variable(unit: str) -> str | None:
    return os.environ.get(unit)


def unheard(unit: int) -> list[bool]:
    """Whether Ctrl-C is blocked here, and in the process that this one was forked from."""
    return [has_blocked(pid, signal.SIGINT) for pid in (os.getpid(), os.getppid())]


def has_blocked(pid: int, number: int) -> bool:
    told = dict(line.split(":\t") for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return bool(int(told["SigBlk"], 16) >> (number - 1) & 1)


def unpicklable(unit: int) -> Any:
    return lambda: unit


def all_of(executor: Executor, task: Any, units: list[Any], limits_s: list[float] | None = None) -> dict[int, Done]:
    names = [f"unit-{i}" for i in range(len(units))]
    return {d.index: d for d in executors.run(executor, task, units, names, limits_s or [60.0] * len(units))}


def workers_of(pool: LocalPool, task: Any, units: int) -> set[str]:
    """The pids of who did that many units."""
    return {d.worker for d in all_of(pool, task, list(range(units))).values()}


def still_there(workers: set[str]) -> list[str]:
    pids = [p for p in workers if psutil.pid_exists(int(p))]
    return [p for p in pids if psutil.Process(int(p)).status() != psutil.STATUS_ZOMBIE]


@pytest.fixture(scope="module", params=["local", "ray"])
def several(request: pytest.FixtureRequest) -> Iterator[Executor]:
    """Executors with processes of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))  # Ray's workers import these tasks by name
        executor: Executor = LocalPool(2) if request.param == "local" else OnRay(2, None)
        yield executor
        executor.close()


def test_in_process_runs_every_unit_in_order() -> None:
    assert [d.value for d in all_of(InProcess(), square, [1, 2, 3]).values()] == [1, 4, 9]


def test_what_a_bucket_said_comes_with_a_unit_that_failed(several: Executor) -> None:
    for executor in (InProcess(), several):
        error = all_of(executor, forbidden, [7])[0].error
        assert isinstance(error, UnitFailed)
        assert "PermissionError: Forbidden; ClientError: " in str(error)
        assert "AccessDenied" in str(error)
        assert "GetObject operation: no rights to 7" in str(error)


def test_every_unit_runs_once(several: Executor) -> None:
    done = all_of(several, square, list(range(20)))
    assert {i: d.value for i, d in done.items()} == {i: i * i for i in range(20)}
    assert {d.attempts for d in done.values()} == {1}


def test_a_dead_worker_costs_its_unit_one_attempt(several: Executor, tmp_path: Path) -> None:
    done = all_of(several, die_once, [(str(tmp_path), i) for i in range(6)])
    assert {i: (d.value, d.attempts) for i, d in done.items()} == {i: (i, 2 if i == 2 else 1) for i in range(6)}


def test_a_poisonous_unit_fails_alone_after_three_attempts(several: Executor) -> None:
    done = all_of(several, always_die, list(range(5)))
    assert isinstance(done[1].error, UnitFailed)
    assert "failed 3 times" in str(done[1].error)
    assert {i: (d.value, d.attempts) for i, d in done.items() if i != 1} == {i: (i, 1) for i in (0, 2, 3, 4)}


def test_a_stuck_unit_is_stopped(several: Executor) -> None:
    done = all_of(several, hang, [0, 1, 2], [60.0, 5.0, 60.0])
    assert "made no end within 5 s" in str(done[1].error)
    assert [done[0].value, done[2].value] == [0, 2]


def test_what_says_so_itself_is_not_tried_again(several: Executor) -> None:
    done = all_of(several, refuse, [7])
    assert (str(done[0].error), done[0].attempts) == ("unit 7 cannot be meant", 1)


def test_what_may_pass_is_tried_again(several: Executor, tmp_path: Path) -> None:
    done = all_of(several, flaky, [(str(tmp_path), i) for i in range(3)])
    assert {(d.value, d.attempts) for d in done.values()} == {(i, 3) for i in range(3)}


def test_an_answer_that_cannot_travel_is_an_error() -> None:
    pool = LocalPool(2)
    done = all_of(pool, unpicklable, [1])
    pool.close()
    assert isinstance(done[0].error, UnitFailed)


def test_an_idle_worker_that_dies_is_replaced() -> None:
    pool = LocalPool(1)
    worker = int(all_of(pool, square, [1])[0].worker)
    os.kill(worker, signal.SIGKILL)
    time.sleep(0.2)
    assert all_of(pool, square, [5])[0].value == 25
    pool.close()


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what a process has blocked")
def test_ctrl_c_is_for_the_driver_alone() -> None:
    with_workers = LocalPool(1)
    try:
        assert all_of(with_workers, unheard, [0])[0].value == [True, True]
    finally:
        with_workers.close()
    assert not has_blocked(os.getpid(), signal.SIGINT)


def test_closing_leaves_no_worker() -> None:
    pool = LocalPool(2)
    workers = workers_of(pool, square, 8)
    pool.close()
    assert still_there(workers) == []


def test_small_jobs_stay_in_process_and_clusters_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(executors, "OnRay", lambda workers, address: ("ray", workers, address))
    monkeypatch.setattr(executors, "LocalPool", lambda workers: ("pool", workers))
    assert isinstance(executors.choose("auto", None, None, 1_000), InProcess)
    assert isinstance(executors.choose("local", 1, None, 100_000_000), InProcess)
    assert executors.choose("local", 1, None, 1_000_000_000) == ("pool", 1)
    assert executors.choose("auto", 3, None, 1_000_000_000) == ("pool", 3)
    assert executors.choose("auto", 3, "head:6379", 1_000) == ("ray", 3, "head:6379")
    assert executors.choose("auto", None, None, 9_000_000_000) == ("ray", None, None)
    assert executors.choose("local", 2, "head:6379", 9_000_000_000) == ("pool", 2)


def test_workers_see_the_environment_of_now_not_of_the_first_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys of a bucket and the folder of models are often set in a process that has run something before."""
    seen = []
    for value in ("before", "after", None):
        if value is None:
            monkeypatch.delenv("WINNOW_TEST_VARIABLE")
        else:
            monkeypatch.setenv("WINNOW_TEST_VARIABLE", value)
        pool = LocalPool(2)
        try:
            seen += [o.value for o in pool.attempt(variable, ["WINNOW_TEST_VARIABLE"], [60.0], Halt())]
        finally:
            pool.close()
    assert seen == ["before", "after", None]


@pytest.mark.skipif(sys.platform != "linux", reason="memory is told by /proc")
def test_a_worker_begins_another_stage_without_what_the_last_one_freed() -> None:
    pool = LocalPool(1)
    try:
        (filled,) = executors.run(pool, fill, [0], ["fill"], [60.0])
        (after,) = executors.run(pool, held, [0], ["held"], [60.0])
    finally:
        pool.close()
    assert filled.worker == after.worker
    assert filled.value - after.value > 70_000_000


def test_a_stage_of_many_units_has_workers_of_its_own() -> None:
    pool = LocalPool(1)
    try:
        first = workers_of(pool, square, 2)
        few = workers_of(pool, held, UNITS_A_WORKER)
        many = workers_of(pool, square, UNITS_A_WORKER + 1)
        again = workers_of(pool, square, UNITS_A_WORKER + 1)
    finally:
        pool.close()
    assert first == few
    assert not many & few
    assert again == many
    assert still_there(few) == []
