"""A classifier by name, with what its card says: how text goes in, what its labels mean, how sure its scores are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scorers import models
from scorers.base import ScorerError
from scorers.kernels.characters import character_classes
from scorers.kernels.classifier_text import GROWTH, apart_table, normalise_texts, split_segments
from scorers.kernels.folding import case_table
from scorers.models import calibration
from scorers.models.card import Card, ModelError
from scorers.models.fasttext_classifier import Classifier, load_classifier
from scorers.models.fasttext_model import window_ends
from scorers.text import PADDING_BYTES, TextBatch

NORMALISE = ("none", "lower", "words")
"""Card.settings["normalise"]: the text as it is; str.casefold; that, and punctuation and symbols set apart by spaces."""
SHORTEST_SENTENCE_BYTES = 16
"""A shorter piece joins what follows it: 'Dr.' alone says nothing."""

SURE = 1e-7
"""The models' probabilities are 32-bit floats: nothing lies between this and certainty."""

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Told:
    """T texts. scores: f64[T, L] as the model gives them; known: bool[T], false for a text without a word the model
    can say anything about."""

    scores: F64
    known: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Named:
    """A model and its card."""

    model: Classifier
    card: Card

    def tell(self, batch: TextBatch, starts: I64, ends: I64) -> Told:
        """What the model says of every stretch starts[t]..ends[t] of batch.data, normalised as it was trained."""
        how = self.card.settings.get("normalise", "none")
        if how != "none":
            batch = normalised(batch, starts, ends, how)
            starts, ends = batch.offsets[:-1], batch.offsets[1:]
        return self._told(batch, starts, ends)

    def tell_documents(self, batch: TextBatch, window_bytes: int) -> Told:
        """What the model says of every document, or of its first window_bytes where that is not 0."""
        return self.tell(batch, batch.offsets[:-1], window_ends(batch, window_bytes))

    def tell_parts(self, batch: TextBatch) -> tuple[Told, Told]:
        """What the model says of every document, and of every segment: in one pass, which sums each word's rows once."""
        text, starts, ends, offsets = self._segments(batch)
        both = np.concatenate([offsets[:-1], starts]), np.concatenate([offsets[1:], ends])
        found, n = self._told(text, *both), len(batch)
        return Told(found.scores[:n], found.known[:n]), Told(found.scores[n:], found.known[n:])

    def tell_segments(self, batch: TextBatch, which: I64) -> Told:
        """What the model says of the segments of these numbers."""
        text, starts, ends, _ = self._segments(batch)
        return self._told(text, starts[which], ends[which])

    def _segments(self, batch: TextBatch) -> tuple[TextBatch, I64, I64, I64]:
        """The text, normalised; where its segments start and end; where its documents do."""
        how, pieces = self.card.settings.get("normalise", "none"), segments(batch)
        if how == "none":
            return batch, pieces.starts, pieces.ends, batch.offsets
        # characters are normalised one by one, so that a document is its normalised segments, one after the other
        text = batch.derive(("classifier_segments", how), lambda b: normalised(b, pieces.starts, pieces.ends, how))
        return text, text.offsets[:-1], text.offsets[1:], text.offsets[pieces.bounds]

    def _told(self, batch: TextBatch, starts: I64, ends: I64) -> Told:
        found = self.model.predict_spans(batch, starts, ends)
        return Told(found.probabilities.astype(np.float64), (found.words > 0) & (found.features > 0))

    def positive(self, told: Told) -> F64:
        """f64[T]: the calibrated probability of the card's positive label, or of any of several."""
        return calibration.apply(self.card.calibration.get("+".join(positive_labels(self.card)), {}), self._raw(told))

    def log_odds(self, told: Told) -> F64:
        """f64[T]: log-odds of the positive label as the model itself gives them. A calibration may map whole ranges to
        one probability; these rank all texts."""
        raw = np.clip(self._raw(told), SURE, 1 - SURE)
        odds: F64 = np.log(raw / (1 - raw))
        return odds

    def _raw(self, told: Told) -> F64:
        chosen = told.scores[:, [self.model.labels.index(n) for n in positive_labels(self.card)]]
        alone = self.model.file.loss in ("ova", "ns")
        raw: F64 = chosen.max(axis=1) if alone else np.minimum(chosen.sum(axis=1), 1.0)
        return raw

    def label(self, told: Told, name: str) -> F64:
        """f64[T]: the calibrated probability of one label."""
        raw = told.scores[:, self.model.labels.index(name)]
        return calibration.apply(self.card.calibration.get(name, {}), raw)


def positive_labels(card: Card) -> tuple[str, ...]:
    """Card.settings["positive"]: the label, or labels, whose probability a scorer gives."""
    given = card.settings.get("positive")
    names = (given,) if isinstance(given, str) else tuple(given or ())
    if not names or not set(names) <= set(card.labels):
        raise ModelError(
            f"model {card.name!r}: its card names {given!r} as positive; its labels are {', '.join(card.labels)}. "
            "Set it with: winnow models add FILE --name NAME --kind fasttext --positive LABEL"
        )
    return names


def card_of(name: str) -> Card:
    """The card of a classifier, its file read or not. ModelError for an unknown name or another kind of model."""
    card = models.known(name).card
    if card.kind != "fasttext":
        raise ModelError(f"model {name!r} is of kind {card.kind!r}; expected a classifier, 'fasttext'")
    how = card.settings.get("normalise", "none")
    if how not in NORMALISE:
        raise ModelError(f"model {name!r}: its card's normalise is {how!r}; there are {', '.join(NORMALISE)}")
    return card


def named(name: str) -> Named:
    """A classifier made ready. Its file is read once per process and digest; its card, which may change, every time."""
    card_of(name)
    found = models.find(name)
    model = load_classifier(found.path, found.sha256)
    if sorted(model.labels) != sorted(found.card.labels):
        raise ModelError(f"model {name!r}: its labels are {model.labels}, its card's {found.card.labels}")
    return Named(model, found.card)


def check_window(window_bytes: int) -> None:
    """ScorerError for a window below 0."""
    if window_bytes < 0:
        raise ScorerError(f"window_bytes is {window_bytes}; expected 0 (the whole text) or more")


def normalised(batch: TextBatch, starts: I64, ends: I64, how: str) -> TextBatch:
    """The stretches as texts of their own; how: one of NORMALISE but 'none'."""
    table = apart_table() if how == "words" else case_table()
    out = np.empty(GROWTH * int((ends - starts).sum()) + PADDING_BYTES, np.uint8)
    offsets = np.empty(len(starts) + 1, np.int64)
    normalise_texts(batch.data, starts, ends, table, out, offsets)
    return TextBatch(out, offsets)


@dataclass(frozen=True, slots=True)
class Segments:
    """S lines or sentences of D documents. bounds: i64[D+1]; starts, ends: i64[S] in batch.data. They cover every text."""

    bounds: I64
    starts: I64
    ends: I64


def segments(batch: TextBatch) -> Segments:
    """Lines, cut further where a sentence ends; computed by the first scorer that asks."""
    return batch.derive("classifier_segments", _segments)


def _segments(batch: TextBatch) -> Segments:
    bounds, starts = np.empty(len(batch) + 1, np.int64), np.empty(len(batch) + batch.text_bytes // 16, np.int64)
    for _ in range(2):
        n = split_segments(batch.data, batch.offsets, character_classes(), SHORTEST_SENTENCE_BYTES, bounds, starts)
        if n <= len(starts):
            break
        starts = np.empty(n, np.int64)
    starts = starts[:n]
    ends = np.empty(n, np.int64)
    ends[:-1] = starts[1:]
    filled = bounds[:-1] < bounds[1:]
    ends[bounds[1:][filled] - 1] = batch.offsets[1:][filled]
    return Segments(bounds, starts, ends)
