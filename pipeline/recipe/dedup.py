"""What a recipe says of duplicates: which go, which stay, and what must not happen unnoticed."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from pipeline.dedup.documents.presets import PRESETS
from pipeline.errors import did_you_mean
from pipeline.recipe.tree import Strict


def unset(value: object) -> bool:
    """Keys that came later are left out of a recipe's digest where they are not used."""
    return value is None


Share = Annotated[float, Field(gt=0, le=1)]
EDGE = 0.02


class Guard(Strict):
    """What deduplication must not do unnoticed: above a `max_` the job is held before anything is exported.

    Shares are of the documents that rules kept; max_edge_frac is of the near-duplicates removed: how many of these are less
    than `edge` above the threshold.
    """

    warn_cluster_size: Annotated[int, Field(gt=1)] = 1_000
    max_source_loss: Share = 0.9
    min_source_docs: Annotated[int, Field(gt=0)] = 100
    max_cluster_docs: Annotated[int | None, Field(gt=1, exclude_if=unset)] = None
    max_cluster_frac: Annotated[float | None, Field(gt=0, le=1, exclude_if=unset)] = None
    max_removed_frac: Annotated[float | None, Field(gt=0, le=1, exclude_if=unset)] = None
    max_edge_frac: Annotated[float | None, Field(gt=0, le=1, exclude_if=unset)] = None
    edge: Annotated[float, Field(gt=0, lt=1, exclude_if=lambda e: e == EDGE)] = EDGE


Weight = Annotated[float, Field(ge=0, le=1)]


class Fuzzy(Strict):
    """MinHash-LSH with verification: nothing is removed that is not exactly as similar to its keeper as `jaccard`.

    Signatures are cut as `bands` and `rows` say; or as datasketch does, by `weights` of false positives and false negatives;
    or so that `recall` of the pairs at the threshold are found, as many more as `max_false_candidates` a document allows.
    """

    on: str = "minhash"
    jaccard: Annotated[float, Field(gt=0, le=1)] = 0.8
    bands: Annotated[int, Field(gt=0)] | None = None
    rows: Annotated[int, Field(gt=0)] | None = None
    recall: Annotated[float, Field(gt=0, lt=1)] = 0.99
    max_bucket: Annotated[int, Field(gt=1)] = 256
    preset: Annotated[str | None, Field(exclude_if=unset)] = None
    weights: Annotated[tuple[Weight, Weight] | None, Field(exclude_if=unset)] = None
    max_false_candidates: Annotated[float | None, Field(gt=0, allow_inf_nan=False, exclude_if=unset)] = None

    @field_validator("preset")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        if value is not None and value not in PRESETS:
            raise ValueError(f"no preset {value!r}; there are {', '.join(PRESETS)}.{did_you_mean(value, PRESETS)}")
        return value

    @model_validator(mode="after")
    def _one_way(self) -> Fuzzy:
        if (self.bands is None) != (self.rows is None):
            raise ValueError("give both bands and rows, or neither (they then follow from jaccard and recall)")
        ways = [n for n in ("bands", "weights", "max_false_candidates") if getattr(self, n) is not None]
        if len(ways) > 1:
            raise ValueError(f"{' and '.join(ways)} each say how signatures are cut into bands: give one of them")
        if self.weights is not None and abs(sum(self.weights) - 1) > 1e-9:
            raise ValueError(
                f"weights of false positives and false negatives add up to 1, these to {sum(self.weights):g}"
            )
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


class Substrings(Strict):
    """Passages of at least min_bytes bytes, or of min_tokens tokens (Unicode words), that the corpus holds twice: all but
    the first go, or (keep: none) all. ends: where a passage that goes may begin and end."""

    min_bytes: Annotated[int, Field(ge=16, le=1_000_000)] | None = None
    min_tokens: Annotated[int, Field(ge=4, le=100_000)] | None = None
    keep: Literal["first", "none"] = "first"
    ends: Literal["character", "word"] = "character"
    action: Literal["spans", "measure", "both"] = "spans"

    @model_validator(mode="before")
    @classmethod
    def _sized(cls, values: Any) -> Any:
        plain = isinstance(values, dict) and values.get("min_bytes") is None and values.get("min_tokens") is None
        return {**values, "min_bytes": 200} if plain else values

    @model_validator(mode="after")
    def _one_unit(self) -> Substrings:
        if self.min_bytes is not None and self.min_tokens is not None:
            raise ValueError(
                "give min_bytes or min_tokens, not both: a passage is compared byte by byte or token by token"
            )
        return self

    @property
    def size(self) -> int:
        """Least elements of a passage: bytes, or tokens."""
        return self.min_bytes or self.min_tokens or 0

    @property
    def least(self) -> str:
        """The same for people."""
        return f"{self.size:,} {'tokens' if self.min_tokens else 'bytes'}"


class Url(Strict):
    """Documents of one address, after what says nothing is taken off it."""

    normalise: Literal["none", "default"] = "default"


class Dedup(Strict):
    """Which duplicates go, and which copy stays (`keep`: SQL order over documents, best first). against: corpora of the
    workspace by name, or files: what a document of theirs equals or resembles goes, whatever its place in that order."""

    exact: Literal["raw", "normalised"] | bool = True
    fuzzy: Fuzzy | None = None
    url: Url | None = None
    lines: Lines | None = None
    substrings: Annotated[Substrings | None, Field(exclude_if=unset)] = None
    against: Annotated[tuple[str, ...], Field(exclude_if=lambda value: not value)] = ()
    keep: str = "text_bytes desc"
    guard: Guard = Guard()

    @property
    def kinds(self) -> list[str]:
        """What it asks for."""
        return [n for n in ("url", "exact", "fuzzy", "lines", "substrings", "against") if getattr(self, n)]

    @field_validator("exact")
    @classmethod
    def _named(cls, value: str | bool) -> str | bool:
        return "raw" if value is True else value
