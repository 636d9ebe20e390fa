"""How likely a text is under an n-gram model: CCNet's perplexity (arXiv:1911.00359), with the worst window shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from scorers import models
from scorers.base import Column, ScorerError, Values, count, fraction
from scorers.models.languages import languages
from scorers.models.ngram_model import DocumentScores, Model, load, score, settings_from
from scorers.text import TextBatch

LANGUAGE_MODEL = "lid.176"
LANGUAGE_BYTES = 8192
"""As the scorer `language` reads, so that its work is done once."""
BITS = float(np.log2(10.0))

F64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Perplexity:
    """model: a name of `winnow models`; by_language: 'de=NAME' and so on, the models of some languages (by lid.176), the
    others having `model`, or nulls where that is empty; against: a second model, for the ratio; window_words: tokens in
    the windows of which the worst is told."""

    name: ClassVar[str] = "perplexity"
    version: ClassVar[int] = 1

    model: str = "ngram-en"
    by_language: tuple[str, ...] = ()
    against: str = ""
    window_words: int = 100

    def __post_init__(self) -> None:
        if self.window_words < 1:
            raise ScorerError(f"window_words is {self.window_words}; expected 1 or more")
        for pair in self.by_language:
            if not all(pair.partition("=")):
                raise ScorerError(f"by_language has {pair!r}; expected CODE=MODEL, such as de=my-german-model")
        if not self.model and not self.by_language:
            raise ScorerError("no model; name one, or some by_language")
        for name in self._names():
            kind = models.known(name).card.kind
            if kind != "ngram":
                raise ScorerError(f"model {name!r} is of kind {kind}; perplexity needs an n-gram model")

    def columns(self) -> tuple[Column, ...]:
        return (
            Column("perplexity", pa.float64(), "perplexity", "10^(-sum of log10 / (tokens + lines)), as cc_net", low=1.0),
            Column("bits_per_byte", pa.float64(), "bits/byte", "-log2 of the text's probability over its UTF-8 bytes", low=0),
            count("tokens", "tokens", "tokens of the model's own text settings"),
            fraction("oov_frac", "tokens that the model does not know"),
            Column(
                "worst_window_perplexity", pa.float64(), "perplexity",
                f"highest perplexity of {self.window_words} tokens and line ends in a row; of all where there are fewer", low=1.0,
            ),
            count("worst_window_byte", "bytes", "where that window begins in the document"),
            *((Column(
                "log_ratio", pa.float64(), "bits/byte",
                f"bits per byte under {self.against} less those under the model: above 0, the model likes the text better",
            ),) if self.against else ()),
        )  # fmt: skip

    def models(self) -> tuple[str, ...]:
        """The models it reads; their digests are part of the scorer's identity."""
        pieces = [str(models.known(name).card.settings.get("pieces", "")) for name in self._names()]
        return (*self._names(), *(p for p in pieces if p), *((LANGUAGE_MODEL,) if self.by_language else ()))

    def score(self, batch: TextBatch) -> Values:
        found, has_model = self._scored(batch)
        none = (found.tokens == 0) | ~has_model
        events = np.maximum(found.tokens + found.lines, 1)
        bits = -found.log10 * BITS / np.maximum(found.text_bytes, 1)
        values: dict[str, pa.Array] = {
            "perplexity": pa.array(10.0 ** (-found.log10 / events), mask=none),
            "bits_per_byte": pa.array(bits, mask=none),
            "tokens": pa.array(found.tokens, mask=~has_model),
            "oov_frac": pa.array(found.unknown / np.maximum(found.tokens, 1), mask=none),
            "worst_window_perplexity": pa.array(10.0**-found.worst_mean, mask=none),
            "worst_window_byte": pa.array(found.worst_byte, mask=none),
        }
        if self.against:
            other = score(_model(self.against), batch, self.window_words)
            other_bits = -other.log10 * BITS / np.maximum(other.text_bytes, 1)
            values["log_ratio"] = pa.array(other_bits - bits, mask=none | (other.tokens == 0))
        return values

    def _names(self) -> tuple[str, ...]:
        listed = [self.model, *(p.partition("=")[2] for p in self.by_language), self.against]
        return tuple(dict.fromkeys(n for n in listed if n))

    def _scored(self, batch: TextBatch) -> tuple[DocumentScores, Bools]:
        """Every document's scores under its own model, and whether it has one."""
        if not self.by_language:
            return score(_model(self.model), batch, self.window_words), np.ones(len(batch), np.bool_)
        labels, predicted, _ = languages(batch, LANGUAGE_MODEL, LANGUAGE_BYTES)
        chosen = dict(pair.split("=", 1) for pair in self.by_language)
        of_label = np.array([chosen.get(label, self.model) for label in (*labels, "")], object)
        names = of_label[predicted[:, 0]]  # -1, no language, is the last
        columns: dict[str, Any] = {f: np.zeros(len(batch), t) for f, t in DOCUMENT_FIELDS}
        for name in sorted(set(names) - {""}):
            rows = np.flatnonzero(names == name)
            part = TextBatch.from_arrow(batch.to_arrow().take(pa.array(rows)))
            found = score(_model(name), part, self.window_words)
            for field, values in columns.items():
                values[rows] = getattr(found, field)
        return DocumentScores(**columns), names != ""


DOCUMENT_FIELDS = (
    ("log10", np.float64), ("tokens", np.int64), ("lines", np.int64), ("unknown", np.int64), ("text_bytes", np.int64),
    ("worst_mean", np.float64), ("worst_byte", np.int64),
)  # fmt: skip


def _model(name: str) -> Model:
    found = models.find(name)
    return load(found.path, found.sha256, settings_from(found.card.settings))


SCORER = Perplexity
