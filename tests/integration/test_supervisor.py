"""Jobs with real runners: killed, stopped, paused, cancelled, raced for. What comes out is what an undisturbed run gives."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

import winnow
from pipeline.control.care import Limits
from pipeline.control.launch import Processes
from pipeline.control.state import job_state, retry
from pipeline.control.submission import Submission, accept
from pipeline.control.wish import want
from pipeline.execution import attempts
from pipeline.storage.store import Store
from tests.control import (
    assert_done_once,
    crawl,
    events_of,
    processes_of,
    slow_recipe,
    submission,
    supervising,
    until,
    until_ended,
)
from tests.control import until_scoring as scoring
from tests.fixtures_pace import Pace, pace
from tests.fixtures_store import store
from tests.integration.test_run import digests

__all__ = ["pace", "store"]  # fixtures
UNITS = 10
QUICK = Limits(nice=0, cancel_grace_s=1.0, pause_grace_s=5.0, attempts_without_progress=2)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return crawl(tmp_path_factory.mktemp("corpus"), 100, UNITS)


@pytest.fixture(scope="module")
def clean(corpus: list[str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Digests of an undisturbed run."""
    folder = tmp_path_factory.mktemp("clean")
    recipe = {k: v for k, v in slow_recipe(corpus).items() if k != "input"}
    winnow.run(recipe, corpus, workspace=str(folder / "ws"), output=str(folder / "out"), workers=1)
    return made(folder)


def made(folder: Path) -> dict[str, str]:
    """Digests of tables and output."""
    return {**digests(folder / "ws" / "corpora"), **digests(folder / "out")}


def slow(corpus: list[str], tmp_path: Path, **others: object) -> Submission:
    """A job whose units take a quarter of a second."""
    return Submission(recipe=slow_recipe(corpus), output=str(tmp_path / "out"), **{"workers": 1, **others})  # type: ignore[arg-type]


def files_of(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file there with its time and size, but for the log of the process that ends."""
    found = (p for p in folder.rglob("*") if p.is_file() and p.name != "runner.log")
    return {str(p): (p.stat().st_mtime_ns, p.stat().st_size) for p in found}


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_runner_is_resumed_and_the_output_is_the_same(
    store: Store, corpus: list[str], clean: dict[str, str], tmp_path: Path, pace: Pace, workers: int
) -> None:
    with supervising(store) as supervisor:
        job_id = supervisor.submit(slow(corpus, tmp_path, workers=workers)).job_id
        os.kill(scoring(store, job_id, 3).pid, signal.SIGKILL)
        pace.free()
        record = until_ended(store, job_id)
        until(lambda: not supervisor.running())  # its last word in the log comes after the record
    assert (record["state"], record["attempt"], record["attempts_failed"]) == ("completed", 2, 1)
    assert made(tmp_path) == clean
    lost = events_of(store, job_id, "attempt_lost")
    assert [(e.fields["reason"], e.fields["in_vain"]) for e in lost] == [("signal 9 (SIGKILL)", 0)]
    assert_done_once(store, job_id, UNITS)
    assert [e.fields["state"] for e in events_of(store, job_id, "state")] == ["running", "running", "completed"]


def test_nothing_of_a_killed_runner_stays(store: Store, corpus: list[str], tmp_path: Path, pace: Pace) -> None:
    job_id = accept(store, slow(corpus, tmp_path, workers=2)).job_id
    launcher = Processes(store, tmp_path)
    try:
        launcher.start(job_id, 1)
        runner = scoring(store, job_id).pid
        family = [p.pid for p in processes_of(job_id)]
        assert len(family) >= 4, "the runner, its fork server and two workers"
        os.kill(runner, signal.SIGKILL)
        until(lambda: not launcher.running(job_id, 1, None), 5)
        until(lambda: not [p for p in processes_of(job_id) if p.pid in family], 3)
    finally:
        for process in processes_of(job_id):
            process.kill()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_paused_job_rests_and_goes_on(
    store: Store, corpus: list[str], clean: dict[str, str], tmp_path: Path, pace: Pace, workers: int
) -> None:
    with supervising(store) as supervisor:
        job_id = supervisor.submit(slow(corpus, tmp_path, workers=workers)).job_id
        scoring(store, job_id, 2)
        assert want(store, job_id, "pause", "ada")["state"] == "running"
        until(lambda: job_state(store, job_id)["state"] == "paused")
        until(lambda: not supervisor.running())
        assert processes_of(job_id) == []
        done = len(events_of(store, job_id, "unit_done", stage="notes"))
        assert 2 <= done < UNITS
        pace.free()
        assert want(store, job_id, "run", "ada")["state"] == "queued"
        supervisor.wake(job_id)
        record = until_ended(store, job_id)
        until(lambda: not supervisor.running())  # its last word in the log comes after the record
    assert (record["state"], record["attempt"], record["attempts_failed"]) == ("completed", 2, 0)
    assert len(events_of(store, job_id, "unit_done", stage="notes")) == UNITS
    assert made(tmp_path) == clean
    states = [e.fields["state"] for e in events_of(store, job_id, "state")]
    assert states == ["running", "paused", "queued", "running", "completed"]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_cancelled_job_stops_and_writes_nothing_more(
    store: Store, corpus: list[str], tmp_path: Path, pace: Pace, workers: int
) -> None:
    with supervising(store) as supervisor:
        job_id = supervisor.submit(slow(corpus, tmp_path, workers=workers)).job_id
        scoring(store, job_id, 2)
        since = time.monotonic()
        assert want(store, job_id, "cancel", "ada")["state"] == "cancelling"
        assert until_ended(store, job_id, 10)["state"] == "cancelled"
        assert time.monotonic() - since < 10
        until(lambda: not supervisor.running())
        there = files_of(tmp_path)
        assert processes_of(job_id) == []
        time.sleep(1.0)
        assert files_of(tmp_path) == there
    assert len(events_of(store, job_id, "unit_done", stage="notes")) < UNITS


def test_a_retry_goes_on_with_what_a_cancelled_job_committed(
    store: Store, corpus: list[str], clean: dict[str, str], tmp_path: Path, pace: Pace
) -> None:
    with supervising(store) as supervisor:
        first = supervisor.submit(slow(corpus, tmp_path)).job_id
        scoring(store, first, 3)
        want(store, first, "cancel", "ada")
        until_ended(store, first, 10)
        pace.free()
        second = supervisor.submit(retry(store, first)).job_id
        record = until_ended(store, second)
    done = [{e.fields["part"] for e in events_of(store, j, "unit_done", stage="notes")} for j in (first, second)]
    assert (record["state"], record["retry_of"]) == ("completed", first)
    assert done[0] & done[1] == set()
    assert_done_once(store, second, UNITS)
    assert made(tmp_path) == clean


def test_a_runner_that_does_not_stop_is_ended_and_its_job_cancelled(
    store: Store, corpus: list[str], tmp_path: Path, pace: Pace
) -> None:
    with supervising(store, QUICK) as supervisor:
        job_id = supervisor.submit(slow(corpus, tmp_path)).job_id
        claim = scoring(store, job_id, 2)
        os.kill(claim.pid, signal.SIGSTOP)
        want(store, job_id, "cancel", "ada")
        record = until_ended(store, job_id, 15)
        assert (record["state"], processes_of(job_id)) == ("cancelled", [])
    taken = attempts.read(store, job_id, attempts.highest(store, job_id))
    assert taken is not None
    assert (taken.attempt, taken.role) == (claim.attempt + 1, "supervisor")


def test_a_frozen_runner_is_ended_and_resumed(
    store: Store, corpus: list[str], clean: dict[str, str], tmp_path: Path, pace: Pace
) -> None:
    lease_s = 8.0  # on a busy machine one that imports may be silent for seconds
    with supervising(store, dataclasses.replace(QUICK, lease_s=lease_s)) as supervisor:
        job_id = supervisor.submit(slow(corpus, tmp_path)).job_id
        os.kill(scoring(store, job_id, 2).pid, signal.SIGSTOP)
        pace.free()
        record = until_ended(store, job_id)
    assert (record["state"], record["attempts_failed"]) == ("completed", 1)
    assert [e.fields["reason"] for e in events_of(store, job_id, "stalled")] == ["stalled: no sign of life for 8 s"]
    assert made(tmp_path) == clean


def test_a_job_that_gets_nothing_done_has_failed(store: Store, corpus: list[str], tmp_path: Path) -> None:
    deadly = tmp_path / "deadly"
    deadly.touch()
    with supervising(store, QUICK) as supervisor:
        asked = Submission(recipe=slow_recipe(corpus, 0.0, str(deadly)), workers=1)
        job_id = supervisor.submit(asked).job_id
        record = until_ended(store, job_id)
    assert (record["state"], record["reason_code"]) == ("failed", "attempts_exhausted")
    assert "2 attempts in a row got nothing done; the last: exit code 3" in record["message"]
    lost = [e.fields["in_vain"] for e in events_of(store, job_id, "attempt_lost")]
    assert lost == [0, 1, 2], "the first took the input in"


def test_what_the_user_got_wrong_is_not_tried_again(store: Store) -> None:
    with supervising(store) as supervisor:
        job_id = supervisor.submit(submission(["/nowhere/*.parquet"])).job_id
        record = until_ended(store, job_id)
    assert (record["state"], record["reason_code"], record["attempt"]) == ("failed", "plan", 1)
    assert "/nowhere/" in record["message"]


def test_a_runner_outlives_its_supervisor_and_the_next_takes_it_on(
    store: Store, corpus: list[str], clean: dict[str, str], tmp_path: Path, pace: Pace
) -> None:
    with supervising(store) as first:
        job_id = first.submit(slow(corpus, tmp_path)).job_id
        claim = scoring(store, job_id)
        first.stop()
        with supervising(store) as second:
            until(lambda: second.running() == [job_id])
            pace.free()
            record = until_ended(store, job_id)
            until(lambda: not second.running())
    assert (record["state"], record["attempt"]) == ("completed", claim.attempt)
    assert made(tmp_path) == clean


def test_a_supervisor_resumes_what_died_while_there_was_none(
    store: Store, corpus: list[str], clean: dict[str, str], tmp_path: Path, pace: Pace
) -> None:
    with supervising(store) as first:
        job_id = first.submit(slow(corpus, tmp_path)).job_id
        claim = scoring(store, job_id)
        first.stop()
        os.kill(claim.pid, signal.SIGKILL)
        pace.free()
        with supervising(store):
            record = until_ended(store, job_id)
    assert (record["state"], record["attempts_failed"]) == ("completed", 1)
    assert made(tmp_path) == clean


def test_two_supervisors_make_one_job_of_it(
    store: Store, corpus: list[str], clean: dict[str, str], tmp_path: Path
) -> None:
    job_id = accept(store, slow(corpus, tmp_path)).job_id
    with supervising(store), supervising(store):
        record = until_ended(store, job_id)
    assert (record["state"], record["attempts_failed"]) == ("completed", 0)
    assert [e.fields["state"] for e in events_of(store, job_id, "state")] == ["running", "completed"]
    assert len(events_of(store, job_id, "unit_done", stage="notes")) == UNITS
    assert made(tmp_path) == clean


def test_two_supervisors_cancel_a_job_once(store: Store, corpus: list[str], tmp_path: Path, pace: Pace) -> None:
    job_id = accept(store, slow(corpus, tmp_path)).job_id
    with supervising(store, QUICK), supervising(store, QUICK):
        os.kill(scoring(store, job_id).pid, signal.SIGSTOP)
        want(store, job_id, "cancel", "ada")
        until_ended(store, job_id, 15)
        time.sleep(1.5)
    assert [e.fields["state"] for e in events_of(store, job_id, "state", state="cancelled")] == ["cancelled"]


def test_the_service_loads_no_kernels_to_supervise() -> None:
    code = "import pipeline.control.supervisor, sys; print([m for m in ('numba','ray','scorers','duckdb') if m in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_a_process_is_known_by_its_start_too() -> None:
    from pipeline.execution.processes import started

    child = subprocess.Popen(["sleep", "60"])
    try:
        assert started(child.pid) == started(child.pid) != started(os.getpid())
        child.kill()
        until(lambda: psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE)
        assert started(child.pid) is None
    finally:
        child.kill()
        child.wait()
