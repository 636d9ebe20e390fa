"""What was seen of attempts that did not say themselves how they ended: the reason, and whether they got anywhere."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass

from pipeline.control.events import read_events
from pipeline.execution.attempts import Claim
from pipeline.storage.store import Store

PROGRESS = frozenset({"unit_done", "stage_finished"})
END = re.compile(r"(\d+)\.end")


@dataclass(frozen=True, slots=True)
class End:
    """in_vain: attempts in a row, up to this one, in which no unit was committed; lost: all that were lost."""

    attempt: int
    reason: str
    in_vain: int
    lost: int


NONE = End(0, "", 0, 0)


def last_end(store: Store, job_id: str) -> End:
    """Of the latest attempt that was lost."""
    found = [int(m[1]) for name in store.names(f"{Store.job(job_id)}/attempts") if (m := END.fullmatch(name))]
    if not found:
        return NONE
    return End(**store.read_json(Store.attempt(job_id, max(found), "end")))


def attempts_lost(store: Store, job_id: str) -> int:
    return last_end(store, job_id).lost


def note_end(store: Store, job_id: str, attempt: int, reason: str, claim: Claim | None) -> End:
    """Write down that an attempt was lost. claim: None where it did not even begin."""
    before = last_end(store, job_id)
    got_somewhere = claim is not None and made_progress(store, job_id, claim.log)
    end = End(attempt, reason, 0 if got_somewhere else before.in_vain + 1, before.lost + 1)
    store.put_json(Store.attempt(job_id, attempt, "end"), asdict(end), durable=True)
    return end


def made_progress(store: Store, job_id: str, log: int) -> bool:
    """Whether the log tells of work done after offset `log`."""
    while True:
        events, behind = read_events(store, job_id, log)
        if any(e.verb in PROGRESS for e in events):
            return True
        if behind == log:
            return False
        log = behind
