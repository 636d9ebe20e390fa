"""What this service is and how much may be asked of it: /v1/version, /v1/limits."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from api.access.roles import GuardedRoute, Role, caller_of, needs
from api.service import Service, service_of
from api.settings import ServiceLimits

router = APIRouter(prefix="/v1", tags=["operations"], route_class=GuardedRoute, dependencies=[needs("viewer")])


class Version(BaseModel):
    """Which Winnow answers. workspace_kind: where it keeps its work; executor: what jobs run on unless they say."""

    name: str = "winnow"
    version: str = Field(examples=["0.1.0"])
    api: str = "v1"
    python: str = Field(examples=["3.12.4"])
    workspace_kind: str = Field(examples=["folder"])
    executor: str = Field(examples=["auto"])
    ray: bool = Field(description="Whether jobs run on a cluster.", examples=[False])


class Limits(BaseModel):
    """How much may be asked, and what this caller may do. roots and buckets: where input may lie and output may go."""

    limits: ServiceLimits
    role: Role = Field(examples=["viewer"])
    caller: str = Field(description="The name of the key.", examples=["ci"])
    jobs_at_once: int = Field(examples=[1])
    queue: int = Field(examples=[100])
    roots: list[str] = Field(examples=[["/data/crawl"]])
    buckets: list[str] = Field(examples=[["s3://corpora/raw"]])


@router.get("/version", summary="Which Winnow answers", operation_id="get_version")
def get_version(service: Annotated[Service, Depends(service_of)]) -> Version:
    """The version of the package and of the API."""
    settings = service.settings
    return Version(
        version=version("winnow-curation"), python=platform.python_version(),
        workspace_kind="bucket" if service.store.remote else "folder",
        executor=settings.executor, ray=settings.ray_address is not None,
    )  # fmt: skip


@router.get("/limits", summary="How much may be asked", operation_id="get_limits")
def get_limits(request: Request, service: Annotated[Service, Depends(service_of)]) -> Limits:
    """Sizes, rates and places, as this service was started with; and the role of the key that asks."""
    caller, settings = caller_of(request), service.settings
    return Limits(
        limits=settings.limits, role=caller.role, caller=caller.name, jobs_at_once=settings.jobs_at_once, queue=settings.queue,
        roots=list(service.paths.roots), buckets=list(service.paths.buckets),
    )  # fmt: skip
