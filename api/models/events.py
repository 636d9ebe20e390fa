"""What happened in a job."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from api.models.shape import Answer, example

PROGRESS = {
    "id": 512, "event": "progress",
    "data": {
        "at": "2026-11-21T09:30:02.120Z", "verb": "unit_done", "stage": "notes", "units_done": 3, "units": 16, "rows": 9000,
        "bytes_done": 25000000, "bytes": 133000000, "mb_per_s": 21.5, "eta_s": 5.2,
    },
}  # fmt: skip


class JobEvent(Answer):
    """One thing that happened."""

    id: int = Field(ge=0, description="Offset in the job's log; later events have larger ids.")
    event: str = Field(
        description="state, stage, progress, warning, done, or the log's own word for what is rarer.",
        examples=["stage"],
    )
    data: dict[str, Any] = Field(
        description="`at` (RFC 3339, UTC), `verb` (the log's word), and the event's own fields. Of progress: stage, "
        "units_done, units, rows, bytes_done, bytes, mb_per_s, eta_s (seconds; null while unknown)."
    )

    model_config = example(PROGRESS)


class EventsPage(Answer):
    """Events in order, for those who ask again and again rather than listen."""

    items: list[JobEvent]
    next: int = Field(ge=0, description="Give this as `after` to go on.")
    done: bool = Field(description="Whether the job has ended and all of its events were told up to here.")

    model_config = example({"items": [PROGRESS], "next": 512, "done": False})
