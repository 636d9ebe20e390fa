"""Whether a probability means what it says: reliability curve and expected calibration error.

Guo et al., arXiv:1706.04599, over 15 bins; bins of equal mass (edges at quantiles, so that ties stay together) or of equal
width. The bins are those of scikit-learn's calibration_curve, strategies "quantile" and "uniform".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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

    @property
    def error(self) -> float | None:
        """Expected calibration error: |observed - predicted|, weighted by rows; None without rows."""
        whole = float(self.rows.sum())
        return float(np.dot(self.rows, np.abs(self.observed - self.predicted)) / whole) if whole else None


def bin_of(probability: Reals, strategy: Strategy, bins: int = BINS) -> npt.NDArray[np.int64]:
    """probability: f64[N] in 0..1 -> i64[N], the bin of each row."""
    steps = np.linspace(0, 1, bins + 1)
    edges = np.quantile(probability, steps) if strategy == "equal_mass" and len(probability) else steps
    return np.searchsorted(edges[1:-1], probability).astype(np.int64)


def reliability(
    probability: Reals, positive: Reals, of_bin: npt.NDArray[np.int64], weights: Reals | None = None
) -> Reliability:
    """probability, positive (1 or 0), weights: f64[N]; of_bin: i64[N], as bin_of gives it."""
    weighed = np.ones(len(probability)) if weights is None else weights
    sums = (np.bincount(of_bin, weighed * v, minlength=1).astype(np.float64) for v in (1.0, probability, positive))
    rows, predicted, observed = sums
    some = rows > 0
    return Reliability(rows[some], predicted[some] / rows[some], observed[some] / rows[some])
