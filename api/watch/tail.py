"""The end of a job's log, watched once for all who listen to the job, whoever writes it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from api.stopping import Stopping
from pipeline.control.events import Event, read_events
from pipeline.control.state import TERMINAL, job_state
from pipeline.errors import WinnowError
from pipeline.storage.store import Store

PAGE_EVENTS = 500
POLL_S = 0.25
POLL_REMOTE_S = 2.0
RECORD_S = 1.0
SETTLED_S = 2.0
"""How long the log of an ended job must stay as it is, where its last line does not say so: its writer was killed."""


@dataclass(frozen=True, slots=True)
class Page:
    """Events after an offset, and the offset to go on from."""

    events: list[Event]
    next: int


class Tail:
    """The log of one job. A page is read once for all who want it at the same time; one task looks for what is new.

    record: the job's state as it was seen last; gone: nothing more comes from here (the job was deleted,
    its files cannot be read, the service ends).
    """

    def __init__(self, store: Store, job_id: str, record: dict[str, Any], stopping: Stopping) -> None:
        self.store, self.job_id, self.record = store, job_id, record
        self.gone = False
        self._stopping = stopping
        self.listeners = 0
        self._poll_s = POLL_REMOTE_S if store.remote else POLL_S
        self._reading: dict[int, asyncio.Task[Page]] = {}
        self._newest: tuple[int, Page] | None = None
        self._end = 0
        self._waiting = 0
        self._still_s = 0.0
        self._changed = asyncio.Event()

    async def page(self, after: int) -> Page:
        """The events after an offset, at most PAGE_EVENTS; none: this is the end of the log, for now."""
        if self._newest is not None and self._newest[0] == after:
            return self._newest[1]
        reading = self._reading.get(after)
        if reading is None:
            reading = asyncio.create_task(self._read(after))
            self._reading[after] = reading
            reading.add_done_callback(lambda done: self._forget(after, done))
        return await asyncio.shield(reading)  # others may want it even if this listener goes away

    async def wait(self, after: int, seconds: float) -> None:
        """Until there is more after this offset, the job's record changed, or the time is over. after: where a page ended."""
        if self._end > after or self.gone:
            return  # it came between the last page and now
        self._end = after
        self._waiting += 1
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            pass
        finally:
            self._waiting -= 1

    async def ended(self, said: bool) -> bool:
        """Whether the job has ended, so that an exhausted log is all of it. said: its terminal state was read there."""
        if said:
            self.record = await asyncio.to_thread(job_state, self.store, self.job_id)
        return self.record["state"] in TERMINAL and (said or self._still_s >= SETTLED_S)

    async def watch(self) -> None:
        """Look for more, again and again."""
        record_age_s = 0.0
        try:
            while not await self._stopping.within(self._poll_s):
                self._still_s += self._poll_s
                record_age_s += self._poll_s
                if self._waiting:
                    await self._look()
                if record_age_s >= RECORD_S:
                    record_age_s = 0.0
                    await self._look_at_record()
        except (WinnowError, OSError):  # deleted, or its storage is away: listeners come back and are told
            pass
        finally:
            self.gone = True
            self._wake()

    async def _look(self) -> None:
        after = self._end
        page = await self.page(after)
        if page.next > after:
            self._newest, self._end, self._still_s = (after, page), page.next, 0.0
            self._wake()

    async def _look_at_record(self) -> None:
        before = self.record["state"]
        self.record = await asyncio.to_thread(job_state, self.store, self.job_id)
        if self.record["state"] in TERMINAL:
            self._still_s = self._still_s if before in TERMINAL else 0.0
            self._wake()

    async def _read(self, after: int) -> Page:
        events, end = await asyncio.to_thread(read_events, self.store, self.job_id, after, PAGE_EVENTS)
        return Page(events, end)

    def _forget(self, after: int, done: asyncio.Task[Page]) -> None:
        self._reading.pop(after, None)
        if not done.cancelled():
            done.exception()  # seen: nobody may be waiting for it any more

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


class Tails:
    """The tails of all jobs that somebody listens to at the moment."""

    def __init__(self, store: Store, stopping: Stopping) -> None:
        self.store, self.stopping = store, stopping
        self._tails: dict[str, tuple[Tail, asyncio.Task[None]]] = {}

    @contextlib.asynccontextmanager
    async def of(self, job_id: str) -> AsyncIterator[Tail]:
        """The tail of a job, shared; its task ends with its last listener. Raises JobMissing."""
        if job_id not in self._tails:
            record = await asyncio.to_thread(job_state, self.store, job_id)
            if job_id not in self._tails:
                made = Tail(self.store, job_id, record, self.stopping)
                self._tails[job_id] = (made, asyncio.create_task(made.watch()))
        tail, task = self._tails[job_id]
        tail.listeners += 1
        try:
            yield tail
        finally:
            tail.listeners -= 1
            if tail.listeners == 0:
                del self._tails[job_id]
                task.cancel()

    def watched(self) -> int:
        """How many jobs are listened to."""
        return len(self._tails)
