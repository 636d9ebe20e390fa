"""A score against a yes-or-no label: everything that follows from the order of the rows.

Ties are gathered first, so that nothing depends on the order of rows with one score. Definitions and values are those of
scikit-learn's roc_auc_score, average_precision_score and precision_recall_fscore_support; what it warns about and calls
0 (no positive, no negative) is None here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Reals = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ranking:
    """N rows from the highest score to the lowest, K distinct scores. order: i64[N], rows of the input; positive:
    f64[N], 1 or 0, in that order; ends: i64[K], the last place of each score; scores: f64[K], descending."""

    order: npt.NDArray[np.int64]
    positive: Reals
    ends: npt.NDArray[np.int64]
    scores: Reals


@dataclass(frozen=True, slots=True)
class Curve:
    """What lies at or above each of the K scores: f64[K + 1] each, rows and positives among them, with nothing first."""

    rows: Reals
    hits: Reals

    @property
    def positives(self) -> float:
        return float(self.hits[-1])

    @property
    def negatives(self) -> float:
        return float(self.rows[-1] - self.hits[-1])


@dataclass(frozen=True, slots=True)
class Confusion:
    """Rows by truth and decision; floats, because resampled rows weigh."""

    true_positive: float
    false_positive: float
    false_negative: float
    true_negative: float

    @property
    def precision(self) -> float | None:
        return _ratio(self.true_positive, self.true_positive + self.false_positive)

    @property
    def recall(self) -> float | None:
        return _ratio(self.true_positive, self.true_positive + self.false_negative)

    @property
    def f1(self) -> float | None:
        """2 TP / (2 TP + FP + FN); None without a positive, where it could only be 0."""
        if self.true_positive + self.false_negative == 0:
            return None
        wrong = self.false_positive + self.false_negative
        return _ratio(2 * self.true_positive, 2 * self.true_positive + wrong)

    @property
    def false_positive_rate(self) -> float | None:
        return _ratio(self.false_positive, self.false_positive + self.true_negative)

    @property
    def false_negative_rate(self) -> float | None:
        return _ratio(self.false_negative, self.false_negative + self.true_positive)


def rank(score: Reals, positive: npt.NDArray[np.bool_]) -> Ranking:
    """score: f64[N], the higher the more positive; positive: bool[N]."""
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], len(ordered) > 0))
    return Ranking(order, positive[order].astype(np.float64), ends, ordered[ends])


def curve(ranking: Ranking, weights: Reals | None = None) -> Curve:
    """weights: f64[N] in the order of the input, how often each row counts; None: once."""
    if weights is None:
        rows = ranking.ends + 1.0
        hits = np.cumsum(ranking.positive)[ranking.ends]
    else:
        ordered = weights[ranking.order]
        rows = np.cumsum(ordered)[ranking.ends]
        hits = np.cumsum(ordered * ranking.positive)[ranking.ends]
    return Curve(np.concatenate(([0.0], rows)), np.concatenate(([0.0], hits)))


def roc_auc(of: Curve) -> float | None:
    """The chance that a positive scores above a negative, ties half; None where there is only one of the two."""
    if of.positives == 0 or of.negatives == 0:
        return None
    misses = of.rows - of.hits
    area = np.dot(np.diff(misses), of.hits[1:] + of.hits[:-1]) / 2
    return float(area / (of.positives * of.negatives))


def area_under_curve(score: Reals, positive: npt.NDArray[np.bool_]) -> float | None:
    """roc_auc of rows that each count once. score: f64[N]; positive: bool[N]."""
    return roc_auc(curve(rank(score, positive)))


def average_precision(of: Curve) -> float | None:
    """Precision at each score, weighted by the recall it adds; None without positives."""
    if of.positives == 0:
        return None
    precision = of.hits[1:] / np.maximum(of.rows[1:], 1e-300)
    return float(np.dot(np.diff(of.hits), precision) / of.positives)


def confusion(of: Curve, place: int) -> Confusion:
    """The decisions where the first `place` distinct scores are flagged."""
    rows, hits = float(of.rows[place]), float(of.hits[place])
    return Confusion(hits, rows - hits, of.positives - hits, of.negatives - rows + hits)


def best_f1(of: Curve) -> int | None:
    """How many distinct scores to flag for the highest F1, the fewest where several reach it; None without positives."""
    if of.positives == 0:
        return None
    f1 = 2 * of.hits[1:] / (of.rows[1:] + of.positives)
    return int(np.argmax(f1)) + 1


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None
