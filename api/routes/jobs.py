"""Jobs: submit, plan, list, look at, delete."""

from __future__ import annotations

import datetime
import re
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AwareDatetime, BeforeValidator, Field, StringConstraints

from api.access.roles import GuardedRoute, needs
from api.models.jobs import RECIPE_EXAMPLE, Job, JobPlan, JobsPage, NewJob, State
from api.models.shape import Body
from api.pages import PAGE_SIZE, PAGE_SIZE_MAX, PageTokenGiven, page_token, position_of
from api.routes.answers import (
    ACCEPTED,
    NOT_MODIFIED,
    IdempotencyKey,
    IfNoneMatch,
    accepted,
    take_in,
    told,
    unless_matched,
)
from api.routes.documented import OF_BODIES, OF_CLERKS, OF_JOBS, Responses, body_of, errors
from api.routes.given import Asking, JobId, Served, request_id_of
from api.routes.submitting import CHECK_SECONDS, checked_recipe, have_room, new_job, submission
from pipeline.catalog.read import JobFilter, jobs_page
from pipeline.control.state import delete_job, job_state
from pipeline.storage.records import read_record
from pipeline.storage.store import Store

router = APIRouter(prefix="/v1", tags=["jobs"], route_class=GuardedRoute)
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _rfc_3339(value: object) -> object:
    """Numbers would be taken for seconds since 1970 otherwise."""
    if isinstance(value, str) and RFC_3339.fullmatch(value) is None:
        raise ValueError("not a time as in RFC 3339, like 2026-11-01T00:00:00Z")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_rfc_3339)]
Label = Annotated[str, StringConstraints(pattern=r"^[^:]{1,63}:.{0,63}$")]
OF_SUBMITTING = (*OF_BODIES, *OF_CLERKS, "recipe", "plan", "model", "scorer", "path_outside", "storage")


YAML = """\
extends: fineweb
name: web-en
input: {paths: [/data/crawl]}
rules:
  word_count: {column: gopher.word_count, min: 100}
"""
NEW_JOB = body_of(NewJob, YAML)
RECIPE: Responses = {
    200: {"description": "The recipe.", "content": {"application/json": {"example": {"version": 1, **RECIPE_EXAMPLE}}}}
}


class JobFilters(Body):
    """Which jobs, in which order; all that is given must hold."""

    state: list[State] = Field(default=[], max_length=8, description="In any of these states.")
    name: str | None = Field(None, max_length=100, description="Of this recipe.", examples=["fineweb"])
    label: list[Label] = Field(default=[], max_length=8, description="With all of these labels, `name:value`.")
    owner: str | None = Field(
        None, max_length=200, description="Submitted by the key with this id.", examples=["key_7f3a"]
    )
    created_after: Moment | None = Field(
        None, description="Created after this time, RFC 3339.", examples=["2026-11-01T00:00:00Z"]
    )
    created_before: Moment | None = Field(
        None, description="Created before this time, RFC 3339.", examples=["2026-12-01T00:00:00Z"]
    )
    order_by: Literal["created_at", "-created_at"] = Field(
        "-created_at", description="`created_at`: the oldest first; `-created_at`: the newest first."
    )
    page_size: int = Field(PAGE_SIZE, ge=1, le=PAGE_SIZE_MAX, description="Items a page.")
    page_token: PageTokenGiven = None


@router.post(
    "/jobs", operation_id="submit_job", status_code=202, summary="Submit a job", dependencies=[needs("operator")],
    responses=errors(*OF_SUBMITTING, "idempotency_key_reused", "queue_full") | ACCEPTED, openapi_extra=NEW_JOB,
)  # fmt: skip
async def submit_job(
    request: Request,
    service: Served,
    caller: Asking,
    body: Annotated[NewJob, Depends(new_job)],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Check a recipe and queue it. The answer comes when the job is on the disk: from then on it is not lost. The same
    request with the same `Idempotency-Key` gives the same job, marked `Idempotent-Replayed: true`."""
    if idempotency_key is None:
        have_room(service)  # before any work; with a key it may be a replay, which needs no room
    request_id = request_id_of(request)

    def submit() -> Response:
        return accepted(service, caller, submission(service, caller, body, request_id), idempotency_key)

    return await service.lane.run(caller.owner, submit)


@router.post(
    "/plans", operation_id="plan_job", summary="Plan a job without running it", response_model=JobPlan,
    dependencies=[needs("viewer")], responses=errors(*OF_SUBMITTING), openapi_extra=NEW_JOB,
)  # fmt: skip
async def plan_job(service: Served, caller: Asking, body: Annotated[NewJob, Depends(new_job)]) -> Any:
    """What a job would do: stages, units, passes over the text, rules as sentences, a forecast. Lists the input and reads
    its footers; nothing is written."""

    def plan() -> Any:
        recipe = checked_recipe(service, body)
        asked = {"recipe": recipe, "corpus": body.corpus, "copy": body.copy_input, "workers": body.workers}
        return service.clerks.ask("plan", asked, CHECK_SECONDS)

    return await service.lane.run(caller.owner, plan)


@router.get(
    "/jobs", operation_id="list_jobs", summary="List jobs", response_model=JobsPage, dependencies=[needs("viewer")],
    responses=errors("bad_page_token"),
)  # fmt: skip
def list_jobs(service: Served, filters: Annotated[JobFilters, Query()]) -> JobsPage:
    """Jobs, the newest first. Pages are stable: what is submitted meanwhile moves no job from one page to another."""
    question = {"path": "/v1/jobs", **filters.model_dump(mode="json", exclude={"page_token", "page_size"})}
    after = position_of(filters.page_token, question, str, str)
    chosen = JobFilter(
        states=tuple(filters.state), name=filters.name, owner=filters.owner,
        labels=tuple((name, value) for name, _, value in (label.partition(":") for label in filters.label)),
        created_after=_utc(filters.created_after), created_before=_utc(filters.created_before), order_by=filters.order_by,
    )  # fmt: skip
    page = jobs_page(service.catalog, chosen, after, filters.page_size)
    following = page_token(page.after, question)
    return JobsPage(items=[Job.model_validate(row) for row in page.items], next_page_token=following)


def _utc(time: datetime.datetime | None) -> str | None:
    """As job records have it: RFC 3339 in UTC with milliseconds, so that text sorts as time."""
    if time is None:
        return None
    return time.astimezone(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@router.get(
    "/jobs/{job_id}", operation_id="get_job", summary="Look at a job", response_model=Job, dependencies=[needs("viewer")],
    responses=errors(*OF_JOBS) | NOT_MODIFIED,
)  # fmt: skip
def get_job(service: Served, job_id: JobId, if_none_match: IfNoneMatch = None) -> Response:
    """A job as its files tell it now. With `If-None-Match`, 304 while nothing changed."""
    return unless_matched(told(service, job_id), if_none_match)


@router.delete(
    "/jobs/{job_id}", operation_id="delete_job", status_code=204, summary="Delete an ended job",
    dependencies=[needs("admin")], responses=errors(*OF_JOBS, "wrong_state", "cross_origin"),
)  # fmt: skip
def delete_ended_job(service: Served, caller: Asking, job_id: JobId) -> None:
    """Forget an ended job (or one whose record is damaged) and its log. Its tables stay, because other jobs may stand on
    them; so does its output."""
    delete_job(service.store, job_id)
    take_in(service, job_id)
    service.audit.note("delete", caller.owner, job=job_id)


@router.get(
    "/jobs/{job_id}/recipe", operation_id="get_job_recipe", summary="The recipe a job runs",
    dependencies=[needs("viewer")], responses=errors(*OF_JOBS) | RECIPE, response_model=dict[str, Any],
)  # fmt: skip
def get_job_recipe(service: Served, job_id: JobId) -> Any:
    """The canonical recipe, with every default written out: submitted again, it gives the same bytes."""
    job_state(service.store, job_id)
    return read_record(service.store, f"{Store.job(job_id)}/recipe.json")
