"""What happens in a job: as server-sent events, as pages, and its runner's own words."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError

from api.access.roles import GuardedRoute, needs
from api.models.events import EventsPage
from api.negotiation import preferred
from api.observe.redact import redacted
from api.routes.answers import take_in
from api.routes.documented import OF_JOBS, Responses, content, errors, header
from api.routes.given import Asking, JobId, Served
from api.service import Service
from api.watch.stream import EventStream, stream
from api.watch.told import coalesced
from pipeline.control.events import events_path, read_events
from pipeline.control.launch import log_path
from pipeline.control.state import TERMINAL, job_state
from pipeline.storage.store import Store

router = APIRouter(
    prefix="/v1/jobs/{job_id}", tags=["events"], route_class=GuardedRoute, dependencies=[needs("viewer")]
)

SSE, JSON = "text/event-stream", "application/json"
LIMIT_MAX = 1_000
LOG_BYTES = 64 << 10
LOG_BYTES_MAX = 1 << 20
OFFSET_MAX = 1 << 40
"""No log is that long, and files cannot be much longer."""
SSE_SCHEMA = {
    "type": "object",
    "description": "One event; a client sees its fields (WHATWG HTML, section 9.2).",
    "properties": {
        "id": {"type": "string"},
        "event": {"type": "string"},
        "data": {"type": "string"},
        "retry": {"type": "integer"},
    },
}
SSE_EXAMPLE = (
    'id: 512\nevent: progress\ndata: {"stage":"notes","units_done":3,"units":16,"mb_per_s":21.5,"eta_s":5.2}\n\n'
)
LOG_EXAMPLE = "2026-11-21T09:30:02.120Z unit 3 of notes was lost (signal 9); it is tried again\n"
LOG_HEADERS = {"Winnow-Next": header("Give this as `after` to go on.", "4096")}
STREAMED: Responses = {
    200: {
        "model": EventsPage,
        "description": "As `text/event-stream` until `done`, or one page as JSON: what `Accept` says.",
        "content": {SSE: {"schema": SSE_SCHEMA, "example": SSE_EXAMPLE}},
        "headers": {"Cache-Control": header("Events are not kept by anybody between.", "no-store")},
    }
}


@router.get(
    "/events", operation_id="list_job_events", summary="Listen to a job", response_model=None,
    responses=errors(*OF_JOBS, "not_acceptable", "too_many_streams") | STREAMED,
)  # fmt: skip
async def job_events(
    request: Request,
    service: Served,
    caller: Asking,
    job_id: JobId,
    after: Annotated[
        int | None, Query(ge=0, le=OFFSET_MAX, description="Only events after the one with this id.", examples=[0])
    ] = None,
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX, description="Of a page: lines of the log it covers.")] = LIMIT_MAX,
    last_event_id: Annotated[
        int | None,
        Header(alias="Last-Event-ID", ge=0, le=OFFSET_MAX, description="As `after`; browsers send it.", examples=[0]),
    ] = None,
) -> Response | EventsPage:
    """Everything that happened, from the beginning or after an id, then what happens, as it happens: `state`, `stage`,
    `progress` (at most one a second), `warning`, and `done` with the job's record, which ends the stream. After a lost
    connection go on with the last id: every event but `progress` comes exactly once. With `Accept: application/json`,
    one page of the same; go on with its `next`."""
    wanted = preferred(request.headers.get("accept"), (SSE, JSON))
    start = after if after is not None else last_event_id or 0
    record = await asyncio.to_thread(job_state, service.store, job_id)
    await asyncio.to_thread(_check_offset, service.store, job_id, start)
    if wanted == JSON:
        return await asyncio.to_thread(_page, service, job_id, start, limit, record["state"] in TERMINAL)
    held = ExitStack()  # taken before the answer begins, so that being full is one; the stream gives it back
    held.enter_context(service.streams.take(caller.owner))
    held.enter_context(service.metrics.sse_streams.track_inprogress())
    return EventStream(_listened(service, job_id, start), held)


async def _listened(service: Service, job_id: str, start: int) -> AsyncIterator[bytes]:
    async def listed() -> None:  # who hears `done` and then asks for lists finds the job as it ended
        await asyncio.to_thread(take_in, service, job_id)

    async with service.tails.of(job_id) as tail:
        async for piece in stream(tail, start, listed):
            yield piece


def _check_offset(store: Store, job_id: str, after: int) -> None:
    """An offset that this log never had would wait for ever, or leave events out."""
    if after and not store.read_range(events_path(job_id), after - 1, 1):
        said = f"there is no event {after} in the log of {job_id}; begin again without it"
        raise RequestValidationError(
            [{"type": "no_such_event", "loc": ("query", "after"), "msg": said, "input": after}]
        )


@router.get(
    "/logs", operation_id="get_job_logs", summary="What the runner of a job said", response_class=Response,
    responses=errors(*OF_JOBS) | content("The end of its log, or what came after `after`.", {"text/plain": LOG_EXAMPLE}, LOG_HEADERS),
)  # fmt: skip
def job_logs(
    service: Served,
    job_id: JobId,
    log_bytes: Annotated[int, Query(alias="bytes", ge=1, le=LOG_BYTES_MAX, description="At most so many.")] = LOG_BYTES,
    after: Annotated[
        int | None,
        Query(
            ge=0,
            le=OFFSET_MAX,
            description="Only what comes after this byte: `Winnow-Next` of the answer before.",
            examples=[0],
        ),
    ] = None,
) -> Response:
    """What the job's processes wrote beside its events: tracebacks, warnings of libraries. Whole lines, but for one that is
    longer than what may be sent; empty where there is none. Secrets of the service are left out."""
    job_state(service.store, job_id)
    said, following = _log_piece(log_path(service.store, job_id, service.settings.runner_logs), log_bytes, after)
    text = redacted(said.decode("utf-8", "replace"))
    return Response(text, headers={"Winnow-Next": str(following)}, media_type="text/plain")


def _log_piece(path: Path, most_bytes: int, after: int | None) -> tuple[bytes, int]:
    """Bytes of a log, and the offset of their end. A line that is being written comes next time."""
    try:
        with path.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            start = max(0, size - most_bytes) if after is None else min(after, size)
            log.seek(start)
            piece = log.read(most_bytes)
    except FileNotFoundError:
        return b"", 0
    if after is None and start > 0:
        cut = piece.find(b"\n") + 1
        start, piece = start + cut, piece[cut:]
    if start + len(piece) < size or after is not None:
        piece = piece[: piece.rfind(b"\n") + 1] or (piece if len(piece) == most_bytes else b"")
    return piece, start + len(piece)


def _page(service: Service, job_id: str, after: int, limit: int, ended: bool) -> EventsPage:
    events, following = read_events(service.store, job_id, after, limit)
    done = ended and read_events(service.store, job_id, following, 1)[1] == following
    return EventsPage(items=coalesced(events), next=following, done=done)
