"""Single documents of a job: samples, clusters of copies, and why a document is where it is."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import Field

import api.routes.any_text  # noqa: F401 - {x:text} in paths
from api.access.roles import GuardedRoute, needs
from api.models.documents import ClusterDetail, ClustersPage, Explanations, Outcome, Samples
from api.models.shape import DOC_ID_CHARS_MAX, Body
from api.pages import PAGE_SIZE, PageTokenGiven, page_token, position_of
from api.routes.documented import OF_RESULTS, errors
from api.routes.given import Asking, JobId, Served, ask_clerk

router = APIRouter(
    prefix="/v1/jobs/{job_id}", tags=["results"], route_class=GuardedRoute, dependencies=[needs("viewer")]
)

TEXT_CHARS = 1_000
TEXT_CHARS_MAX = 100_000
SAMPLES_MAX = 200
CLUSTERS_MAX = 200

TextChars = Annotated[int, Query(ge=0, le=TEXT_CHARS_MAX, description="Characters of text a document.")]
DocId = Annotated[
    str,
    Path(max_length=DOC_ID_CHARS_MAX, description="The document's id, as the input has it.", examples=["crawl-000017"]),
]
ClusterName = Annotated[
    str, Path(max_length=DOC_ID_CHARS_MAX, description="Its name: the doc_id of its keeper.", examples=["crawl-000005"])
]


class SampleChoice(Body):
    """Which documents, and how much of them."""

    outcome: Outcome = Field("kept", description="What became of them.")
    reason: str | None = Field(
        None, max_length=200, description="Removed or quarantined for this reason.", examples=["word_count"]
    )
    size: int = Field(20, ge=1, le=SAMPLES_MAX, description="How many.")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="Another seed, other documents.")
    text_chars: int = Field(TEXT_CHARS, ge=0, le=TEXT_CHARS_MAX, description="Characters of text a document.")


class ClusterPaging(Body):
    """Which clusters."""

    page_size: int = Field(PAGE_SIZE, ge=1, le=CLUSTERS_MAX, description="Items a page.")
    page_token: PageTokenGiven = None


@router.get(
    "/samples", operation_id="list_job_samples", summary="Sample documents", response_model=Samples,
    responses=errors(*OF_RESULTS),
)  # fmt: skip
async def list_samples(service: Served, caller: Asking, job_id: JobId, choice: Annotated[SampleChoice, Query()]) -> Any:
    """Documents by what became of them, chosen by a hash of their ids and the seed. The text is as it was crawled: show it
    as text, never as HTML."""
    return await ask_clerk(service, caller, "samples", job=job_id, **choice.model_dump())


@router.get(
    "/clusters", operation_id="list_job_clusters", summary="Clusters of duplicates", response_model=ClustersPage,
    responses=errors(*OF_RESULTS, "bad_page_token"),
)  # fmt: skip
async def list_clusters(
    service: Served, caller: Asking, job_id: JobId, paging: Annotated[ClusterPaging, Query()]
) -> Any:
    """Documents that are copies of one another, the largest clusters first."""
    question = {"path": f"/v1/jobs/{job_id}/clusters"}
    after = position_of(paging.page_token, question, int, str)
    found = await ask_clerk(service, caller, "clusters", job=job_id, size=paging.page_size, after=after and list(after))
    return {"items": found["items"], "next_page_token": page_token(found["next"] and tuple(found["next"]), question)}


@router.get(
    "/clusters/{cluster:text}", operation_id="get_job_cluster", summary="One cluster", response_model=ClusterDetail,
    responses=errors(*OF_RESULTS, "not_found"),
)  # fmt: skip
async def get_cluster(
    service: Served, caller: Asking, job_id: JobId, cluster: ClusterName, text_chars: TextChars = TEXT_CHARS
) -> Any:
    """The members of a cluster, the kept one first, with exact similarities and the beginning of their texts."""
    return await ask_clerk(service, caller, "cluster", job=job_id, cluster=cluster, text_chars=text_chars)


@router.get(
    "/documents/{doc_id:text}", operation_id="get_job_document", summary="Why a document is where it is",
    response_model=Explanations, responses=errors(*OF_RESULTS, "not_found"),
)  # fmt: skip
async def get_document(service: Served, caller: Asking, job_id: JobId, doc_id: DocId) -> Any:
    """Where a document comes from, every rule it failed with value and bound, the cluster it is in, and all that was
    measured of it. An id may stand for several documents of an input."""
    return await ask_clerk(service, caller, "explain", job=job_id, doc_id=doc_id)
