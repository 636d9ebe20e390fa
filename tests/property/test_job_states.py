"""The states of jobs under everything that may happen to them, in any order: a clock, runners and wishes of our own."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pipeline.control.care import Limits
from pipeline.control.state import RECORDED, STATES, TERMINAL, TRANSITIONS, job_state
from pipeline.control.submission import accept
from pipeline.control.supervisor import Supervisor
from pipeline.control.wish import want, wanted
from pipeline.errors import Fenced, QueueFull, WrongState
from pipeline.execution import attempts
from pipeline.storage.store import Store
from tests.control import nothing, submission
from tests.runner_model import Runner, Stable, runner_beat, runner_end

LIMITS = Limits(jobs_at_once=2, queue=4, lease_s=6.0, stall_s=40.0, attempts_without_progress=3, cancel_grace_s=3.0)


class Jobs(RuleBasedStateMachine):
    """Every observed change of state is in the table; what is over stays over; nobody writes who was given up."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="winnow-states-"))
        self.store = Store(str(self.folder))
        self.now_s = 0.0
        self.stable = Stable(self.store)
        self.seen: dict[str, str] = {}
        self.final: dict[str, str] = {}
        self.supervisor = self.new_supervisor()

    def new_supervisor(self) -> Supervisor:
        return Supervisor(
            self.store,
            LIMITS,
            log_folder=self.folder,
            on_change=nothing,
            clock=lambda: self.now_s,
            launcher=self.stable,
        )

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)

    def working(self) -> list[Runner]:
        return [r for r in self.stable.runners if r.alive and not r.frozen and r.job is not None]

    @rule()
    def submit(self) -> None:
        if len(self.seen) < 6:
            try:
                self.note(self.supervisor.submit(submission()).job_id)
            except QueueFull:
                assert self.supervisor.queued() >= LIMITS.queue

    @rule(data=st.data(), what=st.sampled_from(["run", "pause", "cancel"]))
    @precondition(lambda self: self.seen)
    def wish(self, data: st.DataObject, what: Any) -> None:
        job_id = data.draw(st.sampled_from(sorted(self.seen)))
        state = job_state(self.store, job_id)["state"]
        try:
            want(self.store, job_id, what, "test")
        except WrongState:
            assert state in TERMINAL or (state == "cancelling" and what != "cancel")
        else:
            assert state not in TERMINAL
        if data.draw(st.booleans()):
            self.supervisor.wake(job_id)

    @rule(turns=st.integers(1, 4), each_s=st.sampled_from([0.1, 1.0, 4.0]))
    def turn(self, turns: int, each_s: float) -> None:
        for _ in range(turns):
            self.now_s += each_s
            self.supervisor.step()
            self.look()

    @rule()
    def jump(self) -> None:
        """The machine slept, or the supervisor was stopped: a clock that jumps costs nobody an attempt."""
        for runner in self.working():
            runner_beat(runner, 1)
        self.supervisor.step()
        ends_before = ends_of(self.folder)
        self.now_s += 86_400.0
        alive = {(r.job_id, r.attempt) for r in self.working() if wanted(self.store, r.job_id) == "run"}
        self.supervisor.step()
        assert not (ends_of(self.folder) - ends_before) & alive

    @rule()
    def restart(self) -> None:
        """The service was killed; a new one reads the files."""
        self.supervisor = self.new_supervisor()
        self.supervisor.step()

    @rule(data=st.data(), units=st.integers(0, 2))
    def work(self, data: st.DataObject, units: int) -> None:
        there = [r for r in self.stable.runners if r.alive and not r.frozen]
        if not there:
            return
        runner = data.draw(st.sampled_from(there))
        if runner.job is None:
            runner.claim()
        elif runner.alive:
            runner_beat(runner, units)

    @rule(data=st.data(), state=st.sampled_from(["completed", "failed", "completed_with_quarantine"]))
    @precondition(lambda self: self.working())
    def finish(self, data: st.DataObject, state: str) -> None:
        runner_end(data.draw(st.sampled_from(self.working())), state)

    @rule(data=st.data())
    @precondition(lambda self: self.working())
    def obey(self, data: st.DataObject) -> None:
        runner = data.draw(st.sampled_from(self.working()))
        wish = wanted(self.store, runner.job_id)
        if wish != "run":
            runner_end(runner, "cancelled" if wish == "cancel" else "paused")

    @rule(data=st.data())
    @precondition(lambda self: any(r.alive for r in self.stable.runners))
    def die(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from([r for r in self.stable.runners if r.alive])).alive = False

    @rule(data=st.data())
    @precondition(lambda self: self.working())
    def freeze(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from(self.working())).frozen = True

    @rule(data=st.data())
    @precondition(lambda self: any(r.job is not None and not r.alive for r in self.stable.runners))
    def haunt(self, data: st.DataObject) -> None:
        """A runner that was given up comes back, as one on another host may, and wants to write: it cannot, once another
        attempt began."""
        ghost = data.draw(st.sampled_from([r for r in self.stable.runners if r.job is not None and not r.alive]))
        if attempts.highest(self.store, ghost.job_id) > ghost.attempt:
            before = files(self.folder)
            try:
                Store(self.store.root, self.store.fenced(ghost.job_id, ghost.attempt).fence).put("x", "y")
            except Fenced:
                assert files(self.folder) == before
            else:
                raise AssertionError("it wrote")

    def note(self, job_id: str) -> None:
        self.seen.setdefault(job_id, "queued")

    @invariant()
    def look(self) -> None:
        if not hasattr(self, "store"):
            return
        for job_id, before in self.seen.items():
            state = job_state(self.store, job_id)["state"]
            assert state in STATES
            assert state == before or reachable(before, state), f"{before} -> {state}"
            assert before not in TERMINAL or state == before
            self.seen[job_id] = state
            if state in TERMINAL:
                text = (self.folder / "jobs" / job_id / "job.json").read_text()
                assert self.final.setdefault(job_id, text) == text, "what is over is written no more"

    @invariant()
    def no_more_at_once_than_may_be(self) -> None:
        if hasattr(self, "stable"):
            at_work = [r.job_id for r in self.stable.runners if r.alive and r.job is not None]
            assert len(at_work) == len(set(at_work)) <= LIMITS.jobs_at_once


def reachable(before: str, after: str) -> bool:
    """In one step, or in the two that one turn of the supervisor may take."""
    return any(after == s or after in TRANSITIONS[s] for s in TRANSITIONS[before])


def ends_of(folder: Path) -> set[tuple[str, int]]:
    return {(p.parent.parent.name, int(p.stem)) for p in folder.glob("jobs/*/attempts/*.end")}


def files(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


Jobs.TestCase.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
test_jobs_under_everything = Jobs.TestCase


def test_the_table_names_every_state_and_ends_where_it_is_over() -> None:
    assert set(TRANSITIONS) == set(STATES)
    assert {s for s, after in TRANSITIONS.items() if not after} == TERMINAL
    assert set(STATES) - {"cancelling"} == RECORDED
    assert set().union(*TRANSITIONS.values()) | {"queued"} == set(STATES)


def test_every_job_comes_to_an_end_when_its_runners_do_their_work(tmp_path: Path) -> None:
    store, now = Store(str(tmp_path)), [0.0]
    stable = Stable(store)
    supervisor = Supervisor(
        store, LIMITS, log_folder=tmp_path, on_change=nothing, clock=lambda: now[0], launcher=stable
    )
    jobs = [accept(store, submission()).job_id for _ in range(5)]
    for turn in range(60):
        now[0] += 1.0
        supervisor.step()
        for runner in [r for r in stable.runners if r.alive]:
            if runner.job is None:
                runner.claim()
            elif turn % 3 == 0:
                runner.alive = False
            else:
                runner_beat(runner, 1)
                if runner.units > 1:
                    runner_end(runner, "completed")
    assert {job_state(store, j)["state"] for j in jobs} == {"completed"}
