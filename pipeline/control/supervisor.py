"""The supervisor: which jobs wait, which run, and a thread that looks after them. All it knows it reads from the files of
the workspace, so that another one goes on where this one ended."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from pipeline.control.care import Care, Case, Limits, Verdict
from pipeline.control.launch import Launcher, Processes
from pipeline.control.state import TERMINAL
from pipeline.control.submission import Accepted, Submission, accept, complete, finish_claims, submission_path
from pipeline.errors import QueueFull
from pipeline.execution import attempts
from pipeline.storage.store import Store

__all__ = ["Limits", "Supervisor"]

TURN_S, REMOTE_TURN_S = 0.25, 2.0
LOOK_S, REMOTE_LOOK_S = 5.0, 30.0
"""From one look to the next at wishes nobody told of, and at jobs that another process accepted."""
ALIVE_S = 15.0
HOLD_S = 2.0
"""How long a job is left alone after a look at it failed: its storage may be out of reach."""

log = logging.getLogger(__name__)


class Supervisor:
    """A thread that carries out what was accepted. on_change: called in it, with the id of a job whose files changed.

    Runners outlive it: `stop` leaves them, and the next supervisor of the workspace takes them on.
    """

    def __init__(
        self,
        store: Store,
        limits: Limits,
        *,
        executor: str = "auto",
        ray_address: str | None = None,
        log_folder: Path,
        on_change: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        launcher: Launcher | None = None,
    ) -> None:
        self._store, self._limits, self._clock = store, limits, clock
        self._launcher = launcher or Processes(
            store, log_folder, executor, ray_address, limits.nice, limits.pause_grace_s
        )
        self._on_change = on_change
        self._care = Care(store, self._launcher, limits, clock, self._changed)
        self._active: dict[str, Case] = {}
        self._waiting: dict[str, Case] = {}
        self._resting: dict[str, Case] = {}
        self._ended: set[str] = set()
        self._lock = threading.Lock()
        self._told: set[str] = set()
        self._reserved = 0
        self._look_at: float | None = None
        self._held: dict[str, float] = {}
        self._turned_at: float | None = None
        self._awake, self._stopping = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, wait_s: float = 10.0) -> None:
        """End the thread; runners go on."""
        self._stopping.set()
        self._awake.set()
        if self._thread.is_alive():
            self._thread.join(wait_s)

    def submit(self, submission: Submission, key: str | None = None) -> Accepted:
        """Accept a job and put it in the queue. Raises QueueFull, and what `accept` raises."""
        reserved = []

        def room() -> None:
            with self._lock:
                if len(self._waiting) + self._reserved >= self._limits.queue:
                    raise QueueFull(f"{self._limits.queue} jobs wait already; submit again when some have run")
                self._reserved += 1
                reserved.append(1)

        try:
            accepted = accept(self._store, submission, key, room)
            self.wake(accepted.job_id)
            return accepted
        finally:
            with self._lock:
                self._reserved -= len(reserved)

    def wake(self, job_id: str | None = None) -> None:
        """Something was submitted, or is wanted of a job; without its id all are looked at."""
        with self._lock:
            if job_id is None:
                self._look_at = None
            else:
                self._told.add(job_id)
                if not self._is_known(job_id):
                    self._waiting[job_id] = Case(job_id, "")  # it counts from now on; the thread reads the rest
        self._awake.set()

    def queued(self) -> int:
        """Jobs that wait for a place."""
        return len(self._waiting)

    def running(self) -> list[str]:
        """Jobs that hold a place."""
        with self._lock:
            return sorted(self._active)

    def alive(self) -> bool:
        """Whether the thread went round within the last seconds."""
        return self._turned_at is not None and self._clock() - self._turned_at < ALIVE_S and not self._stopping.is_set()

    def step(self) -> None:
        """One turn: what is new, what runs, what is wanted, what may begin."""
        for job_id in self._news():
            self._guarded(job_id, self._take_in)
        for job_id in list(self._active):
            self._guarded(job_id, self._turn)
        with self._lock:
            waiting = sorted(self._waiting.values(), key=lambda c: (c.created_at, c.job_id))
        for case in waiting:
            if len(self._active) >= self._limits.jobs_at_once:
                break
            self._guarded(case.job_id, self._begin)
        self._turned_at = self._clock()

    def _run(self) -> None:
        turn_s = REMOTE_TURN_S if self._store.remote else TURN_S
        while not self._stopping.is_set():
            try:
                if self._turned_at is None:
                    finish_claims(self._store)
                self.step()
            except Exception:
                log.exception("the supervisor's turn failed")
            self._awake.wait(turn_s)
            self._awake.clear()

    def _news(self) -> list[str]:
        """Jobs to be looked at: those told of, and now and then all that have not ended."""
        with self._lock:
            told, self._told = self._told, set()
            due = self._look_at is None or self._clock() >= self._look_at
            self._look_at = self._clock() + (REMOTE_LOOK_S if self._store.remote else LOOK_S) if due else self._look_at
        if due:
            told |= set(self._store.names("jobs")) - self._ended
        return sorted(told - set(self._active))

    def _take_in(self, job_id: str) -> None:
        """Find out where a job belongs that holds no place."""
        found = self._store.find_json(f"{Store.job(job_id)}/job.json")
        if found is None and self._store.exists(submission_path(job_id)):
            complete(self._store, job_id)
            found = self._care.record(job_id)
        if found is None:
            self._place(None, job_id, ended=False)  # being made, or deleted
            return
        if not found.get("supervised") or found["state"] in TERMINAL:
            self._place(None, job_id)
            return
        case = self._waiting.get(job_id) or self._resting.get(job_id) or Case(job_id, "")
        known, case.created_at = bool(case.created_at), str(found["created_at"])
        latest = attempts.highest(self._store, job_id)
        if found["state"] == "running" or latest > int(found.get("attempt", 0)):
            self._care.adopt(case, latest)
            self._place(self._active, job_id, case)
            return
        before = self._resting if job_id in self._resting else self._waiting
        wish = self._care.hear(case)
        if wish == "cancel":
            ended = self._care.say(case, "cancelled") == "ended"
            self._place(None if ended else self._waiting, job_id, case)
            return
        where = self._resting if wish == "pause" else self._waiting
        if where is not before and (known or not attempts.len_of_log(self._store, job_id)):  # nobody has told it yet
            self._care.tell(case, "state", state="paused" if where is self._resting else "queued")
        self._place(where, job_id, case)

    def _turn(self, job_id: str) -> None:
        case = self._active[job_id]
        verdict: Verdict = self._care.turn(case)
        if verdict == "ended":
            self._place(None, job_id)
        elif verdict == "rested":
            self._place(self._resting, job_id, case)
            with self._lock:
                self._told.add(job_id)  # it may be wanted to run again already

    def _begin(self, job_id: str) -> None:
        self._take_in(job_id)
        case = self._waiting.get(job_id)
        if case is not None and case.wish == "run":
            self._place(self._active, job_id, case)
            self._care.begin(case)
            self._changed(job_id)

    def _place(self, where: dict[str, Case] | None, job_id: str, case: Case | None = None, ended: bool = True) -> None:
        """A job is in one place; None: it has ended, or is none of ours."""
        with self._lock:
            for other in (self._active, self._waiting, self._resting):
                if other is not where:
                    other.pop(job_id, None)
            if where is None:
                self._ended |= {job_id} if ended else set()
            elif case is not None:
                where[job_id] = case
        if where is None:
            self._launcher.forget(job_id)
            self._changed(job_id)

    def _is_known(self, job_id: str) -> bool:
        return any(job_id in place for place in (self._active, self._waiting, self._resting, self._ended))

    def _guarded(self, job_id: str, do: Callable[[str], None]) -> None:
        """One job's trouble is not another's."""
        if self._clock() < self._held.get(job_id, 0.0):
            return
        self._held.pop(job_id, None)
        try:
            do(job_id)
        except Exception:
            log.exception("looking after job %s failed; it is tried again", job_id)
            self._held[job_id] = self._clock() + HOLD_S

    def _changed(self, job_id: str) -> None:
        try:
            self._on_change(job_id)
        except Exception:
            log.exception("taking in what is new of job %s failed", job_id)
