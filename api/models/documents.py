"""Single documents of a job: samples, clusters of copies, why one is where it is. Text is as it was crawled: hostile."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from api.models.shape import OpenAnswer, PageToken, example

Outcome = Literal["kept", "removed", "quarantined"]

FAILED = {"rule": "word_count", "value": "12", "bound": "min 50"}
DOCUMENT = {
    "doc_id": "crawl-000017", "outcome": "removed", "stage": "judge", "reason": "word_count", "failed": [FAILED],
    "text": "Too short.", "text_cut": False, "text_bytes": 10, "file_path": "/data/crawl/part-0.parquet", "file_row": 17,
    "url": "https://example.org/17", "source": "example",
}  # fmt: skip
CLUSTER = {
    "cluster": "crawl-000005",
    "cluster_size": 3,
    "keeper": "crawl-000005",
    "method": "fuzzy",
    "min_jaccard": 0.87,
}
MEMBER = {
    "doc_id": "crawl-000008", "keep": False, "jaccard": 0.87, "method": "fuzzy", "duplicate_of": "crawl-000005",
    "text": "Almost the same.", "text_cut": True, "text_bytes": 1022, "file_path": "/data/crawl/part-0.parquet",
    "url": "https://example.org/8", "source": "example",
}  # fmt: skip
EXPLAINED = {
    "doc_id": "crawl-000017", "outcome": "removed by judge", "provenance": {"file_path": "/data/crawl/part-0.parquet", "file_row": 17},
    "failed": [FAILED], "duplicate": None, "cluster_members": [], "measured": {"gopher": {"word_count": 12}},
}  # fmt: skip


class Failure(OpenAnswer):
    """A rule that a document failed."""

    rule: str
    value: str | None = Field(None, description="What was measured.")
    bound: str | None = Field(None, description="What was wanted.")


class Document(OpenAnswer):
    """A document, as much of its text as was asked for, and what became of it."""

    doc_id: str | None = Field(description="null: a row that has none.")
    outcome: str
    stage: str | None = Field(None, description="The stage that removed it.")
    reason: str | None = Field(None, description="Why: the first rule it failed, the kind of duplicate or defect.")
    failed: list[Failure] = Field(default=[], description="Every rule it failed.")
    text: str | None = Field(None, description="null: the text cannot be read (any more).")
    text_cut: bool = Field(default=False, description="Whether there is more text than this.")
    text_bytes: int | None = None
    file_path: str | None = None
    file_row: int | None = None
    url: str | None = None
    source: str | None = None


class Samples(OpenAnswer):
    """Documents chosen by a hash of their ids and the seed: the same question, the same documents."""

    documents: int = Field(description="How many there are to choose from.")
    items: list[Document]

    model_config = example({"documents": 1204, "items": [DOCUMENT]})


class Cluster(OpenAnswer):
    """Documents that are copies of one another."""

    cluster: str = Field(description="Its name: the doc_id of its keeper.")
    cluster_size: int = Field(description="Members, the kept one among them.")
    keeper: str | None = Field(None, description="doc_id of the one that stays.")
    method: str | None = Field(None, description="url, exact, fuzzy, or several of them.")
    min_jaccard: float | None = Field(None, description="Exact Jaccard similarity of the least similar member.")


class ClustersPage(OpenAnswer):
    """Clusters, the largest first."""

    items: list[Cluster]
    next_page_token: PageToken = None

    model_config = example({"items": [CLUSTER], "next_page_token": None})


class ClusterMember(OpenAnswer):
    """A member of a cluster."""

    doc_id: str | None
    keep: bool = Field(description="Whether it stays.")
    jaccard: float | None = Field(None, description="Similarity to the one that it is a duplicate of.")
    method: str | None = None
    duplicate_of: str | None = None
    text: str | None = None
    text_cut: bool = False
    text_bytes: int | None = None
    file_path: str | None = None
    url: str | None = None
    source: str | None = None


class ClusterDetail(OpenAnswer):
    """A cluster with its members, the kept one first."""

    cluster: str
    cluster_size: int
    members: list[ClusterMember]

    model_config = example({"cluster": "crawl-000005", "cluster_size": 3, "members": [MEMBER]})


class Explanation(OpenAnswer):
    """Why a document is where it is."""

    doc_id: str
    outcome: str
    provenance: dict[str, Any] = Field(description="Where it comes from, and what became of it.")
    failed: list[Failure] = Field(default=[], description="Every rule it failed.")
    duplicate: dict[str, Any] | None = Field(None, description="Its place in a cluster of copies.")
    cluster_members: list[dict[str, Any]] = Field(default=[], description="Up to ten members of that cluster.")
    measured: dict[str, dict[str, Any]] = Field(description="Every scorer's columns.")


class Explanations(OpenAnswer):
    """Every document with this id: ids of an input may repeat."""

    items: list[Explanation]

    model_config = example({"items": [EXPLAINED]})
