"""Jobs that wait: steered without a runner, refused where the queue is full, begun in their order."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipeline.control.care import Limits
from pipeline.control.submission import accept
from pipeline.control.supervisor import Supervisor
from pipeline.control.wish import want
from pipeline.errors import QueueFull
from pipeline.storage.store import Store
from tests.control import events_of, processes_of, submission, supervising, until, until_ended
from tests.fixtures_store import store

__all__ = ["store"]  # a fixture


@pytest.fixture
def idle(store: Store) -> Iterator[Supervisor]:
    """A supervisor that begins nothing."""
    with supervising(store, Limits(jobs_at_once=0, queue=3)) as supervisor:
        yield supervisor


def test_a_job_that_waits_is_paused_resumed_and_cancelled_without_a_runner(store: Store, idle: Supervisor) -> None:
    job_id = idle.submit(submission()).job_id
    until(lambda: idle.alive() and store.names("jobs") == [job_id])
    for what, waiting in (("pause", 0), ("run", 1)):
        want(store, job_id, what, "ada")
        idle.wake(job_id)
        until(lambda waiting=waiting: idle.queued() == waiting)
    want(store, job_id, "cancel", "ada")
    idle.wake(job_id)
    assert until_ended(store, job_id, 10)["state"] == "cancelled"
    assert processes_of(job_id) == []
    until(lambda: idle.queued() == 0)  # it leaves the queue after its record says so


def test_a_job_that_is_paused_before_it_was_looked_at_tells_so_once(store: Store) -> None:
    job_id = accept(store, submission()).job_id
    want(store, job_id, "pause", "ada")
    for _ in range(2):  # the second takes it on from the first
        with supervising(store) as supervisor:
            until(supervisor.alive)
    assert [e.fields["state"] for e in events_of(store, job_id, "state")] == ["paused"]


def test_a_full_queue_says_so_until_there_is_room(store: Store, idle: Supervisor) -> None:
    jobs = [idle.submit(submission(), f"key {n}").job_id for n in range(3)]
    with pytest.raises(QueueFull, match="3 jobs wait already"):
        idle.submit(submission(), "another")
    assert idle.submit(submission(), "key 1").job_id == jobs[1]
    want(store, jobs[0], "cancel", "ada")
    idle.wake(jobs[0])
    until_ended(store, jobs[0], 10)
    until(lambda: idle.queued() == 2)
    assert idle.submit(submission(), "another").job_id not in jobs


def test_jobs_begin_in_the_order_they_were_accepted_in(store: Store) -> None:
    jobs = [
        accept(store, submission(["/nowhere/a"], created_at=f"2026-11-21T00:00:0{n}.000Z")).job_id for n in (2, 0, 1)
    ]
    with supervising(store):
        for job_id in jobs:
            until_ended(store, job_id)
    begun = [events_of(store, job_id, "attempt_started")[0].at for job_id in jobs]
    assert sorted(begun) == [begun[1], begun[2], begun[0]]
