"""A label of several against a predicted one: the tree of numbers that the JSON and the page show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.evaluate.resampling import How, draws, intervals
from pipeline.measures import classes

Flags = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Labelled:
    """N rows over C classes. truth: i64[N]; predicted: i64[N], -1 where the scorer abstained; confidence: f64[N], NaN
    where there is none; clusters: what is resampled as one."""

    names: tuple[str, ...]
    truth: Codes
    predicted: Codes
    confidence: npt.NDArray[np.float64] | None = None
    clusters: npt.NDArray[np.object_] | None = None

    def of(self, picked: Flags) -> Labelled:
        """Some of the rows."""
        confidence = None if self.confidence is None else self.confidence[picked]
        clusters = None if self.clusters is None else self.clusters[picked]
        truth, predicted = self.truth[picked], self.predicted[picked]
        return replace(self, truth=truth, predicted=predicted, confidence=confidence, clusters=clusters)


def labelled(
    truth: Sequence[str],
    predicted: Sequence[str | None],
    confidence: npt.NDArray[np.float64] | None = None,
    clusters: npt.NDArray[np.object_] | None = None,
) -> Labelled:
    """From names; classes are those that are true or predicted somewhere, in order."""
    names = sorted({*truth, *(p for p in predicted if p is not None)})
    code = {n: i for i, n in enumerate(names)}
    true_codes = np.array([code[t] for t in truth], np.int64)
    predicted_codes = np.array([-1 if p is None else code[p] for p in predicted], np.int64)
    return Labelled(tuple(names), true_codes, predicted_codes, confidence, clusters)


def metrics(rows: Labelled, how: How, name: str = "") -> dict[str, Any]:
    """rows, abstentions and every figure with its interval."""

    def values(weights: npt.NDArray[np.float64] | None) -> dict[str, float | None]:
        found = classes.table(rows.truth, rows.predicted, len(rows.names), weights)
        names = ("accuracy", "answered_accuracy", "macro_f1", "abstention")
        return {n: getattr(found, n) for n in names}

    told = values(None)
    plan = draws(None if rows.clusters is None else list(rows.clusters), len(rows.truth), how, name)
    return {
        "rows": len(rows.truth),
        "abstained": int((rows.predicted < 0).sum()),
        **told,
        "intervals": {k: v if told[k] is not None else None for k, v in intervals(plan, values).items()},
        "resampled": "rows" if plan.groups is None else "groups",
        "said": "" if len(rows.truth) else "no rows: nothing is defined",
    }


def per_class(rows: Labelled) -> list[dict[str, Any]]:
    """Precision, recall and F1 of each class, None where not defined; the largest class first."""
    found = classes.table(rows.truth, rows.predicted, len(rows.names))
    figures = [[None if np.isnan(v) else float(v) for v in column] for column in found.by_class()]
    told = []
    for i, name in enumerate(rows.names):
        counts = found.counts[i]
        told.append({
            "class": name, "rows": int(counts.sum()), "predicted": int(found.counts[:, i].sum()), "abstained": int(counts[-1]),
            "precision": figures[0][i], "recall": figures[1][i], "f1": figures[2][i],
        })  # fmt: skip
    return sorted(told, key=lambda c: (-c["rows"], c["class"]))


def confusion(rows: Labelled) -> dict[str, Any]:
    """classes, and counts[true][predicted] with abstentions in the last column."""
    found = classes.table(rows.truth, rows.predicted, len(rows.names))
    return {"classes": list(rows.names), "counts": found.counts.astype(int).tolist()}


def coverage(rows: Labelled) -> list[dict[str, float]]:
    """Accuracy when only the surest rows are answered; empty without a confidence."""
    if rows.confidence is None:
        return []
    sure = np.where((rows.predicted < 0) | np.isnan(rows.confidence), -np.inf, rows.confidence)
    points = classes.coverage(rows.predicted == rows.truth, sure)
    return [{"coverage": c, "accuracy": a, "confidence": least} for c, a, least in points]


def by_group(rows: Labelled, groups: Sequence[tuple[str, Flags]], how: How, by: str) -> list[dict[str, Any]]:
    """The same figures for each group."""
    return [{"group": name, **metrics(rows.of(picked), how, f"{by}={name}")} for name, picked in groups]
