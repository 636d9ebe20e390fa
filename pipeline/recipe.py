"""The recipe: the whole declarative description of one output dataset. One strict tree; says nothing about machines."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from pipeline.decontamination.decontaminate import with_decontamination
from scorers.models.overlap_profiles import PROFILES

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
VARIANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}")
SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kKMGT]?)B?")
SIZE_FACTORS = {"": 1, "k": 1_000, "K": 1_000, "M": 1_000_000, "G": 1_000_000_000, "T": 1_000_000_000_000}

Scalar = str | bool | int | float
Bound = Annotated[float, Field(allow_inf_nan=False)]


class Strict(BaseModel):
    """A node of the tree: unknown keys are errors, values never change after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def parse_size(value: object) -> object:
    """'256MB' as bytes; numbers pass through."""
    if isinstance(value, str):
        match = SIZE.fullmatch(value.strip())
        if match is None:
            raise ValueError(f"{value!r} is not a size; write bytes as a number, or like '256MB'")
        return int(float(match[1]) * SIZE_FACTORS[match[2]])
    return value


class Budget(Strict):
    """How much input may be unreadable before the job stops with exit code 3."""

    max_row_frac: Annotated[float, Field(ge=0, le=1)] = 0.01
    max_file_frac: Annotated[float, Field(ge=0, le=1)] = 0.01


class Input(Strict):
    """Where the documents are. `text` and `id` name columns; null finds the usual ones."""

    paths: tuple[str, ...] = ()
    format: Literal["auto", "parquet", "jsonl", "text"] = "auto"
    text: str | None = None
    id: str | None = None
    max_doc_bytes: Annotated[int, Field(gt=0)] = 100_000_000
    quarantine: Budget = Budget()

    _sizes = field_validator("max_doc_bytes", mode="before")(parse_size)


class Rule(Strict):
    """A named bound on one column, or one SQL predicate; a document that does not meet it is removed.

    min and max are inclusive, above and below exclusive. null says what an unmeasured value means.
    """

    column: str | None = None
    min: Bound | None = None
    max: Bound | None = None
    above: Bound | None = None
    below: Bound | None = None
    in_: tuple[Scalar, ...] | None = Field(default=None, alias="in")
    not_in: tuple[Scalar, ...] | None = None
    sql: str | None = None
    null: Literal["remove", "keep"] = "remove"
    why: str = ""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    @model_validator(mode="after")
    def _one_kind(self) -> Rule:
        bounds = [b for b in ("min", "max", "above", "below", "in_", "not_in") if getattr(self, b) is not None]
        if (self.sql is None) == (self.column is None):
            raise ValueError("a rule has either a column with a bound, or sql")
        if self.column is not None and not bounds:
            raise ValueError(f"the rule on {self.column!r} has no bound; give min, max, above, below, in or not_in")
        if self.sql is not None and bounds:
            raise ValueError("a rule with sql takes no bounds; write them in the predicate")
        return self


class Bucket(Strict):
    """Names for ranges of a measured column, such as CCNet's head, middle and tail of the perplexity: what a rule then
    names as `buckets.<name>`.

    percentiles: upper bound of each bucket but the last (`rest`), as a percentile of this corpus, for each value of
    `by` that has at least min_docs documents. values: the bounds themselves instead, by value of `by` ('' without `by`).
    A document whose group has no bounds has no bucket.
    """

    column: str
    by: str | None = None
    percentiles: dict[str, Annotated[float, Field(gt=0, lt=100)]] = {"head": 30.0, "middle": 60.0}
    rest: str = "tail"
    values: dict[str, tuple[Bound, ...]] | None = None
    min_docs: Annotated[int, Field(gt=0)] = 100

    @property
    def names(self) -> list[str]:
        """All buckets, lowest first."""
        return [*self.percentiles, self.rest]

    @model_validator(mode="after")
    def _rising(self) -> Bucket:
        if not self.percentiles or list(self.percentiles.values()) != sorted(set(self.percentiles.values())):
            raise ValueError(f"percentiles must rise from bucket to bucket, not {self.percentiles}")
        if self.rest in self.percentiles:
            raise ValueError(f"rest: {self.rest!r} is the name of another bucket")
        for group, bounds in (self.values or {}).items():
            if len(bounds) != len(self.percentiles) or list(bounds) != sorted(bounds):
                raise ValueError(
                    f"values of {group!r}: expected {len(self.percentiles)} rising bounds, one for each of "
                    f"{', '.join(self.percentiles)}, found {list(bounds)}"
                )
        return self


class Guard(Strict):
    """What deduplication must not do unnoticed."""

    warn_cluster_size: Annotated[int, Field(gt=1)] = 1_000
    max_source_loss: Annotated[float, Field(gt=0, le=1)] = 0.9
    min_source_docs: Annotated[int, Field(gt=0)] = 100


class Fuzzy(Strict):
    """MinHash-LSH with verification: nothing is removed that is not exactly as similar to its keeper as `jaccard`."""

    on: str = "minhash"
    jaccard: Annotated[float, Field(gt=0, le=1)] = 0.8
    bands: Annotated[int, Field(gt=0)] | None = None
    rows: Annotated[int, Field(gt=0)] | None = None
    recall: Annotated[float, Field(gt=0, lt=1)] = 0.99
    max_bucket: Annotated[int, Field(gt=1)] = 256

    @model_validator(mode="after")
    def _both(self) -> Fuzzy:
        if (self.bands is None) != (self.rows is None):
            raise ValueError("give both bands and rows, or neither (they then follow from jaccard and recall)")
        return self


class Bloom(Strict):
    """A Bloom filter over line hashes. prefilter: only lines that may be there twice are exchanged, and nothing else
    changes; lossy: the filter itself decides, as in Dolma, and wrongly takes a line with probability false_positive."""

    mode: Literal["prefilter", "lossy"] = "prefilter"
    false_positive: Annotated[float, Field(gt=0, le=0.5)] = 0.01


class Lines(Strict):
    """Lines (or paragraphs) that the corpus repeats. One that it holds more than max_count times loses all but the first
    `keep`; count says what is counted, occurrences or documents (then a document says nothing twice, either)."""

    unit: Literal["line", "paragraph"] = "line"
    normalise: Literal["none", "ccnet"] = "none"
    skip_blank: bool = True
    min_bytes: Annotated[int, Field(ge=0)] = 0
    min_words: Annotated[int, Field(ge=0)] = 0
    count: Literal["occurrences", "documents"] = "occurrences"
    max_count: Annotated[int, Field(ge=1)] = 1
    keep: Annotated[int, Field(ge=0)] = 1
    action: Literal["spans", "measure", "both"] = "spans"
    bloom: Bloom | None = None

    @model_validator(mode="after")
    def _possible(self) -> Lines:
        if self.keep > self.max_count:
            raise ValueError(
                f"keep: {self.keep} is more than max_count: {self.max_count}; a line is left alone up to max_count, so keep at most that many"
            )
        plain = (self.max_count, self.keep, self.count, self.action) == (1, 1, "occurrences", "spans")
        if self.bloom is not None and self.bloom.mode == "lossy" and not plain:
            raise ValueError(
                "bloom.mode: lossy knows only whether a line was there before: it goes with max_count: 1, keep: 1, "
                "count: occurrences and action: spans; prefilter goes with everything"
            )
        return self


class Url(Strict):
    """Documents of one address, after what says nothing is taken off it."""

    normalise: Literal["none", "default"] = "default"


class Dedup(Strict):
    """Which duplicates go, and which copy stays (`keep`: SQL order over documents, best first)."""

    exact: Literal["raw", "normalised"] | bool = True
    fuzzy: Fuzzy | None = None
    url: Url | None = None
    lines: Lines | None = None
    keep: str = "text_bytes desc"
    guard: Guard = Guard()

    @field_validator("exact")
    @classmethod
    def _named(cls, value: str | bool) -> str | bool:
        return "raw" if value is True else value


class Decontaminate(Strict):
    """Evaluation sets that documents are held against, by a profile of docs/decontamination.md: shorthand for the scorer
    `contamination`, with a rule (action remove) or with spans that the export cuts (action spans).

    max_docs, max_doc_frac: an n-gram in more documents, and in more of them, is common and does not count; the profile's
    where nothing is said, max_docs 0: no such limit.
    """

    against: Annotated[tuple[str | dict[str, Any], ...], Field(min_length=1)]
    profile: str = next(iter(PROFILES))
    action: Literal["remove", "spans"] = "remove"
    max_docs: Annotated[int, Field(ge=0)] | None = None
    max_doc_frac: Annotated[float, Field(ge=0, le=1)] | None = None

    @field_validator("profile")
    @classmethod
    def _published(cls, value: str) -> str:
        if value not in PROFILES:
            raise ValueError(f"no profile {value!r}; there are {', '.join(PROFILES)}")
        return value


FINEWEB_2 = {1: 1, 2: 2, 3: 3, 5: 5, 100: 8, 1000: 1}
"""FineWeb-2's rehydration, README.md: copies of a kept document by the size of its duplicate cluster, from that size on."""


class Mix(Strict):
    """How often a kept document goes in. rehydrate: copies by cluster size, each from that size on up to the next."""

    rehydrate: Literal["fineweb2"] | dict[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1, le=1000)]] | None = (
        None
    )

    @property
    def copies(self) -> dict[int, int]:
        """Copies by the least cluster size they hold from; sizes below the first go in once."""
        return dict(FINEWEB_2) if self.rehydrate == "fineweb2" else dict(self.rehydrate or {})


class Export(Strict):
    """How the curated corpus is written."""

    shard_bytes: Annotated[int, Field(gt=0)] = 256_000_000
    edits: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    _sizes = field_validator("shard_bytes", mode="before")(parse_size)


class Recipe(Strict):
    """One output dataset. sweep: variants of it, each a few changed values by path (`rules.long_enough.min: 100`), for
    `winnow run --sweep`."""

    version: Literal[1] = 1
    name: str
    description: str = ""
    input: Input = Input()
    score: tuple[str | dict[str, dict[str, Any] | None], ...] = ()
    buckets: dict[str, Bucket] = {}
    rules: dict[str, Rule] = {}
    decontaminate: Decontaminate | None = None
    dedup: Dedup | None = None
    mix: Mix = Mix()
    export: Export = Export()
    sweep: dict[str, dict[str, Any]] = {}

    @model_validator(mode="before")
    @classmethod
    def _decontaminated(cls, tree: Any) -> Any:
        return with_decontamination(tree)

    @field_validator("name")
    @classmethod
    def _plain_name(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", value):
            raise ValueError(
                f"{value!r}: a name is 1 to 100 letters, digits, '.', '_' or '-', starting with one of the first two"
            )
        return value

    @field_validator("sweep")
    @classmethod
    def _variants(cls, value: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        for name, changes in value.items():
            if not VARIANT.fullmatch(name):
                raise ValueError(f"variant {name!r}: letters, digits, '.', '_' and '-' only, because it names a folder")
            if not changes:
                raise ValueError(f"variant {name!r} changes nothing; write a.b: value, as in --set a.b=value")
        return value

    @field_validator("rules", "buckets")
    @classmethod
    def _sql_names(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name in value:
            if not NAME.fullmatch(name):
                raise ValueError(f"name {name!r}: letters, digits and '_' only, so that SQL can name it")
        return value

    def canonical(self) -> str:
        """The recipe as canonical JSON: equal recipes, equal text. Fields come in the model's order and rules in the
        recipe's, because the first failed rule is a document's reason."""
        return json.dumps(self.model_dump(mode="json", by_alias=True, exclude={"sweep"}), ensure_ascii=False)

    def digest(self) -> str:
        """32 hex digits over the canonical form."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()[:32]
