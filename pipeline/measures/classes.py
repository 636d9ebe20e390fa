"""A label of several against the label a scorer gives: accuracy, F1 by class, and what abstaining buys.

Values are scikit-learn's (accuracy_score, precision_recall_fscore_support, f1_score with average="macro" over every class
that is in the truth or was predicted). A row without a prediction is an abstention: it counts as missed by its class
and as predicted by none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Reals = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Table:
    """counts: f64[C, C + 1]: rows by true class and predicted class; the last column is abstentions."""

    counts: Reals

    @property
    def rows(self) -> float:
        return float(self.counts.sum())

    @property
    def right(self) -> Reals:
        return np.diagonal(self.counts)

    @property
    def accuracy(self) -> float | None:
        """Share of all rows that are right; an abstention is not."""
        return float(self.right.sum() / self.rows) if self.rows else None

    @property
    def answered_accuracy(self) -> float | None:
        """Share of the rows with a prediction that are right."""
        answered = float(self.counts[:, :-1].sum())
        return float(self.right.sum() / answered) if answered else None

    @property
    def abstention(self) -> float | None:
        return float(self.counts[:, -1].sum() / self.rows) if self.rows else None

    def by_class(self) -> tuple[Reals, Reals, Reals]:
        """f64[C] each: precision, recall and F1; NaN where nothing was predicted, nothing is true, neither of both."""
        truth, predicted = self.counts.sum(axis=1), self.counts[:, :-1].sum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            return self.right / predicted, self.right / truth, 2 * self.right / (truth + predicted)

    @property
    def macro_f1(self) -> float | None:
        """The mean F1 of the classes that are in the truth or were predicted."""
        f1 = self.by_class()[2]
        return float(np.nanmean(f1)) if np.isfinite(f1).any() else None


def table(truth: Codes, predicted: Codes, classes: int, weights: Reals | None = None) -> Table:
    """truth: i64[N] in 0..C-1; predicted: i64[N], -1 for an abstention; weights: f64[N]."""
    columns = np.where(predicted < 0, classes, predicted)
    flat = np.bincount(truth * (classes + 1) + columns, weights, minlength=classes * (classes + 1))
    return Table(flat.astype(np.float64).reshape(classes, classes + 1))


def coverage(right: npt.NDArray[np.bool_], confidence: Reals, points: int = 20) -> list[tuple[float, float, float]]:
    """(coverage, accuracy, least confidence) when only the surest rows are answered; the rows of one confidence come
    together. right: bool[N], false for an abstention; confidence: f64[N], -inf for an abstention."""
    order = np.argsort(-confidence, kind="stable")
    ordered = confidence[order]
    ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], len(ordered) > 0) & np.isfinite(ordered))
    if not len(ends):
        return []
    wanted = np.linspace(len(right) / points, len(right), points)
    picked = np.unique(ends[np.minimum(np.searchsorted(ends + 1, wanted), len(ends) - 1)])
    hits = np.cumsum(right[order])[picked]
    return [
        (float((k + 1) / len(right)), float(h / (k + 1)), float(ordered[k])) for k, h in zip(picked, hits, strict=True)
    ]
