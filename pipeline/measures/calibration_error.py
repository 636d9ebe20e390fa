"""Whether a probability means what it says: reliability curve and expected calibration error.

Guo et al., arXiv:1706.04599, over 15 bins; bins of equal mass (edges at quantiles, so that ties stay together) or of equal
width. The bins are those of scikit-learn's calibration_curve, strategies "quantile" and "uniform".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Reals = npt.NDArray[np.float64]
Strategy = Literal["equal_mass", "equal_width"]
BINS = 15


@dataclass(frozen=True, slots=True)
class Reliability:
    """The bins that hold rows. rows: f64[b]; predicted: f64[b], mean probability; observed: f64[b], share of positives."""

    rows: Reals
    predicted: Reals
    observed: Reals


def bin_of(probability: Reals, strategy: Strategy, bins: int = BINS) -> npt.NDArray[np.int64]:
    """probability: f64[N] in 0..1 -> i64[N], the bin of each row."""
    steps = np.linspace(0, 1, bins + 1)
    edges = np.quantile(probability, steps) if strategy == "equal_mass" and len(probability) else steps
    return np.searchsorted(edges[1:-1], probability).astype(np.int64)


def reliability(probability: Reals, positive: Reals, of_bin: npt.NDArray[np.int64]) -> Reliability:
    """probability, positive (1 or 0): f64[N]; of_bin: i64[N], as bin_of gives it."""
    sums = (np.bincount(of_bin, v, minlength=1).astype(np.float64) for v in (None, probability, positive))
    rows, predicted, observed = sums
    some = rows > 0
    return Reliability(rows[some], predicted[some] / rows[some], observed[some] / rows[some])


def expected_error(probability: Reals, positive: npt.NDArray[Any], strategy: Strategy = "equal_mass") -> float | None:
    """The calibration error of rows that each count once. probability: f64[N]; positive: [N], how true (0 to 1)."""
    gap = np.asarray(positive, np.float64) - probability
    return calibration_error(gap, bin_of(probability, strategy))


def calibration_error(gap: Reals, of_bin: npt.NDArray[np.int64], weights: Reals | None = None) -> float | None:
    """Expected calibration error: |observed - predicted| of each bin, weighted by its rows; None without rows. gap:
    f64[N], positive (1 or 0) less probability. A bin's rows cancel out, which leaves one sum a bin."""
    whole = float(len(gap) if weights is None else weights.sum())
    gaps = np.bincount(of_bin, gap if weights is None else gap * weights, minlength=1)
    return float(np.abs(gaps).sum() / whole) if whole else None
