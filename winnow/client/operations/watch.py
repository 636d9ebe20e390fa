"""Watching a job: its events once each, over lost connections and restarts of the service."""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from winnow.client.errors import WaitTimeout, error_of
from winnow.client.operations import service
from winnow.client.operations.job import TERMINAL, place
from winnow.client.request import Lost, Reply, Request
from winnow.client.retry import passing, unreachable
from winnow.client.sse import Message, Parser
from winnow.client.steps import Effect, Flow, Item, Now, Open, Pause, Read

SILENCE_S = 45.0
"""Three heartbeats of the service: a connection that is silent for longer leads nowhere."""
RECONNECT_S = 600.0


@dataclass(frozen=True, slots=True)
class Event:
    """id: its place in the job's log (None for what is not in the log); kind: state, stage, progress, warning, done ..."""

    id: int | None
    kind: str
    fields: dict[str, Any]


@dataclass(slots=True)
class _Place:
    """How far the watching has come. heard_at_s: when the service last said anything, a heartbeat included."""

    seen: int
    heard_at_s: float
    deadline_s: float | None
    attempt: int = 0
    retry_s: float = 0.0
    ended: bool = False

    def read_s(self, now_s: float) -> float:
        """How long to listen to silence."""
        return SILENCE_S if self.deadline_s is None else max(0.05, min(SILENCE_S, self.deadline_s - now_s))

    def check(self, job_id: str, now_s: float) -> None:
        if self.deadline_s is not None and now_s >= self.deadline_s:
            raise WaitTimeout(f"job {job_id} is not at its end in the time given; it goes on: winnow watch {job_id}")


Watching = Generator[Effect | Item[Event], Any, None]


def events(
    job_id: str, after: int = 0, timeout_s: float | None = None, reconnect_s: float = RECONNECT_S
) -> Flow[Event]:
    """Events after the one with id `after`, each once and in order, until the job is at its end. A lost connection is made
    again from where it broke; after reconnect_s without a word ServiceUnreachable; after timeout_s WaitTimeout."""
    now_s: float = yield Now()
    at = _Place(after, now_s, None if timeout_s is None else now_s + timeout_s)
    while True:
        got = yield from _listen(job_id, at)
        if at.ended:
            return
        now_s = yield Now()
        at.check(job_id, now_s)
        at.attempt += 1
        if now_s - at.heard_at_s > reconnect_s:
            raise error_of(got) if isinstance(got, Reply) else unreachable(got, now_s - at.heard_at_s)
        asked_s = (got.retry_after_s() or 0.0) if isinstance(got, Reply) else 0.0
        yield Pause(at.attempt, max(at.retry_s, asked_s))


def until_end(job_id: str, timeout_s: float | None = None, reconnect_s: float = RECONNECT_S) -> Flow[Event]:
    """The same, and nothing for a job that is at its end already. The last event is `done` with the job's record."""
    record = yield from service.job(job_id)
    if record["state"] in TERMINAL:
        yield Item(Event(None, "done", record))
    else:
        yield from events(job_id, 0, timeout_s, reconnect_s)


def _listen(job_id: str, at: _Place) -> Generator[Effect | Item[Event], Any, Reply | Lost]:
    """One connection, to its end."""
    now_s: float = yield Now()
    headers = (("last-event-id", str(at.seen)),) if at.seen else ()
    got: Reply | Lost = yield Open(
        Request("GET", place(job_id, "events"), headers=headers, accept="text/event-stream", read_s=at.read_s(now_s))
    )
    if isinstance(got, Lost):
        return got
    if got.status >= 300:
        if not passing(got):
            raise error_of(got)
        return got
    parser = Parser()
    while True:
        piece: bytes | Lost = yield Read()
        if isinstance(piece, Lost):
            return piece
        if not piece:
            return Lost("the service closed the connection")
        at.heard_at_s, at.attempt = (yield Now()), 0
        for message in parser.feed(piece):
            yield from _tell(message, at)
            if at.ended:
                return got
        at.retry_s = (parser.retry_ms or 0) / 1000
        at.check(job_id, at.heard_at_s)


def _tell(message: Message, at: _Place) -> Watching:
    """Pass an event on, unless it was seen before the connection broke."""
    number = int(message.id) if message.id.isdecimal() else None
    if number is not None and message.event != "done":
        if number <= at.seen:
            return
        at.seen = number
    at.ended = message.event == "done"
    fields = json.loads(message.data)
    yield Item(Event(number, message.event, fields if isinstance(fields, dict) else {"value": fields}))
