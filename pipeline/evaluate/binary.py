"""A score against yes-or-no labels: one tree of numbers, which the JSON and the page both show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.evaluate.resampling import How, draws, intervals
from pipeline.evaluate.threshold import Cut, Side
from pipeline.measures import ranking
from pipeline.measures.calibration_error import Strategy, bin_of, calibration_error, reliability

Reals = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
CURVE_POINTS = 200
STRATEGIES: tuple[Strategy, ...] = ("equal_mass", "equal_width")


@dataclass(frozen=True, slots=True)
class Rows:
    """N labelled rows. score: f64[N], NaN where it was not measured; positive: bool[N]; low: low scores mean positive;
    probability: the score lies between 0 and 1, so that calibration can be asked about; clusters: what is resampled as
    one (None: rows)."""

    score: Reals
    positive: Flags
    low: bool = False
    probability: bool = False
    clusters: npt.NDArray[np.object_] | None = None

    def of(self, picked: Flags) -> Rows:
        """Some of the rows."""
        clusters = None if self.clusters is None else self.clusters[picked]
        return replace(self, score=self.score[picked], positive=self.positive[picked], clusters=clusters)

    @property
    def measured(self) -> Flags:
        return ~np.isnan(self.score)

    @property
    def oriented(self) -> Reals:
        """Higher is more positive."""
        return -self.score if self.low else self.score

    @property
    def chance(self) -> Reals:
        """The score read as the probability of the positive label."""
        return 1.0 - self.score if self.low else self.score


def best_cut(rows: Rows) -> Cut | None:
    """The threshold of the highest F1 on these very rows; None without a measured positive."""
    some = rows.of(rows.measured)
    ranked = ranking.rank(some.oriented, some.positive)
    place = ranking.best_f1(ranking.curve(ranked))
    if place is None:
        return None
    value = float(ranked.scores[place - 1])
    return Cut(-value if rows.low else value, not rows.low, "the highest F1 on these rows")


def metrics(rows: Rows, cut: Cut | None, how: How, name: str = "") -> dict[str, Any]:
    """Everything about one set of rows. Rows that were not measured are counted, and are in no other figure."""
    some = rows.of(rows.measured)
    told: dict[str, Any] = {
        "rows": len(rows.score),
        "positives": int(rows.positive.sum()),
        "not_measured": len(rows.score) - len(some.score),
        "not_measured_positives": int((rows.positive & ~rows.measured).sum()),
    }
    measure = _Measure.over(some, cut)
    values = measure.values(None)
    plan = draws(None if some.clusters is None else list(some.clusters), len(some.score), how, name)
    found = intervals(plan, measure.values)
    told |= {k: values[k] for k in values}
    told["intervals"] = {k: found.get(k) if values[k] is not None else None for k in values}
    told["resampled"] = "rows" if plan.groups is None else "groups"
    told["confusion"] = measure.confusion(None)
    told["said"] = _undefined(some)
    return told


@dataclass(frozen=True, slots=True)
class _Measure:
    """What is computed once for a set of rows, so that a draw costs a few sums."""

    ranked: ranking.Ranking
    cell: npt.NDArray[np.int64] | None
    gap: Reals | None
    bins: dict[Strategy, npt.NDArray[np.int64]]

    @classmethod
    def over(cls, rows: Rows, cut: Cut | None) -> _Measure:
        flagged = None if cut is None else cut.flagged(rows.score, rows.low)
        cell = None if flagged is None else 2 * flagged.astype(np.int64) + rows.positive
        chance = rows.chance if rows.probability else None
        bins = {} if chance is None else {s: bin_of(chance, s) for s in STRATEGIES}
        gap = None if chance is None else rows.positive - chance
        return cls(ranking.rank(rows.oriented, rows.positive), cell, gap, bins)

    def values(self, weights: Reals | None) -> dict[str, float | None]:
        """Every figure that has an interval."""
        curve = ranking.curve(self.ranked, weights)
        told = {"roc_auc": ranking.roc_auc(curve), "average_precision": ranking.average_precision(curve)}
        decided = self._decided(weights)
        if decided is not None:
            told |= {
                "precision": decided.precision,
                "recall": decided.recall,
                "f1": decided.f1,
                "false_positive_rate": decided.false_positive_rate,
                "false_negative_rate": decided.false_negative_rate,
            }
        if self.gap is not None:
            for strategy, bins in self.bins.items():
                told[f"calibration_error_{strategy}"] = calibration_error(self.gap, bins, weights)
        return told

    def confusion(self, weights: Reals | None) -> dict[str, int] | None:
        decided = self._decided(weights)
        if decided is None:
            return None
        names = ("true_positive", "false_positive", "false_negative", "true_negative")
        return {n: int(getattr(decided, n)) for n in names}

    def _decided(self, weights: Reals | None) -> ranking.Confusion | None:
        if self.cell is None:
            return None
        kept_negative, kept_positive, flagged_negative, flagged_positive = np.bincount(self.cell, weights, minlength=4)
        cells = (flagged_positive, flagged_negative, kept_positive, kept_negative)
        return ranking.Confusion(*(float(c) for c in cells))


def _undefined(some: Rows) -> str:
    """Why the figures of a one-sided group are empty."""
    if not len(some.score):
        return "no measured rows: nothing is defined"
    if some.positive.all():
        return "only positives: AUC and the false-positive rate are not defined"
    if not some.positive.any():
        return "no positives: AUC, average precision and recall are not defined"
    return ""


def threshold_curve(rows: Rows, keeps: Side) -> list[dict[str, float | None]]:
    """For up to CURVE_POINTS thresholds, from the most to the least flagged: what is kept of all, of positives and of
    negatives, and the precision among the flagged. keeps: the side that stays."""
    some = rows.of(rows.measured)
    ranked = ranking.rank(some.oriented, some.positive)
    curve = ranking.curve(ranked)
    if not len(ranked.scores):
        return []
    places = np.unique(np.linspace(1, len(ranked.scores), CURVE_POINTS).round().astype(int))
    points = []
    for place in places[::-1]:
        decided = ranking.confusion(curve, int(place))
        flagged, caught, wrong = curve.rows[place] / curve.rows[-1], decided.recall, decided.false_positive_rate
        shares = [None if s is None else float(s if keeps == "positive" else 1 - s) for s in (flagged, caught, wrong)]
        value = float(ranked.scores[place - 1])
        points.append({
            "threshold": -value if rows.low else value, "kept": shares[0], "kept_positives": shares[1],
            "kept_negatives": shares[2], "precision": decided.precision, "recall": caught, "f1": decided.f1,
        })  # fmt: skip
    return points


def reliability_curves(rows: Rows) -> dict[str, list[dict[str, float]]]:
    """Of both kinds of bins: rows, mean probability, observed share of positives. Empty where the score is none."""
    if not rows.probability:
        return {}
    some = rows.of(rows.measured)
    told: dict[str, list[dict[str, float]]] = {}
    for strategy in STRATEGIES:
        found = reliability(some.chance, some.positive.astype(np.float64), bin_of(some.chance, strategy))
        columns = zip(found.rows, found.predicted, found.observed, strict=True)
        told[strategy] = [{"rows": int(n), "predicted": float(p), "observed": float(o)} for n, p, o in columns]
    return told


def by_group(
    rows: Rows, groups: Sequence[tuple[str, Flags]], cut: Cut | None, how: How, by: str
) -> list[dict[str, Any]]:
    """The same figures for each group."""
    return [{"group": name, **metrics(rows.of(picked), cut, how, f"{by}={name}")} for name, picked in groups]
