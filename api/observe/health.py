"""Is it there, can it work, how does it do: /healthz, /readyz, /metrics."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from api.access.roles import GuardedRoute, needs
from api.errors import NotReady
from api.service import Service, service_of

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
METRICS_EXAMPLE = 'winnow_jobs{state="running"} 1.0\nwinnow_queue_length 0.0\n'
router = APIRouter(tags=["operations"])
guarded = APIRouter(tags=["operations"], route_class=GuardedRoute)


class Health(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """Whether jobs can be taken and looked up, check by check."""

    status: Literal["ready"] = "ready"
    checks: dict[str, str] = Field(examples=[{"catalog": "ok", "supervisor": "ok", "disk": "ok"}])


@router.get("/healthz", summary="Whether the process answers", operation_id="get_health")
async def health() -> Health:
    """Open to everybody. Says nothing of whether jobs can run: that is `/readyz`."""
    return Health()


@router.get("/readyz", summary="Whether jobs can be taken", operation_id="get_readiness")
async def readiness(service: Annotated[Service, Depends(service_of)]) -> Readiness:
    """Open to everybody. 503 `not_ready` names the check that failed: catalog, supervisor, disk, ray."""
    if service.stopping.is_set():
        raise NotReady("the service is ending", retry_after=5)
    found = await asyncio.to_thread(service.checks.found, service)
    wrong = [f"{name}: {said}" for name, said in found.items() if said != "ok"]
    if wrong:
        raise NotReady("; ".join(wrong), retry_after=5)
    return Readiness(checks=found)


@guarded.get(
    "/metrics", summary="Metrics for Prometheus", operation_id="get_metrics", dependencies=[needs("viewer")],
    response_class=Response, responses={200: {"content": {METRICS_TYPE: {"schema": {"type": "string"}, "example": METRICS_EXAMPLE}}}},
)  # fmt: skip
async def metrics(service: Annotated[Service, Depends(service_of)]) -> Response:
    """Requests by route, questions, streams, jobs by state, work done. Routes appear as templates: no id is a label."""
    return Response(await asyncio.to_thread(service.metrics.text), media_type=METRICS_TYPE)
