"""The domain of a document: one of DataMan's fifteen (Peng et al., arXiv:2502.19363), or of any model's labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scorers.base import Column, ScorerError, Values, fraction
from scorers.models import calibration
from scorers.models.classifier import card_of, check_window, named
from scorers.text import TextBatch


@dataclass(frozen=True)
class Domain:
    """model: a name of `winnow models`; window_bytes: how much of a document's start is read, 0 is all of it;
    min_confidence: below it `label` is null, the model abstains (the confidence is there all the same)."""

    name: ClassVar[str] = "domain"
    version: ClassVar[int] = 1
    reads_url: ClassVar[bool] = True

    model: str = "domain-en"
    window_bytes: int = 0
    min_confidence: float = 0.0

    def __post_init__(self) -> None:
        if len(card_of(self.model).labels) < 2:
            raise ScorerError(f"model {self.model!r} has fewer than two labels; it tells no domains apart")
        check_window(self.window_bytes)
        if not 0 <= self.min_confidence <= 1:
            raise ScorerError(f"min_confidence is {self.min_confidence}; expected 0 to 1")

    def columns(self) -> tuple[Column, ...]:
        said = ", ".join(card_of(self.model).labels)
        return (
            Column("label", pa.string(), "domain", f"likeliest of {said}; null below min_confidence or without a word"),
            fraction("confidence", "calibrated probability that the likeliest is right"),
            Column("label2", pa.string(), "domain", "second likeliest; null without a word"),
            fraction("confidence2", "calibrated probability that the second is right"),
            Column("url_label", pa.string(), "domain", "likeliest by the words of the URL alone; null without any"),
            fraction("url_score", "the model's own probability of url_label, not calibrated"),
        )

    def models(self) -> tuple[str, ...]:
        """The model it reads."""
        return (self.model,)

    def score(self, batch: TextBatch) -> Values:
        """The card's calibration "first" and "second" turns the two highest scores into probabilities of being right."""
        classifier = named(self.model)
        told = classifier.tell_documents(batch, self.window_bytes)
        order = np.argsort(-told.scores, axis=1, kind="stable")[:, :2].astype(np.int32)
        top = np.take_along_axis(told.scores, order.astype(np.int64), axis=1)
        told_by = classifier.card.calibration
        sure = calibration.apply(told_by.get("first", {}), top[:, 0])
        second = calibration.apply(told_by.get("second", {}), top[:, 1])
        labels = pa.array(classifier.model.labels, pa.string())
        unknown = ~told.known
        return {
            **self._by_url(batch),
            "label": labels.take(pa.array(order[:, 0], mask=unknown | (sure < self.min_confidence))),
            "confidence": pa.array(sure, mask=unknown),
            "label2": labels.take(pa.array(order[:, 1], mask=unknown)),
            "confidence2": pa.array(second, mask=unknown),
        }

    def _by_url(self, batch: TextBatch) -> dict[str, pa.Array]:
        """The same model on the words of the URL, which often name what a page is about where its text is bare."""
        if batch.urls is None:
            return {"url_label": pa.nulls(len(batch), pa.string()), "url_score": pa.nulls(len(batch), pa.float64())}
        classifier = named(self.model)
        told = classifier.tell_documents(TextBatch.from_arrow(url_words(batch.urls)), 0)
        best = told.scores.argmax(axis=1).astype(np.int32)
        labels = pa.array(classifier.model.labels, pa.string())
        return {
            "url_label": labels.take(pa.array(best, mask=~told.known)),
            "url_score": pa.array(told.scores.max(axis=1, initial=0.0), mask=~told.known),
        }


SCHEME = r"^[a-zA-Z][a-zA-Z0-9+.-]*://(www[0-9]?\.)?"
WORDLESS = r"[^\pL]+"
COMMON = r"\b(https?|www|com|org|net|html?|php|aspx?|index|home|en|the|of|and|a|md|blob|main|master|src|docs?)\b"
"""What stands in URLs of every kind."""


def url_words(urls: pa.Array) -> pa.Array:
    """The words of URLs, large_string[D]: runs of letters in lower case without what every URL has; empty for a null."""
    text = pc.fill_null(urls.cast(pa.large_string()), "")
    text = pc.replace_substring_regex(text, SCHEME, "")
    text = pc.utf8_lower(pc.replace_substring_regex(text, WORDLESS, " "))
    return pc.utf8_trim_whitespace(pc.replace_substring_regex(text, COMMON, " "))


SCORER = Domain
