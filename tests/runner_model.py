"""Runners and their launcher as models: they claim, beat, freeze, die and end when a test says so."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pipeline.control.lease import Beat, write_beat
from pipeline.errors import Fenced
from pipeline.execution import attempts
from pipeline.execution.attempts import Claim
from pipeline.job import Job
from pipeline.progress import Silent
from pipeline.recipe_file import validate
from pipeline.storage.store import Store
from tests.control import RECIPE

RECIPE_MODEL = validate(RECIPE, "")


@dataclass
class Runner:
    """A runner that does what a test says. It may be frozen, and thaw again after it was given up."""

    store: Store
    job_id: str
    attempt: int
    alive: bool = True
    frozen: bool = False
    beats: int = 0
    units: int = 0
    job: Job | None = None

    def claim(self) -> None:
        if attempts.claim(self.store, self.job_id, self.attempt, "runner", "now") is None:
            self.alive = False
            return
        fenced = self.store.fenced(self.job_id, self.attempt)
        self.job = Job(fenced, RECIPE_MODEL, Silent(), self.job_id, self.attempt)
        self.job.state("running")

    def beat(self, units: int = 0) -> None:
        self.beats += 1
        self.units += units
        write_beat(
            self.store.fenced(self.job_id, self.attempt), self.job_id, self.attempt,
            Beat(self.beats, "notes", self.units, 9, 0, 0, self.units, 0),
        )  # fmt: skip
        for _ in range(units):
            assert self.job is not None
            self.job.event("unit_done", stage="notes", unit=str(self.units))

    def end(self, state: Any) -> None:
        assert self.job is not None
        if state in ("failed", "cancelled"):
            self.job._end(state, **({"code": "plan", "error": "no"} if state == "failed" else {}))
        else:
            self.job.state(state)
        self.alive = False


def runner_beat(runner: Runner, units: int = 0) -> None:
    try:
        runner.beat(units)
    except Fenced:
        runner.alive = False


def runner_end(runner: Runner, state: str) -> None:
    try:
        runner.end(state)
    except Fenced:
        runner.alive = False


def _holder(found: list[Runner]) -> Runner:
    held = [r for r in found if r.job is not None]
    return held[-1] if held else found[-1]


@dataclass
class Stable:
    """The launcher of such runners. Killing takes two turns, as it may."""

    store: Store
    runners: list[Runner] = field(default_factory=list)
    kills: int = 0

    def find(self, job_id: str, attempt: int) -> Runner | None:
        """The one that holds it, where two supervisors started one each; else the latest."""
        found = [r for r in self.runners if (r.job_id, r.attempt) == (job_id, attempt)]
        return _holder(found) if found else None

    def start(self, job_id: str, attempt: int) -> None:
        self.runners.append(Runner(self.store, job_id, attempt))

    def running(self, job_id: str, attempt: int, claim: Claim | None) -> bool | None:
        runner = self.find(job_id, attempt)
        return runner is not None and runner.alive

    def reason(self, job_id: str, attempt: int, claim: Claim | None) -> str:
        return "signal 9"

    def kill(self, job_id: str, attempt: int, claim: Claim | None) -> bool:
        runner = self.find(job_id, attempt)
        self.kills += 1
        if runner is None or not runner.alive:
            return True
        if self.kills % 2:
            runner.alive = False
        return not runner.alive

    def forget(self, job_id: str) -> None: ...
