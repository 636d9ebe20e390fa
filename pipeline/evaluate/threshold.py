"""Where a score is cut, and which side a recipe keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from pipeline.errors import UsageError, did_you_mean
from pipeline.recipe import Recipe
from pipeline.rules import BOUNDS, number

Side = Literal["positive", "negative"]


@dataclass(frozen=True, slots=True)
class Cut:
    """A threshold on a column. value: as the column has it; high_has_it: whether the value itself lies on the high side
    (min and below: yes; max and above: no); origin: where it is from, for people; keeps: the side that a rule keeps."""

    value: float
    high_has_it: bool
    origin: str
    keeps_high: bool | None = None

    def flagged(self, values: npt.NDArray[np.float64], low: bool) -> npt.NDArray[np.bool_]:
        """Rows on the positive side: the high one, or with `low` the low one."""
        high = values >= self.value if self.high_has_it else values > self.value
        return ~high if low else high

    def keeps(self, low: bool) -> Side | None:
        """Which side stays in the corpus; None where no rule says it."""
        if self.keeps_high is None:
            return None
        return "positive" if self.keeps_high != low else "negative"


def given(value: float, low: bool) -> Cut:
    """A threshold from the command line: the value itself counts as positive."""
    return Cut(value, not low, f"--threshold {number(value)}")


def from_recipe(recipe: Recipe, column: str) -> Cut:
    """The bound of the recipe's one rule on the column."""
    bounds = [
        (name, kind, value)
        for name, rule in recipe.rules.items()
        for kind in BOUNDS
        if rule.column == column and (value := getattr(rule, kind)) is not None
    ]
    if not bounds:
        known = sorted({r.column for r in recipe.rules.values() if r.column})
        raise UsageError(
            f"recipe {recipe.name!r} has no rule with a bound on {column!r}; its rules look at {', '.join(known) or 'no column'}."
            f"{did_you_mean(column, known)} Give --threshold instead"
        )
    if len(bounds) > 1:
        told = ", ".join(f"{name}: {kind} {number(value)}" for name, kind, value in bounds)
        raise UsageError(
            f"recipe {recipe.name!r} bounds {column!r} more than once ({told}); choose one with --threshold"
        )
    name, kind, value = bounds[0]
    origin = f"rule {name} of recipe {recipe.name}: {kind} {number(value)}"
    return Cut(float(value), kind in ("min", "below"), origin, kind in ("min", "above"))
