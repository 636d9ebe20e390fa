"""Stages and shards: what a job made, part by part."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import Field

from api.access.roles import GuardedRoute, needs
from api.models.shape import Body
from api.models.tables import ShardDetail, ShardsPage, Stages
from api.pages import PAGE_SIZE, PAGE_SIZE_MAX, PageTokenGiven, page_token, position_of
from api.routes.documented import OF_JOBS, errors
from api.routes.given import JobId, Served
from pipeline.catalog import read
from pipeline.control.state import job_state

router = APIRouter(
    prefix="/v1/jobs/{job_id}", tags=["results"], route_class=GuardedRoute, dependencies=[needs("viewer")]
)

PART = r"^[A-Za-z0-9_-]{1,128}$"


class ShardFilters(Body):
    """Which shards."""

    stage: str | None = Field(
        None, max_length=40, description="Of this kind of table: text, notes, verdict, mix ...", examples=["notes"]
    )
    page_size: int = Field(PAGE_SIZE, ge=1, le=PAGE_SIZE_MAX, description="Items a page.")
    page_token: PageTokenGiven = None


@router.get(
    "/stages",
    operation_id="list_job_stages",
    summary="Stages of a job",
    response_model=Stages,
    responses=errors(*OF_JOBS),
)
def list_stages(service: Served, job_id: JobId) -> Any:
    """Every stage so far, in order: units, rows, bytes, seconds, and what became of its rows."""
    job_state(service.store, job_id)
    service.catalog.follow(job_id)
    return {"items": read.stages(service.catalog, job_id)}


@router.get(
    "/shards", operation_id="list_job_shards", summary="Shards of a job", response_model=ShardsPage,
    responses=errors(*OF_JOBS, "bad_page_token"),
)  # fmt: skip
def list_shards(service: Served, job_id: JobId, filters: Annotated[ShardFilters, Query()]) -> Any:
    """The parts of the job's tables: rows, bytes, digest, seconds, worker, attempts."""
    job_state(service.store, job_id)
    question = {"path": f"/v1/jobs/{job_id}/shards", "stage": filters.stage}
    after = position_of(filters.page_token, question, int, int)
    if after is None:  # whoever has just heard that the job is over sees all of it
        service.catalog.follow(job_id)
    page = read.shards_page(service.catalog, job_id, filters.stage, after, filters.page_size)
    return {"items": page.items, "next_page_token": page_token(page.after, question)}


@router.get(
    "/shards/{part}", operation_id="get_job_shard", summary="One shard", response_model=ShardDetail,
    responses=errors(*OF_JOBS, "not_found"),
)  # fmt: skip
def get_shard(
    service: Served,
    job_id: JobId,
    part: Annotated[
        str, Path(pattern=PART, description="Key of the part.", examples=["0a1b2c3d4e5f60718293a4b5c6d7e8f9"])
    ],
) -> Any:
    """A shard with what its columns hold: rows, nulls, least, largest, mean and histogram of each."""
    job_state(service.store, job_id)
    return read.shard(service.catalog, job_id, part)
