"""Looking after one job: its attempts begin, are watched and ended, and what none of them could say is said in their
place. One turn at a time, on a clock that is given, over a launcher that is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from pipeline.control.ends import attempts_lost, note_end
from pipeline.control.events import events_path
from pipeline.control.launch import Launcher
from pipeline.control.lease import Pulse, read_beat
from pipeline.control.state import TERMINAL
from pipeline.control.wish import wanted
from pipeline.execution import attempts
from pipeline.execution.attempts import Claim
from pipeline.job import event_line, now
from pipeline.storage.store import Store
from pipeline.unit import STALL_S

FIRST_RETRY_S, LAST_RETRY_S = 0.2, 30.0
BEGIN_S = 30.0
"""What a runner has to say its first word, where the lease is shorter: Python starts slowly on a machine that is full."""
LEAVE_S = 5.0
"""What a runner has to leave after it said how it ended."""
GIVE_WAY_S = 1.0

Verdict = Literal["going", "rested", "ended"]


@dataclass(frozen=True)
class Limits:
    """Of the supervisor. queue: jobs that may wait; lease_s: a runner silent for longer is taken for dead; stall_s: one
    that gets no unit done for longer, for stuck; attempts_without_progress: lost in a row before the job has failed."""

    jobs_at_once: int = 1
    queue: int = 100
    lease_s: float = 15.0
    stall_s: float = STALL_S
    attempts_without_progress: int = 5
    cancel_grace_s: float = 5.0
    pause_grace_s: float = 15.0
    nice: int = 5


@dataclass
class Case:
    """A job as its supervisor sees it. attempt: the one under way, 0 between two. Times are of the supervisor's clock."""

    job_id: str
    created_at: str
    attempt: int = 0
    pulse: Pulse | None = None
    next_at: float = 0.0
    give_way_until: float = 0.0
    wish: str = "run"
    wish_since: float = 0.0
    over_since: float | None = None
    ending: str = ""


class Care:
    """Turns of a job. on_change: told of every job whose files say something new."""

    def __init__(
        self,
        store: Store,
        launcher: Launcher,
        limits: Limits,
        clock: Callable[[], float],
        on_change: Callable[[str], None],
    ) -> None:
        self._store, self._launcher, self._limits = store, launcher, limits
        self._clock, self._on_change = clock, on_change

    def record(self, job_id: str) -> dict[str, Any]:
        """What job.json says; of a job that was deleted meanwhile, that it is over."""
        found: dict[str, Any] = self._store.find_json(f"{Store.job(job_id)}/job.json") or {"state": "cancelled"}
        return found

    def hear(self, case: Case) -> str:
        """What is wanted now; since when is noted on the supervisor's own clock."""
        wish = wanted(self._store, case.job_id)
        if wish != case.wish:
            case.wish, case.wish_since = wish, self._clock()
        return wish

    def begin(self, case: Case) -> None:
        """Start the next attempt."""
        attempt = attempts.highest(self._store, case.job_id) + 1
        case.attempt, case.pulse, case.ending, case.over_since = attempt, Pulse(self._clock()), "", None
        try:
            self._launcher.start(case.job_id, attempt)
        except OSError as error:
            case.ending = f"its process could not be started: {error}"

    def adopt(self, case: Case, attempt: int) -> None:
        """Watch an attempt that another supervisor began; where that supervisor ended before it said what it was about
        to say, none is under way."""
        found = attempts.read(self._store, case.job_id, attempt)
        case.attempt = 0 if found is not None and found.role == "supervisor" else attempt
        case.pulse = Pulse(self._clock())

    def turn(self, case: Case) -> Verdict:
        """One look at a job that holds a place, and what follows from it."""
        record, wish = self.record(case.job_id), self.hear(case)
        if self._is_over(case, record):
            return self._let_go(case, record)
        if self._clock() < case.give_way_until:
            return "going"
        if case.attempt == 0:
            return self._between(case, wish)
        claim = attempts.read(self._store, case.job_id, case.attempt)
        case.ending = case.ending or self._why_end(case, claim, wish)
        return self._end(case, claim, wish) if case.ending else "going"

    def say(
        self, case: Case, state: Literal["paused", "failed", "cancelled"], code: str = "", error: str = ""
    ) -> Verdict:
        """Write how it is, with an attempt of the supervisor's own: nobody else writes after that."""
        number = attempts.highest(self._store, case.job_id) + 1
        if attempts.claim(self._store, case.job_id, number, "supervisor", now()) is None:
            case.give_way_until = self._clock() + GIVE_WAY_S  # another supervisor says it
            return "going"
        store, path = self._store.fenced(case.job_id, number), f"{Store.job(case.job_id)}/job.json"
        record = self.record(case.job_id)
        if record["state"] in TERMINAL:
            return "ended"
        told = {"state": state, "at": now(), "attempts_failed": attempts_lost(store, case.job_id)}
        told |= {"attempt": number} if state == "paused" else {}
        told |= {"code": code, "error": error} if code else {}
        if state in TERMINAL:
            store.remove(f"{Store.job(case.job_id)}/scratch")
        store.put_json(path, record | told, durable=True)
        self.tell(case, "state", state=state, **({"code": code, "error": error} if code else {}))
        self._store.sweep()
        case.attempt = 0
        return "ended" if state in TERMINAL else "rested"

    def tell(self, case: Case, verb: str, **fields: Any) -> None:
        """A line of the log, while no runner writes it."""
        self._store.append(events_path(case.job_id), event_line(verb, **fields))
        self._on_change(case.job_id)

    def _is_over(self, case: Case, record: dict[str, Any]) -> bool:
        """Whether an attempt said itself how it ended."""
        rested = record["state"] == "paused" and 0 < case.attempt <= int(record.get("attempt", 0))
        return record["state"] in TERMINAL or rested

    def _let_go(self, case: Case, record: dict[str, Any]) -> Verdict:
        """It has said how it ended: what is left of its processes goes."""
        now_s = self._clock()
        case.over_since = now_s if case.over_since is None else case.over_since
        claim = attempts.read(self._store, case.job_id, case.attempt) if case.attempt else None
        leaving = case.attempt and self._launcher.running(case.job_id, case.attempt, claim)
        if leaving and now_s - case.over_since < LEAVE_S:
            return "going"
        if case.attempt and not self._launcher.kill(case.job_id, case.attempt, claim):
            return "going"
        case.attempt, case.over_since, case.ending = 0, None, ""
        self._on_change(case.job_id)
        return "ended" if record["state"] in TERMINAL else "rested"

    def _between(self, case: Case, wish: str) -> Verdict:
        """No attempt is under way."""
        if wish == "cancel":
            return self.say(case, "cancelled")
        if wish == "pause":
            return self.say(case, "paused")
        if self._clock() >= case.next_at:
            self.begin(case)
        return "going"

    def _why_end(self, case: Case, claim: Claim | None, wish: str) -> str:
        """'' while the attempt is to go on."""
        assert case.pulse is not None
        if case.pulse.look(read_beat(self._store, case.job_id, case.attempt), self._clock()):
            self._on_change(case.job_id)
        limits, since_s = self._limits, self._clock() - case.wish_since
        if self._launcher.running(case.job_id, case.attempt, claim) is False:
            return "gone"
        if wish == "cancel" and since_s > limits.cancel_grace_s:
            return "it did not stop when it was to be cancelled"
        if wish == "pause" and since_s > limits.pause_grace_s + limits.cancel_grace_s:
            return "it did not rest when it was to be paused"
        silent_s = limits.lease_s if case.pulse.heard else max(limits.lease_s, BEGIN_S)
        if case.pulse.silent_s > silent_s:
            return f"stalled: no sign of life for {silent_s:g} s"
        if case.pulse.idle_s > limits.stall_s:
            return f"stalled: no unit done for {limits.stall_s:g} s"
        return ""

    def _end(self, case: Case, claim: Claim | None, wish: str) -> Verdict:
        """The attempt is gone, or has to go. Only when nothing of it is left is it written what follows."""
        if not self._launcher.kill(case.job_id, case.attempt, claim):
            return "going"
        record = self.record(case.job_id)
        if self._is_over(case, record):  # it said so just before it went
            return self._let_go(case, record)
        if wish == "cancel":
            return self.say(case, "cancelled")
        if wish == "pause":
            return self.say(case, "paused")
        return self._lost(case, claim)

    def _lost(self, case: Case, claim: Claim | None) -> Verdict:
        gone = self._launcher.reason(case.job_id, case.attempt, claim)
        reason = gone if case.ending == "gone" else case.ending
        end = note_end(self._store, case.job_id, case.attempt, reason, claim)
        verb = "stalled" if case.ending.startswith("stalled") else "attempt_lost"
        wait_s = min(LAST_RETRY_S, FIRST_RETRY_S * 2 ** max(0, end.in_vain - 1))
        self.tell(case, verb, attempt=case.attempt, reason=reason, in_vain=end.in_vain, next_in_s=wait_s)
        if end.in_vain >= self._limits.attempts_without_progress:
            said = f"{end.in_vain} attempts in a row got nothing done; the last: {reason}"
            return self.say(case, "failed", "attempts_exhausted", f"{said}. Look at its log, then retry it")
        case.attempt, case.next_at = 0, self._clock() + wait_s
        return "going"
