"""What a job decided: funnel, histograms, samples, clusters, one document, two jobs beside each other, a preview."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field, model_validator

from api.models.jobs import CHANGES_MAX, Change
from api.models.shape import Answer, Body, PageToken

RULES_MAX = 200

Outcome = Literal["kept", "removed", "quarantined"]


class FunnelStep(Answer):
    """One step. documents, bytes: what it took away (of `input` and `kept`: what is there); left_*: what went on."""

    stage: str = Field(description="input, quarantine, judge, dedup or kept.")
    reason: str = Field(description="The rule, or the kind of duplicate or defect.")
    title: str = Field(description="The step for people.")
    documents: int
    bytes: int = Field(description="Bytes of text; rows in quarantine have none.")
    left_documents: int
    left_bytes: int


class FunnelEnd(Answer):
    """One of the ends a document can come to; all of them add up to the input."""

    label: str
    mark: str = Field(description="The stage that decides it.")
    documents: int
    bytes: int


class Funnel(Answer):
    """What each step took away, in the order of the steps."""

    items: list[FunnelStep]
    ends: list[FunnelEnd]


class HistogramCut(Answer):
    """A rule's bound on the column."""

    rule: str
    bound: str = Field(description="For people, as `min 50`.")
    at: float = Field(description="The bound's value.")
    removes: Literal["below", "above"]
    documents: int = Field(description="Documents that failed it, over all documents.")


class HistogramValue(Answer):
    """One value of a column of names or flags."""

    value: str
    kept: int
    removed: int


class Histogram(Answer):
    """How one measured column lies, and where the rules cut it."""

    column: str = Field(description="scorer.column")
    unit: str = ""
    meaning: str = ""
    kind: Literal["numbers", "categories"]
    scale: Literal["linear", "log"] = Field("linear", description="log: edges are log10(1 + value).")
    edges: list[float] = Field(default=[], description="Of numbers: one more than there are bins.")
    kept: list[int] = Field(default=[], description="Of numbers: kept documents a bin.")
    removed: list[int] = Field(default=[], description="Of numbers: removed documents a bin.")
    cuts: list[HistogramCut] = Field(default=[], description="Where rules cut it.")
    values: list[HistogramValue] = Field(default=[], description="Of categories: the most frequent, first.")
    unmeasured: int = Field(0, description="Documents without a value.")
    every: int = Field(1, description="1: all documents are binned; k: every k-th.")


class Failure(Answer):
    """A rule that a document failed."""

    rule: str
    value: str | None = Field(None, description="What was measured.")
    bound: str = Field(description="What was wanted.")


class Document(Answer):
    """A document, as much of its text as was asked for, and what became of it. Text is as it was crawled: hostile."""

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


class Samples(Answer):
    """Documents chosen by a hash of their ids and the seed: the same question, the same documents."""

    documents: int = Field(description="How many there are to choose from.")
    items: list[Document]


class Cluster(Answer):
    """Documents that are copies of one another."""

    cluster: int
    cluster_size: int = Field(description="Members, the kept one among them.")
    keeper: str | None = Field(None, description="doc_id of the one that stays.")
    method: str | None = Field(None, description="exact, fuzzy, or both.")
    min_jaccard: float | None = Field(None, description="Exact Jaccard similarity of the least similar member.")


class ClustersPage(Answer):
    """Clusters, the largest first."""

    items: list[Cluster]
    next_page_token: PageToken = None


class ClusterMember(Answer):
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


class ClusterDetail(Answer):
    """A cluster with its members, the kept one first."""

    cluster: int
    cluster_size: int
    members: list[ClusterMember]


class Explanation(Answer):
    """Why a document is where it is."""

    doc_id: str
    outcome: str
    provenance: dict[str, Any] = Field(description="Where it comes from, and what became of it.")
    failed: list[Failure] = Field(default=[], description="Every rule it failed.")
    duplicate: dict[str, Any] | None = Field(None, description="Its place in a cluster of copies.")
    cluster_members: list[dict[str, Any]] = Field(default=[], description="Up to ten members of that cluster.")
    measured: dict[str, dict[str, Any]] = Field(description="Every scorer's columns.")


class Explanations(Answer):
    """Every document with this id: ids of an input may repeat."""

    items: list[Explanation]


class NewPreview(Body):
    """Rules to try on what is measured already; one of the two."""

    rules: dict[str, dict[str, Any]] | None = Field(
        None, max_length=RULES_MAX, description="All rules, as in a recipe: they stand instead of the job's."
    )
    changes: list[Change] | None = Field(
        None, max_length=CHANGES_MAX, description="Changes of the job's own recipe, `path=value` in YAML."
    )

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"changes": ["rules.word_count.min=100"]},
                {"rules": {"long_enough": {"column": "gopher.word_count", "min": 100}}},
            ]
        }
    )

    @model_validator(mode="after")
    def _one(self) -> NewPreview:
        if (self.rules is None) == (self.changes is None):
            raise ValueError("give either rules or changes")
        return self
