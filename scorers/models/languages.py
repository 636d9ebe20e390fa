"""The language of every document of a batch, worked out once for all scorers that ask."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from scorers import models
from scorers.models.fasttext_model import load
from scorers.text import TextBatch

Predicted = tuple[tuple[str, ...], npt.NDArray[np.int32], npt.NDArray[np.float64]]


def languages(batch: TextBatch, model: str, window_bytes: int) -> Predicted:
    """(labels, i32[D, 2] the two likeliest of them (-1: none), f64[D, 2] their probabilities); see FastTextModel.predict."""

    def predict(batch: TextBatch) -> Predicted:
        found = models.find(model)
        loaded = load(found.path, found.sha256)
        return (loaded.labels, *loaded.predict(batch, window_bytes))

    return batch.derive(("languages", model, window_bytes), predict)
