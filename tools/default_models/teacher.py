"""Logistic regression over embeddings: what labels the texts that have no label, softly."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]


def regression(points: Sequence[F32], codes: Sequence[npt.NDArray[np.int64]], weights: Sequence[F64], c: float) -> Any:
    """scikit-learn's, on several sets of points at once; c: its inverse penalty."""
    linear: Any = importlib.import_module("sklearn.linear_model")
    weight = np.concatenate(weights)
    return linear.LogisticRegression(C=c, max_iter=200, tol=1e-3).fit(
        np.concatenate(points), np.concatenate(codes), sample_weight=weight / weight.mean()
    )


def tell(model: Any, points: F32, n_labels: int) -> F32:
    """f32[N, n_labels]: its probabilities, 0 for labels it has not seen."""
    found = np.zeros((len(points), n_labels), np.float32)
    found[:, model.classes_] = model.predict_proba(points)
    return found
