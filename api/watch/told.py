"""A line of a job's log as an event for listeners, and how it looks on the wire."""

from __future__ import annotations

import json
from typing import Any

from api.models.events import JobEvent
from pipeline.control.events import Event

NAMES = {
    "state": "state",
    "stage_started": "stage",
    "stage_finished": "stage",
    "stage_reused": "stage",
    "unit_done": "progress",
    "warning": "warning",
}
"""Event names by the log's verbs; a verb that is not here is its own name."""

HEARTBEAT = b": still here\n\n"


def told(event: Event) -> JobEvent:
    """The event under its public name; of a finished unit, how far its stage is."""
    name = NAMES.get(event.verb, event.verb)
    fields = _progress(event.fields) if name == "progress" else event.fields
    return JobEvent(id=event.id, event=name, data={"at": event.at, "verb": event.verb, **fields})


def _progress(fields: dict[str, Any]) -> dict[str, Any]:
    """stage, units_done, units, rows, bytes_done, bytes, mb_per_s (since the stage began), eta_s (null: not known)."""
    said = fields.get("progress")
    so_far: dict[str, Any] = said if isinstance(said, dict) else {}
    seconds, bytes_done, all_bytes = (so_far.get(k) or 0 for k in ("seconds", "bytes_done", "bytes"))
    rate = bytes_done / seconds if seconds > 0 else 0.0
    return {
        "stage": fields.get("stage"),
        **{k: so_far.get(k) for k in ("units_done", "units", "rows", "bytes_done", "bytes")},
        "mb_per_s": round(rate / 1e6, 2),
        "eta_s": round(max(all_bytes - bytes_done, 0) / rate, 1) if rate > 0 else None,
    }


def coalesced(events: list[Event]) -> list[JobEvent]:
    """The events with every run of finished units as one progress, that of its last."""
    made: list[JobEvent] = []
    for n, event in enumerate(events):
        goes_on = event.verb == "unit_done" and n + 1 < len(events) and events[n + 1].verb == "unit_done"
        if not goes_on:
            made.append(told(event))
    return made


def wire(event: JobEvent) -> bytes:
    """An event as it is sent. JSON has no raw line breaks, so that nothing in a log can end a field early; a name is one
    of ours or the log's, of which only letters, digits and '_' are taken."""
    name = "".join(c for c in event.event if c.isalnum() or c == "_") or "event"
    data = json.dumps(event.data, ensure_ascii=False, separators=(",", ":"), default=str)
    return f"id: {event.id}\nevent: {name}\ndata: {data}\n\n".encode("utf-8", "replace")
