"""Attempts at a job of the service: who holds it. An attempt begins with a claim that can be made once, and whoever made
the highest is the job's one writer (its number is the fencing token, see pipeline/storage/fence.py)."""

from __future__ import annotations

import os
import secrets
import socket
from dataclasses import asdict, dataclass
from typing import Literal

from pipeline.execution.processes import started
from pipeline.storage.store import Store

Role = Literal["runner", "seal", "supervisor"]


@dataclass(frozen=True, slots=True)
class Claim:
    """role: a runner that works; a seal that a runner sets before it says how it ended; the supervisor, to say so in its
    place. log: size of the job's log before, so that what this attempt did can be told from it. token: drawn at random, so that
    no two are alike."""

    attempt: int
    role: Role
    host: str
    pid: int
    pid_started: str
    at: str
    log: int
    token: str


def claim(store: Store, job_id: str, attempt: int, role: Role, at: str) -> Claim | None:
    """Begin an attempt; None where another has it. Numbers have no gaps: attempt n is fenced by n + 1."""
    pid = os.getpid()
    log = len_of_log(store, job_id)
    mine = Claim(attempt, role, socket.gethostname(), pid, started(pid) or "", at, log, secrets.token_hex(8))
    store.commit_json(Store.attempt(job_id, attempt), asdict(mine))
    return mine if read(store, job_id, attempt) == mine else None


def read(store: Store, job_id: str, attempt: int) -> Claim | None:
    found = store.find_json(Store.attempt(job_id, attempt))
    return None if found is None else Claim(**found)


def highest(store: Store, job_id: str) -> int:
    """The number of the latest attempt; 0 where there was none."""
    numbers = [int(name[:-5]) for name in store.names(f"{Store.job(job_id)}/attempts") if name.endswith(".json")]
    return max(numbers, default=0)


def len_of_log(store: Store, job_id: str) -> int:
    """Bytes of a job's log."""
    return store.size(f"{Store.job(job_id)}/events.jsonl")
