"""Reading a job's log from any point, while it is being written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipeline.storage.quick_json import parse
from pipeline.storage.store import Store

READ_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the log. id: the byte offset of its end, so that ids rise and a reader goes on after one; at: RFC 3339."""

    id: int
    at: str
    verb: str
    fields: dict[str, Any]


def events_path(job_id: str) -> str:
    return f"{Store.job(job_id)}/events.jsonl"


def read_events(store: Store, job_id: str, after: int = 0, limit: int = 1000) -> tuple[list[Event], int]:
    """Up to `limit` events after the one with id `after`, and where to go on. Only whole lines: one that is being
    written comes later, one torn by a crash is left out. An `after` inside a line goes on behind that line."""
    events: list[Event] = []
    while len(events) < limit:
        found, behind = _some(store, events_path(job_id), after, limit - len(events))
        if behind == after:
            break
        events += found
        after = behind
    return events, after


def _some(store: Store, path: str, after: int, limit: int) -> tuple[list[Event], int]:
    start = max(0, after - 1)  # the byte before tells whether a line begins here
    read_bytes = READ_BYTES
    while True:
        chunk = store.read_range(path, start, read_bytes)
        if b"\n" in chunk[after - start :] or len(chunk) < read_bytes:
            break
        read_bytes *= 4  # a line longer than what was read
    at = after - start
    if after and chunk[:1] != b"\n":
        at = chunk.find(b"\n", at) + 1
        if at == 0:
            return [], after
    events: list[Event] = []
    while len(events) < limit and (end := chunk.find(b"\n", at)) >= 0:
        event = _event(chunk[at:end], start + end + 1)
        if event is not None:
            events.append(event)
        at = end + 1
    return events, start + at


def _event(line: bytes, end: int) -> Event | None:
    try:
        fields = parse(line)
        at, verb = fields.pop("at"), fields.pop("verb")
        return Event(end, at, verb, fields) if isinstance(at, str) and isinstance(verb, str) else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
