"""Steering jobs: cancel, pause, resume, try again."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from api.access.roles import Caller, GuardedRoute, needs
from api.routes.answers import ACCEPTED, STEERED, IdempotencyKey, accepted, take_in, told
from api.routes.documented import OF_JOBS, errors
from api.routes.given import Asking, JobId, Served, request_id_of
from api.routes.submitting import have_room
from api.service import Service
from pipeline.control.state import retry
from pipeline.control.wish import Want, want

router = APIRouter(
    prefix="/v1/jobs/{job_id}", tags=["jobs"], route_class=GuardedRoute, dependencies=[needs("operator")]
)
OF_STEERING = (*OF_JOBS, "wrong_state", "not_supervised", "cross_origin", "storage")


@router.post(
    "/cancel",
    operation_id="cancel_job",
    status_code=202,
    summary="Cancel a job",
    responses=errors(*OF_STEERING) | STEERED,
)
def cancel_job(service: Served, caller: Asking, job_id: JobId) -> Response:
    """Stop it for good, within seconds. Committed parts stay: a retry, or another job over the same input, finds them."""
    return _steered(service, caller, job_id, "cancel")


@router.post(
    "/pause", operation_id="pause_job", status_code=202, summary="Pause a job", responses=errors(*OF_STEERING) | STEERED
)
def pause_job(service: Served, caller: Asking, job_id: JobId) -> Response:
    """Stop it until it is resumed. Units under way are finished if that is soon, else given up and done again."""
    return _steered(service, caller, job_id, "pause")


@router.post(
    "/resume", operation_id="resume_job", status_code=202, summary="Resume a job",
    responses=errors(*OF_STEERING) | STEERED,
)  # fmt: skip
def resume_job(service: Served, caller: Asking, job_id: JobId) -> Response:
    """Let a paused job go on where it stopped; it takes its place in the queue."""
    return _steered(service, caller, job_id, "run")


@router.post(
    "/retry", operation_id="retry_job", status_code=202, summary="Try a job again",
    responses=errors(*OF_STEERING, "idempotency_key_reused", "queue_full") | ACCEPTED,
)  # fmt: skip
def retry_job(
    request: Request, service: Served, caller: Asking, job_id: JobId, idempotency_key: IdempotencyKey = None
) -> Response:
    """A new job with the same recipe, for one that failed or was cancelled. It finds all committed parts and goes on."""
    asked = retry(service.store, job_id, owner=caller.owner, request_id=request_id_of(request))
    if idempotency_key is None:
        have_room(service)
    return accepted(service, caller, asked, idempotency_key)


def _steered(service: Service, caller: Caller, job_id: str, what: Want) -> Response:
    want(service.store, job_id, what, by=caller.owner or caller.name)
    service.supervisor.wake(job_id)
    take_in(service, job_id)
    service.audit.note(what, caller.owner, job=job_id)
    return told(service, job_id, 202)
