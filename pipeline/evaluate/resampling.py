"""Bootstrap intervals: rows, or whole groups of rows, drawn with replacement, the same draws on every run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Reals = npt.NDArray[np.float64]
LEAST_GROUPS = 5
"""Below this many groups drawing whole groups says nothing: rows are drawn."""


@dataclass(frozen=True, slots=True)
class How:
    """times and seed of the bootstrap."""

    times: int = 200
    seed: int = 0


USUAL = How()


@dataclass(frozen=True, slots=True)
class Draws:
    """How to resample N rows. groups: i64[N], the group of each row that is drawn as one; None: each row alone."""

    rows: int
    groups: npt.NDArray[np.int64] | None
    times: int
    seed: int

    def weights(self) -> Iterator[Reals]:
        """f64[N], `times` times: how often each row was drawn."""
        generator = np.random.default_rng(self.seed)
        units = self.rows if self.groups is None else int(self.groups.max(initial=-1)) + 1
        for _ in range(self.times if units else 0):
            drawn = np.bincount(generator.integers(0, units, units), minlength=units).astype(np.float64)
            yield drawn if self.groups is None else drawn[self.groups]


def draws(groups: Sequence[str] | None, rows: int, how: How, name: str = "") -> Draws:
    """By group where there are at least LEAST_GROUPS of them. name: what the rows are, so that each part of a report has
    draws of its own."""
    own_seed = int.from_bytes(hashlib.sha256(f"{how.seed}:{name}".encode()).digest()[:8], "little")
    if groups is None:
        return Draws(rows, None, how.times, own_seed)
    codes = (
        np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)[1] if rows else np.zeros(0, int)
    )
    enough = rows > 0 and int(codes.max()) + 1 >= LEAST_GROUPS
    return Draws(rows, codes.astype(np.int64) if enough else None, how.times, own_seed)


def intervals(
    plan: Draws, measure: Callable[[Reals], dict[str, float | None]], level: float = 0.95
) -> dict[str, tuple[float, float] | None]:
    """The percentile interval of every value that `measure` gives for some weights; None where fewer than half of the
    draws have the value (a class that is too rare to be drawn)."""
    found: dict[str, list[float]] = {}
    for weights in plan.weights():
        for name, value in measure(weights).items():
            found.setdefault(name, [])
            if value is not None:
                found[name].append(value)
    tails = ((1 - level) / 2, (1 + level) / 2)
    return {name: _between(values, tails) if 2 * len(values) >= plan.times else None for name, values in found.items()}


def _between(values: list[float], tails: tuple[float, float]) -> tuple[float, float]:
    low, high = np.quantile(np.array(values), tails)
    return float(low), float(high)
