"""A job as an answer: after it was accepted, after it was steered, and when nothing changed."""

from __future__ import annotations

import hashlib
from typing import Annotated

import structlog
from fastapi import Header, Response
from pydantic import StringConstraints

from api.access.roles import Caller
from api.models.jobs import Job
from api.routes.documented import Responses, header
from api.service import Service
from pipeline.control.state import job_state
from pipeline.control.submission import Submission
from pipeline.errors import JobMissing

log = structlog.get_logger("winnow.jobs")

KEY = r"^[\x20-\x7e]{1,255}$"
IdempotencyKey = Annotated[
    Annotated[str, StringConstraints(pattern=KEY)] | None,
    Header(
        alias="Idempotency-Key",
        description="1 to 255 printable ASCII characters of your choice: however often this request is sent with it, one job.",
        examples=["4b1c7c2e-9e0b-4a53-8a51-3a4c1f1f2f10"],
    ),
]
IfNoneMatch = Annotated[
    str | None,
    Header(
        alias="If-None-Match",
        max_length=2_000,
        description="The ETag of an answer before; 304 if it is the same.",
        examples=['"9f86d081884c7d659a2feaa0c55ad015"'],
    ),
]
ETAG = header("Of this answer; for `If-None-Match`.", '"9f86d081884c7d659a2feaa0c55ad015"')
ACCEPTED: Responses = {
    202: {
        "model": Job,
        "description": "It is on the disk: it will not be lost.",
        "headers": {
            "Location": header("The job.", "/v1/jobs/job_019a5e7f3c41d2c9a1b4"),
            "Idempotent-Replayed": header("`true` if this key gave this job before.", "true"),
            "ETag": ETAG,
        },
    }
}
STEERED: Responses = {202: {"model": Job, "description": "It is wanted; the job's state tells when it is so."}}
NOT_MODIFIED: Responses = {
    200: {"model": Job, "description": "The job.", "headers": {"ETag": ETAG}},
    304: {"description": "Nothing changed since the answer with this ETag."},
}


def accepted(service: Service, caller: Caller, asked: Submission, key: str | None) -> Response:
    """The answer to a submission, once it is on the disk. Raises QueueFull, KeyReused."""
    taken = service.supervisor.submit(asked, key)
    take_in(service, taken.job_id)
    service.audit.note("submit", caller.owner, job=taken.job_id, replayed=taken.replayed)
    headers = {"Location": f"/v1/jobs/{taken.job_id}"}
    if taken.replayed:
        headers["Idempotent-Replayed"] = "true"
    try:
        return told(service, taken.job_id, 202, headers)
    except JobMissing:
        if not taken.replayed:
            raise
    return accepted(service, caller, asked, key)  # it was deleted this moment, and its key is free: this request is new


def take_in(service: Service, job_id: str) -> None:
    """Bring the catalog up to what was just done to a job. It is done whether or not that works: saying otherwise would
    have clients do it twice; the catalog is brought up again soon (api/freshness.py)."""
    try:
        service.catalog.follow(job_id)
    except Exception as error:
        log.error("catalog_not_refreshed", job_id=job_id, kind=type(error).__name__, exc_info=error)


def told(service: Service, job_id: str, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A job as its files tell it now, with its ETag. Raises JobMissing."""
    body = Job.model_validate(job_state(service.store, job_id)).model_dump_json().encode()
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    return Response(body, status, {"ETag": etag, **(headers or {})}, "application/json")


def unless_matched(answer: Response, if_none_match: str | None) -> Response:
    """304 where the client has this answer already, else the answer."""
    etag = answer.headers["etag"]
    seen = {tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")}
    return Response(None, 304, {"ETag": etag}) if seen & {etag, "*"} else answer
