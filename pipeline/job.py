"""A job: one execution of one recipe on one input, and the log of what it did. The only mutable thing."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import secrets
import socket
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from pipeline.errors import Cancelled, Fenced, IntegrityError, InternalError, Paused, StorageError, WinnowError
from pipeline.execution import attempts
from pipeline.execution.halt import Halt
from pipeline.execution.limits import said_of_limits
from pipeline.execution.processes import alive
from pipeline.progress import Progress
from pipeline.recipe import Recipe
from pipeline.storage.files import said_of_storage
from pipeline.storage.manifest import Manifest
from pipeline.storage.part import PartRecord
from pipeline.storage.store import Store
from pipeline.unit import Unit

if TYPE_CHECKING:
    from pipeline.execution.executors import Done, Executor

RECENT_JOBS = 100
"""How far back a new job looks for others that died."""

State = Literal["running", "paused", "completed", "completed_with_quarantine", "failed", "cancelled"]


def now() -> str:
    """RFC 3339, UTC, milliseconds."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_id() -> str:
    """Sorts by time of creation."""
    return f"job_{int(time.time() * 1000):012x}{secrets.token_hex(4)}"


def event_line(verb: str, **fields: Any) -> str:
    """A line of a job's log."""
    return json.dumps({"at": now(), "verb": verb, **fields}, ensure_ascii=False, default=str)


def end_dead_jobs(store: Store) -> None:
    """Jobs of this host whose process is gone without a word are failed ones; their scratch goes."""
    for name in store.names("jobs")[-RECENT_JOBS:]:
        path = f"{Store.job(name)}/job.json"
        record = _of_dead(store, path)
        # asked again once its process is gone: that may have said between how the job ended
        if record is not None and _of_dead(store, path) == record:
            told = {
                "state": "failed",
                "at": now(),
                "code": "interrupted",
                "error": "its process ended without a word; run the same command again",
            }
            store.put(path, json.dumps(record | told, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
            store.remove(f"{Store.job(name)}/scratch")


def _of_dead(store: Store, path: str) -> dict[str, Any] | None:
    """The record of a job that runs, by what it says, in a process of this host that is gone; None of any other."""
    try:
        record = store.find_json(path)
    except IntegrityError:
        return None  # a power cut left it so; whoever asks for that job hears of it
    if not isinstance(record, dict) or record.get("supervised"):
        return None  # its supervisor knows
    running = record.get("state") == "running" and record.get("host") == socket.gethostname()
    return None if not running or alive(record["pid"]) else record


class Job:
    """Writes `jobs/<id>/`: job.json (state), recipe.json, events.jsonl; and shows progress.

    job_id, attempt: of a job that is there already, which is gone on with; its store is then fenced. What it says last
    stays said. halt: asked between units.
    """

    def __init__(
        self,
        store: Store,
        recipe: Recipe,
        progress: Progress,
        job_id: str | None = None,
        attempt: int | None = None,
        halt: Halt | None = None,
    ) -> None:
        self.id = job_id or new_id()
        self.store = store
        self.recipe = recipe
        self.progress = progress
        self.attempt = attempt
        self.halt = halt or Halt()
        self.tables: dict[str, list[str]] = {}
        self.warnings: list[str] = []
        self.ended = False
        self._started = time.monotonic()
        self._stage_started = 0.0
        self._done: dict[
            str, dict[str, int]
        ] = {}  # by stage, so that a reader of any part of the log knows how far it is
        found: dict[str, Any] = {} if attempt is None else store.find_json(self._path) or {}
        self._seconds_before = float(found.get("seconds", 0.0))
        self._record: dict[str, Any] = {"created_at": now()} | found | {
            "id": self.id,
            "name": recipe.name,
            "recipe_digest": recipe.digest(),
            "host": socket.gethostname(),
            "pid": os.getpid(),
        }  # fmt: skip
        if attempt is not None:
            self._record |= {"attempt": attempt, "supervised": True}

    @property
    def scratch(self) -> str:
        """A folder of this job alone, removed at its end."""
        return f"{Store.job(self.id)}/scratch"

    @property
    def _path(self) -> str:
        return f"{Store.job(self.id)}/job.json"

    def start(self, **details: Any) -> None:
        """The job exists from here on."""
        self._record |= details
        if self.attempt is None:
            self.store.put(f"{Store.job(self.id)}/recipe.json", self.recipe.canonical() + "\n")
        self.state("running")

    def state(self, state: State, **details: Any) -> None:
        """Record a state; tables and warnings so far go with it. Nothing after one that ends the job (or the attempt)."""
        if self.ended:
            return
        if state != "running":
            self.halt.decide()
        before = self._record.get("state")
        self._record |= {
            "state": state,
            "at": now(),
            "seconds": round(self._seconds_before + time.monotonic() - self._started, 3),
            "tables": self.tables,
            "warnings": self.warnings,
        }
        self._record |= details
        self.store.put_json(self._path, self._record, durable=self.attempt is not None)
        self.ended = state != "running"
        if state != before or details:
            self.event("state", state=state, **details)

    @contextlib.contextmanager
    def telling(self) -> Iterator[None]:
        """Whatever ends the work inside is told in the job's record. A fault of Winnow or of the machine does not end a
        job that its supervisor can try again, and an attempt that was given up says nothing."""
        try:
            yield
        except Fenced:
            raise
        except Paused:
            self._rest()
        except WinnowError as error:
            self._end("failed", error=str(error), code=error.code)
            raise
        except KeyboardInterrupt:
            if self.halt.outcome == "paused":
                self._rest()
            self._end("cancelled")
            raise Cancelled(
                f"stopped; nothing is lost. The same command goes on where it stopped (job {self.id})"
            ) from None
        except BaseException as error:
            if self.attempt is None:
                storage, limits = said_of_storage(error), said_of_limits(error)
                code = StorageError.code if storage else WinnowError.code if limits else InternalError.code
                self._end("failed", error=storage or limits or f"{type(error).__name__}: {error}", code=code)
            raise

    def _rest(self) -> NoReturn:
        self.state("paused")
        raise Paused(f"job {self.id} is paused; nothing is lost") from None

    def _end(self, state: State, **details: Any) -> None:
        """An end before its time. Workers elsewhere may not have heard of it yet: the next attempt's number is taken, so
        that nothing they do is published any more."""
        self.halt.decide()
        self.tidy()
        if self.attempt is not None and not self.ended:
            if attempts.claim(self.store, self.id, self.attempt + 1, "seal", now()) is None:
                raise Fenced(f"job {self.id}: attempt {self.attempt} was given up; it does not say how it ended")
            self.store = self.store.fenced(self.id, self.attempt + 1)
        self.state(state, **details)

    def tidy(self) -> None:
        """Remove what is of this job alone."""
        self.store.remove(self.scratch)

    def event(self, verb: str, **fields: Any) -> None:
        """One line of the log."""
        self.store.append(f"{Store.job(self.id)}/events.jsonl", event_line(verb, **fields))

    def note(self, message: str) -> None:
        """What the user should know while it lasts, and nobody later."""
        self.event("note", message=message)
        self.progress.warn(message)

    def warn(self, message: str) -> None:
        """What the user should know although the job goes on."""
        self.warnings.append(message)
        self.event("warning", message=message)
        self.progress.warn(message)

    def stage_started(self, kind: str, key: str, pending: Sequence[Unit], done: int, executor: Executor) -> None:
        self._stage_started = time.monotonic()
        work_bytes = sum(u.bytes for u in pending)
        self._done[kind] = {
            "units_done": done,
            "units": done + len(pending),
            "rows": 0,
            "bytes_done": 0,
            "bytes": work_bytes,
        }
        self.event(
            "stage_started", stage=kind, table=key, units=len(pending), units_done=done, bytes=work_bytes,
            executor=executor.name, workers=executor.workers,
        )  # fmt: skip
        self.progress.start(kind, len(pending), done, work_bytes)

    def unit_done(self, kind: str, unit: Unit, record: PartRecord, done: Done) -> None:
        mb_per_s = round(unit.bytes / 1e6 / max(done.seconds, 1e-6), 2)
        so_far = self._done[kind]
        for name, more in (("units_done", 1), ("rows", record.rows), ("bytes_done", unit.bytes)):
            so_far[name] += more
        self.event(
            "unit_done", stage=kind, part=unit.key, unit=unit.name, rows=record.rows, bytes=unit.bytes,
            part_bytes=record.bytes, sha256=record.sha256, counts=record.counts, seconds=round(done.seconds, 4),
            mb_per_s=mb_per_s, worker=done.worker, attempts=done.attempts,
            progress={**so_far, "seconds": round(time.monotonic() - self._stage_started, 3)},
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

    def begin_again(self, why: str) -> None:
        """Forget the tables and warnings so far; what they are made of stays and is used."""
        self.tidy()
        self.tables.clear()
        self.warnings.clear()
        self.note(why)

    def use(self, made: Manifest) -> Manifest:
        """Remember a table as one this job stands on."""
        keys = self.tables.setdefault(made.kind, [])
        if made.key not in keys:
            keys.append(made.key)
        return made
