"""What a job decided: its funnel, how a column lies, a preview of other rules, two jobs beside each other."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field, model_validator

from api.models.jobs import CHANGES_MAX, Change
from api.models.shape import Body, OpenAnswer, example

RULES_MAX = 200

INPUT = {
    "stage": "input", "reason": "", "title": "input", "documents": 33960, "bytes": 118200345, "tokens_estimate": 29550086,
    "left_documents": 33960, "left_bytes": 118200345, "left_tokens_estimate": 29550086,
}  # fmt: skip
STEP = {
    "stage": "judge", "reason": "word_count", "title": "word_count", "documents": 1204, "bytes": 210345, "tokens_estimate": 52586,
    "left_documents": 32756, "left_bytes": 117990000, "left_tokens_estimate": 29497500,
}  # fmt: skip
HISTOGRAM = {
    "column": "gopher.word_count", "type": "int32", "unit": "words", "meaning": "words of the document", "kind": "numbers",
    "scale": "log", "edges": [0.0, 1.5, 3.0], "kept": [10, 900], "removed": [200, 4],
    "cuts": [{"rule": "word_count", "bound": "min 50", "at": 50.0, "removes": "below", "documents": 190}],
    "values": [], "rules": ["word_count"], "unmeasured": 0, "documents": 1114, "every": 1,
}  # fmt: skip
COUNT = {"documents": 900, "bytes": 4200345, "tokens": 1050086}
RULE_COUNTS = {
    "rule": "word_count", "sentence": "gopher.word_count is at least 100", "why": "", "first": COUNT, "failed": COUNT, "alone": COUNT,
}  # fmt: skip
PROPOSED = {"kept": COUNT, "removed": COUNT, "after_dedup": COUNT, "rules": [RULE_COUNTS]}
PREVIEW = {
    "job": "job_019a5e7f3c41d2c9a1b4", "documents": 1800, "bytes": 8400690, "tokens": 2100172, "quarantined": 0,
    "proposed": PROPOSED, "present": PROPOSED, "newly_kept": COUNT, "newly_removed": COUNT,
    "tokens_from": {"estimated": True, "column": None, "bytes_per_token": 4.0}, "by": {"language": [], "domain": [], "source": []},
    "seconds": 0.031,
}  # fmt: skip
COMPARED = {
    "job": "job_019a5e7f3c41d2c9a1b4", "other": "job_019a5e8011d2c9a1b43c", "same_corpus": True,
    "differences": [{"path": "rules.word_count.min", "this": 50, "other": 100}],
    "funnels": {"this": [INPUT], "other": [INPUT]},
    "documents": {"kept_by": {"both": {"documents": 900, "bytes": 4200345}}, "moved": [], "examples": {}},
}  # fmt: skip


class FunnelStep(OpenAnswer):
    """One step. documents, bytes: what it took away (of `input` and `kept`: what is there); left_*: what went on."""

    stage: str = Field(description="input, quarantine, judge, dedup or kept.")
    reason: str = Field(description="The rule, or the kind of duplicate or defect.")
    title: str = Field(description="The step for people.")
    documents: int
    bytes: int = Field(description="Bytes of text; rows in quarantine have none.")
    left_documents: int
    left_bytes: int

    model_config = example(STEP)


class FunnelEnd(OpenAnswer):
    """One of the ends a document can come to; all of them add up to the input."""

    label: str
    mark: str = Field(description="The stage that decides it.")
    documents: int
    bytes: int


class Funnel(OpenAnswer):
    """What each step took away, in the order of the steps."""

    items: list[FunnelStep]
    ends: list[FunnelEnd]

    model_config = example({
        "items": [INPUT, STEP],
        "ends": [{"label": "removed by rules", "mark": "judge", "documents": 1204, "bytes": 210345}],
        "bytes_per_token": 4.0,
    })  # fmt: skip


class HistogramCut(OpenAnswer):
    """A rule's bound on the column."""

    rule: str
    bound: str = Field(description="For people, as `min 50`.")
    at: float = Field(description="The bound's value.")
    removes: Literal["below", "above"]
    documents: int = Field(description="Documents beyond it, over all documents.")


class HistogramValue(OpenAnswer):
    """One value of a column of names or flags."""

    value: str
    kept: int
    removed: int


class Histogram(OpenAnswer):
    """How one measured column lies, and where the rules cut it. Values beyond the ends are in the first and last bin."""

    column: str = Field(description="scorer.column, or a column of provenance.")
    unit: str | None = None
    meaning: str | None = None
    kind: Literal["numbers", "categories"]
    scale: Literal["linear", "log"] = Field("linear", description="log: edges are log10(1 + value).")
    edges: list[float] = Field(default=[], description="Of numbers: one more than there are bins.")
    kept: list[int] = Field(default=[], description="Of numbers: kept documents a bin.")
    removed: list[int] = Field(default=[], description="Of numbers: removed documents a bin.")
    cuts: list[HistogramCut] = Field(default=[], description="Bounds of rules on this column.")
    values: list[HistogramValue] = Field(default=[], description="Of categories: the most frequent, first.")
    unmeasured: int = Field(0, description="Documents without a value.")
    every: int = Field(1, description="1: all documents are binned; k: every k-th.")

    model_config = example(HISTOGRAM)


class Comparison(OpenAnswer):
    """Two jobs. Of one corpus, document by document; of two, funnel beside funnel."""

    job: str
    other: str
    same_corpus: bool = Field(description="Whether both stand on the same text.")
    differences: list[dict[str, Any]] = Field(description="Values of the recipes by path, where they differ.")
    funnels: dict[str, list[FunnelStep]] = Field(description="Of `this` and `other`.")
    documents: dict[str, Any] | None = Field(
        description="kept_by (both, only_this, only_other, neither), what moved, and examples; null: not of one corpus."
    )

    model_config = example(COMPARED)


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


class Preview(OpenAnswer):
    """What other rules would keep, beside what the job's own rules keep. Counts are {documents, bytes, tokens}."""

    job: str
    documents: int = Field(description="Taken in; quarantined ones are not among them.")
    bytes: int
    tokens: int
    proposed: dict[str, Any] = Field(description="kept, removed, after_dedup, and of each rule: first, failed, alone.")
    present: dict[str, Any] = Field(description="The same of the job's own rules.")
    newly_kept: dict[str, Any]
    newly_removed: dict[str, Any]
    tokens_from: dict[str, Any] = Field(description="Whether tokens are counted or estimated from bytes.")
    by: dict[str, Any] = Field(description="By language, domain and source: the largest groups.")
    seconds: float

    model_config = example(PREVIEW)
