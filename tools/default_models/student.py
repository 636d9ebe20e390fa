"""The small model that ships: a pruned, quantised fastText classifier, learnt from weighted pieces with soft labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.train.classifier import Examples, Shape, fit
from pipeline.train.making import prepared
from pipeline.train.shrink import shrink
from scorers.models.fasttext_classifier import classifier_of
from scorers.models.fasttext_file import parse

NORMALISE = "words"
F32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Piece:
    """N texts that count alike. targets: f32[N, L], a row adds up to 1; weight: of each text."""

    name: str
    texts: list[str]
    targets: F32
    weight: float


def train(pieces: list[Piece], labels: tuple[str, ...], shape: Shape, kept_rows: int) -> bytes:
    """A .ftz file's content. Equal pieces, equal bytes."""
    used = [p for p in pieces if p.texts and p.weight > 0]
    texts = pa.array([t for p in used for t in p.texts], pa.large_string())
    weights = np.concatenate([np.full(len(p.texts), p.weight) for p in used])
    examples = Examples(
        prepared(texts, NORMALISE),
        labels,
        np.concatenate([p.targets for p in used]).astype(np.float32),
        (weights / weights.mean()).astype(np.float32),
    )
    return shrink(fit(examples, shape), examples, shape, kept_rows)


def tell(content: bytes, texts: list[str]) -> F32:
    """Probabilities f32[N, L] that a model's file gives."""
    model = classifier_of(parse(content, "trained"))
    return model.predict(prepared(pa.array(texts, pa.large_string()), NORMALISE)).probabilities


def one_hot(codes: list[int], n_labels: int) -> F32:
    """f32[N, L]."""
    return np.eye(n_labels, dtype=np.float32)[np.array(codes, np.int64)]


def yes_no(probability: npt.NDArray[np.floating]) -> F32:
    """f32[N, 2]: shares of yes and no."""
    return np.stack([probability, 1 - probability], axis=1).astype(np.float32)
