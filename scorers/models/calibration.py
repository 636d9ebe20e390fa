"""From a model's scores to probabilities that mean what they say: Platt's curve or isotonic steps, as data in a card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from scorers.models.card import ModelError

F64 = npt.NDArray[np.float64]
CLOSEST = 1e-7
"""How near to 0 and 1 a score counts; its logit is then 16."""


def logit(scores: npt.NDArray[Any]) -> F64:
    """log(p / (1 - p)) of scores between 0 and 1, kept finite."""
    p = np.clip(np.asarray(scores, np.float64), CLOSEST, 1 - CLOSEST)
    return np.asarray(np.log(p) - np.log1p(-p), np.float64)


def apply(calibration: Mapping[str, Any], scores: npt.NDArray[Any]) -> F64:
    """Probabilities of scores of any shape. calibration: {} (as they are), {"kind": "platt", "a", "b"} (Platt 1999, on the
    logit: 1 / (1 + exp(-(a z + b)))) or {"kind": "isotonic", "x", "y"} (straight lines between knots, Zadrozny and
    Elkan 2002). ModelError for anything else."""
    kind = calibration.get("kind", "none" if not calibration else None)
    if kind == "none":
        return np.asarray(scores, np.float64)
    try:
        if kind == "platt":
            z = float(calibration["a"]) * logit(scores) + float(calibration["b"])
            return np.asarray(1.0 / (1.0 + np.exp(-z)), np.float64)
        if kind == "isotonic":
            x, y = (np.asarray(calibration[k], np.float64) for k in ("x", "y"))
            if len(x) != len(y) or len(x) == 0 or (np.diff(x) < 0).any() or y.min() < 0 or y.max() > 1:
                raise ModelError("an isotonic calibration needs as many x as y, x rising, y from 0 to 1")
            return np.asarray(np.interp(np.asarray(scores, np.float64), x, y), np.float64)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"calibration {dict(calibration)!r}: {error!r}") from None
    raise ModelError(f"calibration of kind {kind!r}; there are none, platt and isotonic")
