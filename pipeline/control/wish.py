"""What is wanted of a job. The service writes the wish; the runner and the supervisor act on it."""

from __future__ import annotations

import threading
from typing import Any, Literal, get_args

from pipeline.control.state import TERMINAL, job_state
from pipeline.errors import NotSupervised, WrongState
from pipeline.job import now
from pipeline.storage.records import find_record
from pipeline.storage.store import Store

Want = Literal["run", "pause", "cancel"]
WANTS: tuple[str, ...] = get_args(Want)
VERBS = {"run": "resumed", "pause": "paused", "cancel": "cancelled"}

_one_at_a_time = threading.Lock()
"""The service's threads take turns: a serial number is read, then written."""


def wish_path(job_id: str) -> str:
    return f"{Store.job(job_id)}/wish.json"


def wanted(store: Store, job_id: str) -> str:
    """What is wanted of a job now."""
    found = find_record(store, wish_path(job_id)) or {}
    return str(found.get("want", "run"))


def want(store: Store, job_id: str, what: Want, by: str) -> dict[str, Any]:
    """Record a wish; returns the job's record with it. A wish that is there already is no error; a job that is being
    cancelled takes no other. Raises JobMissing, NotSupervised, WrongState."""
    with _one_at_a_time:
        record = job_state(store, job_id)
        if not record["supervised"]:
            raise NotSupervised(f"job {job_id} was started by `winnow run`: stop it there (Ctrl-C), not here")
        state = record["state"]
        if state in TERMINAL or (state == "cancelling" and what != "cancel"):
            raise WrongState(f"job {job_id} is {state}: it cannot be {VERBS[what]}")
        if record["wanted"] == what:
            return record
        before = find_record(store, wish_path(job_id)) or {}
        wish = {"want": what, "by": by, "at": now(), "serial": int(before.get("serial", 0)) + 1}
        store.put_json(wish_path(job_id), wish, durable=True)
        return job_state(store, job_id)
