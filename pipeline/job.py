"""A job: one execution of one recipe on one input, and the log of what it did. The only mutable thing."""

from __future__ import annotations

import datetime
import json
import os
import secrets
import socket
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from pipeline.manifest import Manifest
from pipeline.processes import alive
from pipeline.progress import Progress
from pipeline.recipe import Recipe
from pipeline.store import PartRecord, Store
from pipeline.unit import Unit

if TYPE_CHECKING:
    from pipeline.executors import Done, Executor

RECENT_JOBS = 100
"""How far back a new job looks for others that died."""

State = Literal["running", "completed", "completed_with_quarantine", "failed", "cancelled"]


def now() -> str:
    """RFC 3339, UTC, milliseconds."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_id() -> str:
    """Sorts by time of creation."""
    return f"job_{int(time.time() * 1000):012x}{secrets.token_hex(4)}"


def end_dead_jobs(store: Store) -> None:
    """Jobs of this host whose process is gone without a word are failed ones; their scratch goes."""
    for name in store.names("jobs")[-RECENT_JOBS:]:
        path = f"{Store.job(name)}/job.json"
        record = store.read_json(path) if store.exists(path) else {}
        if record.get("supervised"):
            continue  # its supervisor knows
        if record.get("state") == "running" and record.get("host") == socket.gethostname() and not alive(record["pid"]):
            told = {
                "state": "failed",
                "at": now(),
                "code": "interrupted",
                "error": "its process ended without a word; run the same command again",
            }
            store.put(path, json.dumps(record | told, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
            store.remove(f"{Store.job(name)}/scratch")


class Job:
    """Writes `jobs/<id>/`: job.json (state), recipe.json, events.jsonl; and shows progress."""

    def __init__(self, store: Store, recipe: Recipe, progress: Progress, job_id: str | None = None) -> None:
        self.id = job_id or new_id()
        self.store = store
        self.recipe = recipe
        self.progress = progress
        self.tables: dict[str, list[str]] = {}
        self.warnings: list[str] = []
        self._started = time.monotonic()
        self._stage_started = 0.0
        self._record: dict[str, Any] = {
            "id": self.id,
            "name": recipe.name,
            "recipe_digest": recipe.digest(),
            "created_at": now(),
            "host": socket.gethostname(),
            "pid": os.getpid(),
        }

    @property
    def scratch(self) -> str:
        """A folder of this job alone, removed at its end."""
        return f"{Store.job(self.id)}/scratch"

    def start(self, **details: Any) -> None:
        """The job exists from here on."""
        self._record |= details
        self.store.put(f"{Store.job(self.id)}/recipe.json", self.recipe.canonical() + "\n")
        self.state("running")

    def state(self, state: State, **details: Any) -> None:
        """Record a state; tables and warnings so far go with it."""
        seconds = round(time.monotonic() - self._started, 3)
        self._record |= {
            "state": state,
            "at": now(),
            "seconds": seconds,
            "tables": self.tables,
            "warnings": self.warnings,
        }
        self._record |= details
        text = json.dumps(self._record, indent=1, sort_keys=True, ensure_ascii=False)
        self.store.put(f"{Store.job(self.id)}/job.json", text + "\n")
        self.event("state", state=state, **details)

    def event(self, verb: str, **fields: Any) -> None:
        """One line of the log."""
        line = json.dumps({"at": now(), "verb": verb, **fields}, ensure_ascii=False, default=str)
        self.store.append(f"{Store.job(self.id)}/events.jsonl", line)

    def warn(self, message: str) -> None:
        """What the user should know although the job goes on."""
        self.warnings.append(message)
        self.event("warning", message=message)
        self.progress.warn(message)

    def stage_started(self, kind: str, key: str, pending: Sequence[Unit], done: int, executor: Executor) -> None:
        self._stage_started = time.monotonic()
        work_bytes = sum(u.bytes for u in pending)
        self.event(
            "stage_started", stage=kind, table=key, units=len(pending), units_done=done, bytes=work_bytes,
            executor=executor.name, workers=executor.workers,
        )  # fmt: skip
        self.progress.start(kind, len(pending), done, work_bytes)

    def unit_done(self, kind: str, unit: Unit, record: PartRecord, done: Done) -> None:
        mb_per_s = round(unit.bytes / 1e6 / max(done.seconds, 1e-6), 2)
        self.event(
            "unit_done", stage=kind, part=unit.key, unit=unit.name, rows=record.rows, bytes=unit.bytes,
            part_bytes=record.bytes, sha256=record.sha256, counts=record.counts, seconds=round(done.seconds, 4),
            mb_per_s=mb_per_s, worker=done.worker, attempts=done.attempts,
        )  # fmt: skip
        self.progress.advance(unit.bytes)

    def stage_finished(self, kind: str, made: Manifest) -> None:
        seconds = round(time.monotonic() - self._stage_started, 4)
        self.event(
            "stage_finished",
            stage=kind,
            table=made.key,
            rows=made.rows,
            bytes=made.bytes,
            counts=made.counts,
            seconds=seconds,
        )
        self.progress.finish(seconds)

    def says(self, notes_of: dict[str, str]) -> None:
        """Which pass holds what each scorer of the recipe said: alias -> key of the notes."""
        self._record["scorers"] = notes_of

    def use(self, made: Manifest) -> Manifest:
        """Remember a table as one this job stands on."""
        keys = self.tables.setdefault(made.kind, [])
        if made.key not in keys:
            keys.append(made.key)
        return made
