"""What a job decided, and what other rules would: asked of a clerk, answered from the job's tables."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from api.access.roles import GuardedRoute, needs
from api.models.decisions import Comparison, Funnel, Histogram, NewPreview, Preview
from api.models.shape import JOB_ID
from api.routes.documented import OF_BODIES, OF_RESULTS, content, errors
from api.routes.given import Asking, JobId, Served, ask_clerk
from api.service import Service
from pipeline.catalog.read import became
from pipeline.control.state import TERMINAL, job_state
from pipeline.recipe_file import validate
from pipeline.storage.records import read_record
from pipeline.storage.store import Store
from pipeline.totals.funnel import as_values, funnel_of

router = APIRouter(
    prefix="/v1/jobs/{job_id}", tags=["results"], route_class=GuardedRoute, dependencies=[needs("viewer")]
)

REPORT_SECONDS = 120.0
BINS, BINS_MAX = 48, 400
PAGE_EXAMPLE = "<!doctype html><title>fineweb · Winnow report</title>"
REPORT_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The page has no script and asks for nothing; its own policy names its one style sheet by digest. Its text is hostile."""

Column = Annotated[
    str,
    Path(
        pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}(\.[A-Za-z_][A-Za-z0-9_]{0,63})?$",
        description="scorer.column, or a column of provenance.",
        examples=["gopher.word_count"],
    ),
]
OtherJobId = Annotated[
    str, Path(pattern=JOB_ID, description="The other job's id.", examples=["job_019a5e8011d2c9a1b43c"])
]
Bins = Annotated[int, Query(ge=2, le=BINS_MAX, description="Bins of a column of numbers.")]


@router.get(
    "/funnel", operation_id="get_job_funnel", summary="The funnel", response_model=Funnel, responses=errors(*OF_RESULTS)
)
async def get_funnel(service: Served, caller: Asking, job_id: JobId) -> Any:
    """What each step took away, in the order of the steps, in documents and bytes. It adds up: input = kept + removed +
    quarantined."""
    counted = await asyncio.to_thread(_counted, service, job_id)
    return counted or await ask_clerk(service, caller, "funnel", job=job_id)


def _counted(service: Service, job_id: str) -> dict[str, Any] | None:
    """The funnel from the catalog, which has it added up; None where it has not (yet). Raises JobMissing."""
    ended = job_state(service.store, job_id)["state"] in TERMINAL
    found = became(service.catalog, job_id) if ended else None
    if found is None:
        return None
    path = f"{Store.job(job_id)}/recipe.json"
    return as_values(funnel_of(*found, validate(read_record(service.store, path), f"job {job_id}")))


@router.get(
    "/histograms/{column}", operation_id="get_job_histogram", summary="How a measured column lies",
    response_model=Histogram, responses=errors(*OF_RESULTS, "not_found"),
)  # fmt: skip
async def get_histogram(service: Served, caller: Asking, job_id: JobId, column: Column, bins: Bins = BINS) -> Any:
    """Kept and removed documents by value of one column, and where the rules cut it."""
    return await ask_clerk(service, caller, "histogram", job=job_id, column=column, bins=bins)


@router.get(
    "/compare/{other}", operation_id="compare_jobs", summary="Two jobs beside each other", response_model=Comparison,
    responses=errors(*OF_RESULTS),
)  # fmt: skip
async def compare_jobs(service: Served, caller: Asking, job_id: JobId, other: OtherJobId) -> Any:
    """Documents and bytes that both kept, that only one of them kept, and why the other did not; where their recipes
    differ."""
    return await ask_clerk(service, caller, "compare", job=job_id, other=other)


@router.post(
    "/preview", operation_id="preview_job", summary="What other rules would keep", response_model=Preview,
    responses=errors(*OF_RESULTS, *OF_BODIES, "recipe", "plan"),
)  # fmt: skip
async def preview_job(service: Served, caller: Asking, job_id: JobId, body: NewPreview) -> Any:
    """Documents, bytes and tokens that these rules would keep and remove, by rule (first, failed, alone), language, domain
    and source. Counted over what is measured already: no text is touched, nothing is written."""
    return await ask_clerk(service, caller, "preview", job=job_id, **body.model_dump(exclude_none=True))


@router.get(
    "/report", operation_id="get_job_report", summary="The report", response_class=Response,
    responses=errors(*OF_RESULTS) | content("One self-contained page.", {"text/html": PAGE_EXAMPLE}),
)  # fmt: skip
async def get_report(service: Served, caller: Asking, job_id: JobId) -> Response:
    """The page on a job as HTML: funnel, histograms, samples, clusters, times. It loads nothing and runs no script."""
    made = await ask_clerk(service, caller, "report", REPORT_SECONDS, job=job_id)
    return Response(made["html"], headers={"Content-Security-Policy": REPORT_POLICY}, media_type="text/html")
