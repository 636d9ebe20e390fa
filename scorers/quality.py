"""The quality of a document, as a classifier learnt it from examples (DCLM, arXiv:2406.11794; FineWeb-Edu, 2406.17557)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from scorers.base import Column, Values, fraction
from scorers.models.classifier import card_of, check_window, named, positive_labels
from scorers.text import TextBatch


@dataclass(frozen=True)
class Quality:
    """model: a name of `winnow models`; window_bytes: how much of a document's start is read, 0 is all of it."""

    name: ClassVar[str] = "quality"
    version: ClassVar[int] = 1

    model: str = "quality-en"
    window_bytes: int = 0

    def __post_init__(self) -> None:
        positive_labels(card_of(self.model))
        check_window(self.window_bytes)

    def columns(self) -> tuple[Column, ...]:
        names = " or ".join(positive_labels(card_of(self.model)))
        return (
            fraction("probability", f"calibrated probability of {names}; null for a text without a word"),
            Column("score", pa.float64(), "log-odds", "the model's own, uncalibrated: for ranks and percentiles"),
        )

    def models(self) -> tuple[str, ...]:
        """The model it reads."""
        return (self.model,)

    def score(self, batch: TextBatch) -> Values:
        classifier = named(self.model)
        told = classifier.tell_documents(batch, self.window_bytes)
        return {
            "probability": pa.array(classifier.positive(told), mask=~told.known),
            "score": pa.array(classifier.log_odds(told), mask=~told.known),
        }


SCORER = Quality
