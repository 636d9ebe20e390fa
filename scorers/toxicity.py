"""Toxicity of a document, of its worst line or sentence, and where it lies."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from scorers.base import Column, ScorerError, Values, count, fraction
from scorers.models.card import Card, ModelError
from scorers.models.classifier import Segments, card_of, check_window, named, positive_labels, segments
from scorers.spans import SPANS, spans_array
from scorers.text import TextBatch

CATEGORY = re.compile(r"[a-z][a-z0-9_]*")
OWN = ("probability", "score", "max_segment_probability", "toxic_segments", "toxic_spans")


def categories(card: Card) -> dict[str, str]:
    """Column name to label: Card.settings["categories"], none where it is not there."""
    found = {
        str(label).lower().replace("-", "_").replace(" ", "_"): label for label in card.settings.get("categories", ())
    }
    wrong = [c for c, label in found.items() if not CATEGORY.fullmatch(c) or c in OWN or label not in card.labels]
    if wrong:
        raise ModelError(
            f"model {card.name!r}: categories {wrong} of its card are no labels of it, or cannot name a column"
        )
    return found


@dataclass(frozen=True)
class Toxicity:
    """model: a name of `winnow models`; window_bytes: how much of a document's start is read, 0 is all of it.

    segment_threshold: lines and sentences of at least this probability are the toxic spans, which export can cut
    (`export: {edits: [toxicity.toxic_spans]}`). Segments are looked at in the whole text, whatever the window.
    """

    name: ClassVar[str] = "toxicity"
    version: ClassVar[int] = 1

    model: str = "toxicity-en"
    window_bytes: int = 0
    segment_threshold: float = 0.8

    def __post_init__(self) -> None:
        card = card_of(self.model)
        positive_labels(card)
        categories(card)
        check_window(self.window_bytes)
        if not 0 <= self.segment_threshold <= 1:
            raise ScorerError(f"segment_threshold is {self.segment_threshold}; expected 0 to 1")

    def columns(self) -> tuple[Column, ...]:
        """Five, and one a category of the model."""
        card = card_of(self.model)
        names = " or ".join(positive_labels(card))
        return (
            fraction("probability", f"calibrated probability of {names}; null for a text without a word"),
            Column("score", pa.float64(), "log-odds", "the model's own, uncalibrated: for ranks and percentiles"),
            fraction(
                "max_segment_probability",
                "the same calibrated probability of the worst line or sentence; null without a word",
            ),
            count("toxic_segments", "segments", "lines and sentences of at least segment_threshold"),
            Column("toxic_spans", SPANS, "bytes", "where these lie in the text"),
            *(
                fraction(c, f"calibrated probability of {label}; null without a word")
                for c, label in categories(card).items()
            ),
        )

    def models(self) -> tuple[str, ...]:
        """The model it reads."""
        return (self.model,)

    def score(self, batch: TextBatch) -> Values:
        classifier = named(self.model)
        pieces = segments(batch)
        told, of_pieces = classifier.tell_parts(batch, pieces)
        if self.window_bytes:
            told = classifier.tell_documents(batch, self.window_bytes)
        each = np.where(of_pieces.known, classifier.positive(of_pieces), -1.0)
        worst = np.full(len(batch), -1.0)
        np.maximum.at(worst, np.repeat(np.arange(len(batch)), np.diff(pieces.bounds)), each)
        toxic = each >= self.segment_threshold
        before = np.concatenate([np.zeros(1, np.int64), np.cumsum(toxic)])
        found: dict[str, Any] = {
            "probability": pa.array(classifier.positive(told), mask=~told.known),
            "score": pa.array(classifier.log_odds(told), mask=~told.known),
            "max_segment_probability": pa.array(worst, mask=worst < 0),
            "toxic_segments": np.diff(before[pieces.bounds]),
            "toxic_spans": _spans(batch, pieces, toxic),
        }
        for column, label in categories(classifier.card).items():
            found[column] = pa.array(classifier.label(told, label), mask=~told.known)
        return found


def _spans(batch: TextBatch, pieces: Segments, toxic: npt.NDArray[np.bool_]) -> pa.ListArray:
    """Runs of toxic segments as one span each, from the start of their document."""
    first = np.zeros(len(toxic), np.bool_)
    first[pieces.bounds[:-1][pieces.bounds[:-1] < pieces.bounds[1:]]] = True
    last = np.concatenate([first[1:], np.ones(min(1, len(first)), np.bool_)])
    opens = toxic & (first | ~np.concatenate([np.zeros(1, np.bool_), toxic[:-1]])[: len(toxic)])
    closes = toxic & (last | ~np.concatenate([toxic[1:], np.zeros(1, np.bool_)])[: len(toxic)])
    document = np.repeat(np.arange(len(batch)), np.diff(pieces.bounds))
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(opens)])
    starts = pieces.starts[opens] - batch.offsets[document[opens]]
    ends = pieces.ends[closes] - batch.offsets[document[closes]]
    return spans_array(before[pieces.bounds], starts, ends)


SCORER = Toxicity
