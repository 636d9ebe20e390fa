"""What a job decided, and what other rules would: asked of a clerk, answered from the job's tables."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from api.access.roles import GuardedRoute, needs
from api.models.decisions import (
    ClusterDetail,
    ClustersPage,
    Explanations,
    Funnel,
    Histogram,
    NewPreview,
    Outcome,
    Samples,
)
from api.models.shape import DOC_ID_CHARS_MAX, JOB_ID, Body
from api.pages import PAGE_SIZE, TOKEN_CHARS_MAX, page_token, position_of
from api.routes.documented import OF_BODIES, OF_CLERKS, OF_JOBS, content, errors
from api.routes.given import Asking, JobId, Served, ask_clerk

router = APIRouter(
    prefix="/v1/jobs/{job_id}", tags=["results"], route_class=GuardedRoute, dependencies=[needs("viewer")]
)

OF_RESULTS = (*OF_JOBS, *OF_CLERKS, "not_ready_yet", "integrity", "storage")
REPORT_SECONDS = 120.0
TEXT_CHARS = 1_000
TEXT_CHARS_MAX = 100_000
SAMPLES_MAX = 200
CLUSTERS_MAX = 200
BINS = 48
PAGE_EXAMPLE = "<!doctype html><title>fineweb · Winnow report</title>"
REPORT_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The page has no script and asks for nothing; its own policy names its one style sheet by digest. Its text is hostile."""

Column = Annotated[
    str, Path(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}(\.[A-Za-z_][A-Za-z0-9_]{0,63})?$", description="scorer.column")
]
TextChars = Annotated[int, Field(ge=0, le=TEXT_CHARS_MAX, description="Characters of text a document.")]


class SampleChoice(Body):
    """Which documents, and how much of them."""

    outcome: Outcome = Field("kept", description="What became of them.")
    reason: str | None = Field(None, max_length=200, description="Removed or quarantined for this reason.")
    size: int = Field(20, ge=1, le=SAMPLES_MAX, description="How many.")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="Another seed, other documents.")
    text_chars: TextChars = TEXT_CHARS


class ClusterPaging(Body):
    """Which clusters."""

    page_size: int = Field(PAGE_SIZE, ge=1, le=CLUSTERS_MAX, description="Items a page.")
    page_token: str | None = Field(
        None, max_length=TOKEN_CHARS_MAX, description="`next_page_token` of the page before."
    )


@router.get(
    "/funnel", operation_id="get_job_funnel", summary="The funnel", response_model=Funnel, responses=errors(*OF_RESULTS)
)
def get_funnel(service: Served, caller: Asking, job_id: JobId) -> Any:
    """What each step took away, in the order of the steps, in documents and bytes. It adds up: input = kept + removed +
    quarantined."""
    return ask_clerk(service, caller, "funnel", job=job_id)


@router.get(
    "/histograms/{column}", operation_id="get_job_histogram", summary="How a measured column lies",
    response_model=Histogram, responses=errors(*OF_RESULTS, "not_found"),
)  # fmt: skip
def get_histogram(
    service: Served, caller: Asking, job_id: JobId, column: Column,
    bins: Annotated[int, Query(ge=2, le=400, description="Bins of a column of numbers.")] = BINS,
) -> Any:  # fmt: skip
    """Kept and removed documents by value of one column, and where the rules cut it."""
    return ask_clerk(service, caller, "histogram", job=job_id, column=column, bins=bins)


@router.get(
    "/samples", operation_id="list_job_samples", summary="Sample documents", response_model=Samples,
    responses=errors(*OF_RESULTS, "not_found"),
)  # fmt: skip
def list_samples(service: Served, caller: Asking, job_id: JobId, choice: Annotated[SampleChoice, Query()]) -> Any:
    """Documents by what became of them, chosen by a hash of their ids and the seed. The text is as it was crawled: show it
    as text, never as HTML."""
    return ask_clerk(service, caller, "samples", job=job_id, **choice.model_dump())


@router.get(
    "/clusters", operation_id="list_job_clusters", summary="Clusters of duplicates", response_model=ClustersPage,
    responses=errors(*OF_RESULTS, "bad_page_token"),
)  # fmt: skip
def list_clusters(service: Served, caller: Asking, job_id: JobId, paging: Annotated[ClusterPaging, Query()]) -> Any:
    """Documents that are copies of one another, the largest clusters first."""
    question = {"path": f"/v1/jobs/{job_id}/clusters"}
    after = position_of(paging.page_token, question, int, int)
    found = ask_clerk(service, caller, "clusters", job=job_id, size=paging.page_size, after=after)
    return {"items": found["items"], "next_page_token": page_token(found["next"] and tuple(found["next"]), question)}


@router.get(
    "/clusters/{cluster}", operation_id="get_job_cluster", summary="One cluster", response_model=ClusterDetail,
    responses=errors(*OF_RESULTS, "not_found"),
)  # fmt: skip
def get_cluster(
    service: Served, caller: Asking, job_id: JobId,
    cluster: Annotated[int, Path(ge=0, le=2**53, description="Its number.")],
    text_chars: Annotated[int, Query(ge=0, le=TEXT_CHARS_MAX, description="Characters of text a document.")] = TEXT_CHARS,
) -> Any:  # fmt: skip
    """The members of a cluster, the kept one first, with exact similarities and the beginning of their texts."""
    return ask_clerk(service, caller, "cluster", job=job_id, cluster=cluster, text_chars=text_chars)


@router.get(
    "/documents/{doc_id:path}", operation_id="get_job_document", summary="Why a document is where it is",
    response_model=Explanations, responses=errors(*OF_RESULTS, "not_found"),
)  # fmt: skip
def get_document(
    service: Served, caller: Asking, job_id: JobId,
    doc_id: Annotated[str, Path(max_length=DOC_ID_CHARS_MAX, description="The document's id, as the input has it.")],
) -> Any:  # fmt: skip
    """Where a document comes from, every rule it failed with value and bound, the cluster it is in, and all that was
    measured of it. An id may stand for several documents of an input."""
    return ask_clerk(service, caller, "explain", job=job_id, doc_id=doc_id)


@router.get(
    "/compare/{other}", operation_id="compare_jobs", summary="Two jobs beside each other", response_model=dict[str, Any],
    responses=errors(*OF_RESULTS),
)  # fmt: skip
def compare_jobs(
    service: Served, caller: Asking, job_id: JobId,
    other: Annotated[str, Path(pattern=JOB_ID, description="The other job's id.")],
) -> Any:  # fmt: skip
    """Documents and bytes that both kept, that only one of them kept, and why the other did not; changed rules."""
    return ask_clerk(service, caller, "compare", job=job_id, other=other)


@router.post(
    "/preview", operation_id="preview_job", summary="What other rules would keep", response_model=dict[str, Any],
    responses=errors(*OF_RESULTS, *OF_BODIES, "recipe", "plan"),
)  # fmt: skip
def preview_job(service: Served, caller: Asking, job_id: JobId, body: NewPreview) -> Any:
    """Documents, bytes and tokens that these rules would keep and remove, by rule (first, failed, alone), language, domain
    and source. Counted over what is measured already: no text is touched, nothing is written."""
    given = body.model_dump(exclude_none=True)
    return ask_clerk(service, caller, "preview", job=job_id, **given)


@router.get(
    "/report", operation_id="get_job_report", summary="The report", response_class=Response,
    responses=errors(*OF_RESULTS) | content("One self-contained page.", {"text/html": PAGE_EXAMPLE}),
)  # fmt: skip
def get_report(service: Served, caller: Asking, job_id: JobId) -> Response:
    """The page on a job as HTML: funnel, histograms, samples, clusters, times. It loads nothing and runs no script."""
    made = ask_clerk(service, caller, "report", REPORT_SECONDS, job=job_id)
    return Response(made["html"], headers={"Content-Security-Policy": REPORT_POLICY}, media_type="text/html")
