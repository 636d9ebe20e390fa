"""A job's events as a stream of bytes: everything once and in order, progress at most once a second."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack
from typing import Any

from api.held import HoldingStream
from api.models.events import JobEvent
from api.watch.tail import Tail
from api.watch.told import HEARTBEAT, told, wire
from pipeline.control.events import Event
from pipeline.control.state import TERMINAL

PROGRESS_S = 1.0
HEARTBEAT_S = 15.0
STREAM_S = 3_600.0
"""A stream is closed after an hour: a key that was revoked meanwhile ends with it. Clients go on where they were."""
RETRY_MS = 1_000


class EventStream(HoldingStream):
    """A stream of events. held: its place."""

    media_type = "text/event-stream"

    def __init__(self, pieces: AsyncIterator[bytes], held: ExitStack) -> None:
        super().__init__(pieces, held, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})


class Pacer:
    """Holds finished units back, so that of all within a second the last one is told. Ids stay in order: what was held
    back is told before, or never after, another event."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._held: Event | None = None
        self._told_at = float("-inf")

    def take(self, event: Event) -> list[JobEvent]:
        """What is to be told now that this happened."""
        if event.verb == "unit_done":
            self._held = event
            return self.due()
        ready, self._held = self.due(), None
        return [*ready, told(event)]

    def due(self) -> list[JobEvent]:
        """The progress that was held back, if its time has come."""
        if self._held is None or self.left_s() > 0:
            return []
        event, self._held = self._held, None
        self._told_at = self._clock()
        return [told(event)]

    def left_s(self) -> float:
        """Seconds until progress may be told again."""
        return self._told_at + PROGRESS_S - self._clock()

    @property
    def holds(self) -> bool:
        """Whether there is progress to tell."""
        return self._held is not None


async def stream(
    tail: Tail, after: int, before_done: Callable[[], Awaitable[None]], clock: Callable[[], float] = time.monotonic
) -> AsyncIterator[bytes]:
    """The events of a job after an offset, as they come, until `done`. One page of events is held at a time: a reader who
    is slow keeps nothing but its page waiting. before_done: what is to be so when a listener hears that it is over."""
    pacer, position, said_end = Pacer(clock), after, False
    began = sent_at = clock()
    yield b"retry: %d\n\n" % RETRY_MS
    while not tail.gone and clock() - began < STREAM_S:
        page = await tail.page(position)
        position = max(position, page.next)
        ready = [made for event in page.events for made in pacer.take(event)] + pacer.due()
        said_end = said_end or any(_ends(event) for event in page.events)
        if ready:
            sent_at = clock()
            yield b"".join(map(wire, ready))
        if page.events:
            continue
        if await tail.ended(said_end):
            await before_done()
            yield wire(JobEvent(id=position, event="done", data=dict(tail.record)))
            return
        if clock() - sent_at >= HEARTBEAT_S:
            sent_at = clock()
            yield HEARTBEAT
        patience_s = max(sent_at + HEARTBEAT_S - clock(), 0.01)
        await tail.wait(position, min(patience_s, max(pacer.left_s(), 0.01)) if pacer.holds else patience_s)


def _ends(event: Event) -> bool:
    state: Any = event.fields.get("state")
    return event.verb == "state" and state in TERMINAL
