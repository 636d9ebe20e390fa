"""Toxicity of a document, of its worst line or sentence, of what kind it is, and where it lies."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from scorers.base import Column, ScorerError, Values, count, fraction
from scorers.models.card import Card, ModelError
from scorers.models.classifier import (
    Named,
    Segments,
    Told,
    card_of,
    check_window,
    named,
    positive_labels,
    segments,
)
from scorers.spans import SPANS, spans_array
from scorers.text import TextBatch

F64 = npt.NDArray[np.float64]
CATEGORY = re.compile(r"[a-z][a-z0-9_]*")
ASKED_SHARE = 0.5
"""Kinds are asked of segments at least this share as toxic as their document's worst: a quarter of the bytes of long clean
documents. What others could add is below this share of the worst's probability."""
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

    kinds: the model that says of what kind a toxic text is, P(kind | toxic); "" is none. It is not asked where the card of
    `model` has categories of its own. A kind's column is P(toxic) P(kind | toxic) of the line or sentence where that is
    largest, among those at least half as toxic as the worst: what is toxic in two ways, in two places, is so in both columns.
    segment_threshold: lines and sentences of at least this probability are the toxic spans, which export can cut
    (`export: {edits: [toxicity.toxic_spans]}`). Segments are looked at in the whole text, whatever the window.
    """

    name: ClassVar[str] = "toxicity"
    version: ClassVar[int] = 1

    model: str = "toxicity-en"
    window_bytes: int = 0
    segment_threshold: float = 0.8
    kinds: str = "toxicity-kinds-en"

    def __post_init__(self) -> None:
        card = card_of(self.model)
        positive_labels(card)
        if (kinds := self._kinds_card()) and not categories(kinds):
            raise ScorerError(
                f"kinds: the card of model {kinds.name!r} names no categories; set them with: winnow models add FILE "
                "--name NAME --kind fasttext --category LABEL"
            )
        check_window(self.window_bytes)
        if not 0 <= self.segment_threshold <= 1:
            raise ScorerError(f"segment_threshold is {self.segment_threshold}; expected 0 to 1")

    def columns(self) -> tuple[Column, ...]:
        """Five, and one a category of the model, or of the model of kinds."""
        card = card_of(self.model)
        names = " or ".join(positive_labels(card))
        worst = "of the line or sentence where it is largest; null without a word"
        return (
            fraction("probability", f"calibrated probability of {names}; null for a text without a word"),
            Column("score", pa.float64(), "log-odds", "the model's own, uncalibrated: for ranks and percentiles"),
            fraction("max_segment_probability", f"the same calibrated probability {worst}"),
            count("toxic_segments", "segments", "lines and sentences of at least segment_threshold"),
            Column("toxic_spans", SPANS, "bytes", "where these lie in the text"),
            *(
                fraction(c, f"probability of {label} {worst}")
                for c, label in categories(self._kinds_card() or card).items()
            ),
        )

    def models(self) -> tuple[str, ...]:
        """The models it reads."""
        return (self.model, *([self.kinds] if self._kinds_card() else []))

    def score(self, batch: TextBatch) -> Values:
        classifier = named(self.model)
        pieces = segments(batch)
        told, of_pieces = classifier.tell_parts(batch)
        if self.window_bytes:
            told = classifier.tell_documents(batch, self.window_bytes)
        each = np.where(of_pieces.known, classifier.positive(of_pieces), -1.0)
        toxic = each >= self.segment_threshold
        before = np.concatenate([np.zeros(1, np.int64), np.cumsum(toxic)])
        found: dict[str, Any] = {
            "probability": pa.array(classifier.positive(told), mask=~told.known),
            "score": pa.array(classifier.log_odds(told), mask=~told.known),
            "max_segment_probability": _known(_largest(pieces.bounds, each)),
            "toxic_segments": np.diff(before[pieces.bounds]),
            "toxic_spans": _spans(batch, pieces, toxic),
        }
        for column, of_kind in self._of_kinds(batch, classifier, of_pieces, each).items():
            found[column] = _known(_largest(pieces.bounds, of_kind))
        return found

    def _kinds_card(self) -> Card | None:
        """The card of the model of kinds; None where the model's own card has categories, or none are asked for."""
        return None if categories(card_of(self.model)) or not self.kinds else card_of(self.kinds)

    def _of_kinds(self, batch: TextBatch, classifier: Named, of_pieces: Told, toxic: F64) -> dict[str, F64]:
        """f64[S] a category: its probability in every segment, below 0 where it was not asked or nothing is known.
        toxic: f64[S]."""
        if not self._kinds_card():
            return {
                column: np.where(of_pieces.known, classifier.label(of_pieces, label), -1.0)
                for column, label in categories(classifier.card).items()
            }
        bounds, kinds = segments(batch).bounds, named(self.kinds)
        worst = np.repeat(_largest(bounds, toxic), np.diff(bounds))
        asked = np.flatnonzero((toxic >= 0) & (toxic >= ASKED_SHARE * worst))
        told = kinds.tell_segments(batch, asked)
        found = {column: np.full(len(toxic), -1.0) for column in categories(kinds.card)}
        for column, label in categories(kinds.card).items():
            found[column][asked] = np.where(told.known, toxic[asked] * kinds.label(told, label), -1.0)
        return found


def _largest(bounds: npt.NDArray[np.int64], of_segments: F64) -> F64:
    """f64[D]: of each document; -1 where all its segments are below 0."""
    largest = np.full(len(bounds) - 1, -1.0)
    np.maximum.at(largest, np.repeat(np.arange(len(largest)), np.diff(bounds)), of_segments)
    return largest


def _known(probability: F64) -> pa.Array:
    """Null where below 0."""
    return pa.array(probability, mask=probability < 0)


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
