"""What toxicity-en is held against on the same rows: a word list, a published linear model, a plain fastText."""

from __future__ import annotations

import importlib
import importlib.util
import re
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.train.classifier import Shape
from tools.default_models import toxicity
from tools.default_models.student import Piece, train, yes_no
from tools.default_models.texts import toxic_words

PLAIN_SHAPE = Shape(dim=16, epochs=5, rate=0.3, word_ngrams=2, shortest=3, longest=5, buckets=1 << 19)
F64 = npt.NDArray[np.float64]


def listed_words(data: Path, texts: list[str], language: str) -> F64:
    """How many words of LDNOOBW's list stand in each text; Chinese is not written with spaces."""
    words = sorted(toxic_words(data, language), key=lambda w: (-len(w), w))
    bound = [rf"(?<!\w){re.escape(w.lower())}(?!\w)" if w.isascii() else re.escape(w.lower()) for w in words]
    pattern = re.compile("|".join(bound))
    return np.array([len(pattern.findall(t.lower())) for t in texts], np.float64)


def profanity_check(texts: list[str]) -> F64 | None:
    """alt-profanity-check's probability, None where the package is not installed. It was trained on the Davidson tweets."""
    if importlib.util.find_spec("profanity_check") is None:
        return None
    found = importlib.import_module("profanity_check").predict_prob(texts)
    return np.asarray(found, np.float64)


def plain_fasttext(given: toxicity.Given, left_out: frozenset[str]) -> bytes:
    """fastText's own recipe on the labels of the other sets: words, pairs of words, n-grams of 3 to 5 characters."""
    pieces = [
        Piece(name, given.sets[name].text, yes_no(toxicity.truth(given.sets[name])), 1.0)
        for name in toxicity.SETS
        if name not in left_out
    ]
    return train(pieces, toxicity.LABELS, PLAIN_SHAPE, 1 << 22)
