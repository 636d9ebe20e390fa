"""Fitting calibrations on scores of rows that a model never saw: Platt's curve or isotonic steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from scorers.models import calibration
from scorers.models.calibration import logit

F64 = npt.NDArray[np.float64]
NEWTON_STEPS = 100
LEAST_FOR_ISOTONIC = 1000
KNOTS = 64


def best_calibration(scores: npt.NDArray[Any], right: npt.NDArray[Any], fold: npt.NDArray[Any]) -> dict[str, Any]:
    """Platt's curve, or isotonic steps where there are a thousand rows and they do better on folds they were not fitted
    on. scores: [N] of rows the model never saw; right: [N], how true (0 to 1); fold: [N], whole sources to a fold."""
    scores, right = np.asarray(scores, np.float64), np.asarray(right, np.float64)
    if len(scores) < LEAST_FOR_ISOTONIC or len(np.unique(fold)) < 2:
        return fit_platt(scores, right)
    lost = {"platt": 0.0, "isotonic": 0.0}
    for held in np.unique(fold):
        train, test = fold != held, fold == held
        for kind, fit in (("platt", fit_platt), ("isotonic", fit_isotonic)):
            p = calibration.apply(fit(scores[train], right[train]), scores[test])
            lost[kind] += log_loss(p, right[test]) * int(test.sum())
    return fit_isotonic(scores, right) if lost["isotonic"] < lost["platt"] else fit_platt(scores, right)


def held_out(scores: npt.NDArray[Any], right: npt.NDArray[Any], fold: npt.NDArray[Any]) -> F64:
    """f64[N]: every row's probability under a calibration that was fitted on the other folds alone."""
    scores, right = np.asarray(scores, np.float64), np.asarray(right, np.float64)
    found = np.empty(len(scores))
    for held in np.unique(fold):
        train, test = fold != held, fold == held
        fitted = best_calibration(scores[train], right[train], fold[train]) if train.any() else {}
        found[test] = calibration.apply(fitted, scores[test])
    return found


def fit_platt(scores: npt.NDArray[Any], right: npt.NDArray[Any]) -> dict[str, Any]:
    """a and b that make 1 / (1 + exp(-(a logit(s) + b))) likeliest, with Platt's (1999) targets: by Newton's method, as
    Lin, Lin and Weng (2007) describe it. Never falling (a is at least 0)."""
    z, y = logit(scores), np.asarray(right, np.float64)
    positive, negative = float(y.sum()), float((1 - y).sum())
    # a target short of 0 and 1 keeps few or separable rows from a curve without an end
    target = y * (positive + 1) / (positive + 2) + (1 - y) / (negative + 2)
    a, b = 1.0, 0.0
    for _ in range(NEWTON_STEPS):
        p = 1 / (1 + np.exp(-(a * z + b)))
        slope = p * (1 - p)
        gradient = np.array([((p - target) * z).sum(), (p - target).sum()])
        curve = np.array([[(slope * z * z).sum() + 1e-6, (slope * z).sum()], [(slope * z).sum(), slope.sum() + 1e-6]])
        step = np.linalg.solve(curve, gradient)
        largest = float(np.abs(step).max())
        step *= min(1.0, 2.0 / max(largest, 1e-12))
        a, b = a - float(step[0]), b - float(step[1])
        if largest < 1e-9:
            break
    if a < 0:
        share = min(max(float(target.mean()), 1e-6), 1 - 1e-6) if len(target) else 0.5
        a, b = 0.0, float(np.log(share) - np.log1p(-share))
    return {"kind": "platt", "a": round(a, 9), "b": round(b, 9)}


def fit_isotonic(scores: npt.NDArray[Any], right: npt.NDArray[Any]) -> dict[str, Any]:
    """The rising line of least squared error (pool adjacent violators), thinned to at most KNOTS knots."""
    order = np.argsort(scores, kind="stable")
    x, y = np.asarray(scores, np.float64)[order], np.asarray(right, np.float64)[order]
    sums: list[float] = []
    sizes: list[int] = []
    for value in y:
        sums.append(float(value))
        sizes.append(1)
        while len(sums) > 1 and sums[-2] * sizes[-1] >= sums[-1] * sizes[-2]:
            more, size = sums.pop(), sizes.pop()
            sums[-1] += more
            sizes[-1] += size
    ends = np.cumsum(sizes)
    middles = np.array([x[end - size : end].mean() for end, size in zip(ends, sizes, strict=True)])
    # as if each block had seen one more row of either kind: never quite 0 or 1
    levels = np.array([(s + 0.5) / (n + 1.0) for s, n in zip(sums, sizes, strict=True)])
    levels = np.maximum.accumulate(levels)
    if len(middles) > KNOTS:
        chosen = np.unique(np.linspace(0, len(middles) - 1, KNOTS).round().astype(int))
        middles, levels = middles[chosen], levels[chosen]
    return {"kind": "isotonic", "x": [round(float(v), 9) for v in middles], "y": [round(float(v), 9) for v in levels]}


def log_loss(p: npt.NDArray[Any], right: npt.NDArray[Any]) -> float:
    """Mean of -log of what was given to the truth, in nats."""
    p = np.clip(np.asarray(p, np.float64), 1e-9, 1 - 1e-9)
    right = np.asarray(right, np.float64)
    return float(-(right * np.log(p) + (1 - right) * np.log1p(-p)).mean())
