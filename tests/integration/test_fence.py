"""An attempt that was given up writes nothing, wherever it runs."""

from __future__ import annotations

import contextlib
import os
import pickle
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipeline.control.watch import FENCED_EXIT, Counted, Watch
from pipeline.errors import Fenced
from pipeline.execution import attempts, executors
from pipeline.execution.executors import InProcess, LocalPool
from pipeline.execution.halt import Halt
from pipeline.job import Job
from pipeline.progress import Silent
from pipeline.recipe_file import validate
from pipeline.storage import fence, naming
from pipeline.storage.store import Store
from tests.control import RECIPE

WRITES: dict[str, Callable[[Store], Any]] = {
    "commit": lambda s: s.commit_json("a.json", {}),
    "commit_table": lambda s: s.commit_table("a.parquet", pa.table({"a": [1]})),
    "put": lambda s: s.put("a.txt", "a"),
    "append": lambda s: s.append("a.log", "a"),
    "remove": lambda s: s.remove("there.txt"),
    "set_aside": lambda s: naming.set_aside(s, "there.txt"),
}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(str(tmp_path / "ws"))
    made.put("there.txt", "x")
    return made


def begin(store: Store, attempt: int) -> attempts.Claim | None:
    return attempts.claim(store, "job_1", attempt, "runner", "2026-11-21T00:00:00.000Z")


def write_one(work: tuple[Store, str]) -> str:
    work[0].put(work[1], "x")
    return work[1]


def test_an_attempt_begins_once(store: Store) -> None:
    claim = begin(store, 1)
    assert claim is not None
    assert (claim.attempt, claim.role, claim.host, claim.log) == (1, "runner", socket.gethostname(), 0)
    assert begin(store, 1) is None
    assert attempts.highest(store, "job_1") == 1


@pytest.mark.parametrize("how", WRITES)
def test_it_writes_until_the_next_begins(store: Store, how: str) -> None:
    begin(store, 1)
    WRITES[how](store.fenced("job_1", 1))
    begin(store, 2)
    store.put("there.txt", "x")
    before = {p: p.read_bytes() for p in Path(store.root).rglob("*") if p.is_file()}
    with pytest.raises(Fenced, match="attempt 1 was given up"):
        WRITES[how](store.fenced("job_1", 1))
    assert {p: p.read_bytes() for p in Path(store.root).rglob("*") if p.is_file()} == before
    WRITES[how](store.fenced("job_1", 2))


@pytest.mark.parametrize("make", [lambda: InProcess(), lambda: LocalPool(2)])
def test_the_fence_travels_into_workers(store: Store, make: Callable[[], Any]) -> None:
    begin(store, 1)
    fenced = store.fenced("job_1", 1)
    assert pickle.loads(pickle.dumps(fenced)).fence == fenced.fence
    executor = make()
    try:
        first = list(executors.run(executor, write_one, [(fenced, "a.txt")], ["a"], [60.0]))
        begin(store, 2)
        then = list(executors.run(executor, write_one, [(fenced, "b.txt")], ["b"], [60.0]))
    finally:
        executor.close()
    assert [d.value for d in first] == ["a.txt"]
    assert [(type(d.error), d.attempts) for d in then] == [(Fenced, 1)]
    assert not store.exists("b.txt")


def test_an_output_elsewhere_is_closed_by_the_same_fence(store: Store, tmp_path: Path) -> None:
    output = Store(str(tmp_path / "out"), store.fenced("job_1", 1).fence)
    begin(store, 2)
    with pytest.raises(Fenced):
        output.commit_json("manifest.json", {})
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_a_store_without_a_fence_asks_for_none(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(fence.Fence, "check", lambda self: asked.append(self))
    store.put("a.txt", "a")
    store.commit_json("b.json", {})
    assert asked == []
    store.fenced("job_1", 1).commit_json("c.json", {})
    assert len(asked) == 1


def job(store: Store, attempt: int) -> Job:
    return Job(store.fenced("job_1", attempt), validate(RECIPE, ""), Silent(), "job_1", attempt)


def test_a_job_goes_on_with_its_own_record_and_log(store: Store) -> None:
    begin(store, 1)
    first = job(store, 1)
    first.state("running")
    created_at = store.read_json("jobs/job_1/job.json")["created_at"]
    with Path(store.full("jobs/job_1/events.jsonl")).open("a") as log:
        log.write('{"at": "x", "ve')
    begin(store, 2)
    job(store, 2).state("completed")
    record = store.read_json("jobs/job_1/job.json")
    assert (record["created_at"], record["attempt"], record["state"]) == (created_at, 2, "completed")
    assert record["seconds"] >= 0
    assert Path(store.full("jobs/job_1/events.jsonl")).read_text().count("\n") == 3
    with pytest.raises(Fenced):
        first.event("unit_done")


def test_what_a_job_said_last_stays_said(store: Store) -> None:
    begin(store, 1)
    mine = job(store, 1)
    mine.state("completed")
    mine.state("failed", error="late")
    assert store.read_json("jobs/job_1/job.json")["state"] == "completed"


def test_an_end_before_its_time_takes_the_next_number(store: Store) -> None:
    begin(store, 1)
    mine, worker = job(store, 1), store.fenced("job_1", 1)
    with pytest.raises(ValueError, match="a fault"), mine.telling():
        raise ValueError("a fault")
    assert not store.exists("jobs/job_1/job.json"), "its supervisor tries again"
    with pytest.raises(Exception, match="stopped"), mine.telling():
        raise KeyboardInterrupt
    assert store.read_json("jobs/job_1/job.json")["state"] == "cancelled"
    seal = attempts.read(store, "job_1", 2)
    assert seal is not None
    assert seal.role == "seal"
    with pytest.raises(Fenced):
        worker.put("late.txt", "x")


def test_an_attempt_that_was_given_up_does_not_say_how_it_ended(store: Store) -> None:
    begin(store, 1)
    mine = job(store, 1)
    begin(store, 2)
    with pytest.raises(Fenced), mine.telling():
        raise KeyboardInterrupt
    assert not store.exists("jobs/job_1/job.json")


@pytest.mark.parametrize(("by_itself", "exits"), [(True, []), (False, [FENCED_EXIT])])
def test_a_runner_that_seals_its_own_end_is_not_ended_before_it_has_said_it(
    store: Store, monkeypatch: pytest.MonkeyPatch, by_itself: bool, exits: list[int]
) -> None:
    ended: list[int] = []

    def leave(code: int) -> None:
        ended.append(code)
        raise SystemExit

    monkeypatch.setattr(os, "_exit", leave)
    begin(store, 1)
    halt = Halt()
    watch = Watch(store.fenced("job_1", 1), "job_1", 1, Counted(Silent()), halt)
    if by_itself:
        halt.decide()
    begin(store, 2)
    with contextlib.suppress(SystemExit):
        watch.run()
    assert ended == exits
