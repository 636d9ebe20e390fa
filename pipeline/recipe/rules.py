"""What a recipe decides by measured columns: rules, and buckets for them to name."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from pipeline.recipe.tree import Bound, Scalar, Strict


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
