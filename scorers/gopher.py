"""Gopher's document quality measures. Rae et al., arXiv:2112.11446, Table A1.

Four systems ship these rules with the same thresholds and different numerators and denominators, so that a definition
is part of the measure. Read from datatrove 0.10.1 (filters/gopher_quality_filter.py), DCLM (mappers/filters/
content_filters.py, dclm_baseline_refinedweb.yaml), Dolma (taggers/gopher.py) and NeMo Curator (heuristic/string.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from scorers.base import Column, Values, count, fraction, share
from scorers.kernels.characters import character_classes
from scorers.kernels.gopher import fasttext_words, line_marks, median_chars, symbol_counts, symbol_words, word_sums
from scorers.line_bounds import break_lines, newline_lines
from scorers.text import TextBatch
from scorers.words import words

Definition = Literal["datatrove", "dclm", "dolma", "nemo"]


@dataclass(frozen=True, slots=True)
class LineRules:
    """How a definition reads lines: at every_break (str.splitlines(), blank lines count) or at newlines; strip:
    stripped, and at newlines blank ones left out."""

    every_break: bool
    strip: bool
    bullets: tuple[str, ...]
    ellipses: tuple[str, ...]


NEMO_ELLIPSES = ("...", "[...]", "…", "(...)", "[…]", "-»", "read more..", "read more")

LINE_RULES: dict[Definition, LineRules] = {
    "datatrove": LineRules(True, True, ("•", "-"), ("...", "…")),
    "dclm": LineRules(False, True, ("●", "•", "*", "-"), ("...", ". . .", "…")),
    "dolma": LineRules(False, False, ("*", "-"), ("…",)),
    "nemo": LineRules(False, True, tuple("•‣⁃⁌⁍∙○●◘◦⦾⦿"), NEMO_ELLIPSES),
}

_WORDS = count("word_count", "words", "words, as the definition splits and counts them")
_MEAN = Column(
    "mean_word_chars", pa.float64(), "chars", "mean characters of the counted words; null without words", low=1.0
)
_MEDIAN = Column("median_word_chars", pa.float64(), "chars", "median characters of a word; null without words", low=1.0)
_HASHES = fraction("hash_word_ratio", "number signs over words; 0 without words", high=None)
_ELLIPSES = fraction("ellipsis_word_ratio", "'...' and '…' over words; 0 without words", high=None)
_SYMBOLS = fraction("symbol_word_ratio", "number signs and ellipses over words; 0 without words", high=None)
_SYMBOL_WORDS = fraction(
    "symbol_word_ratio", "share of words that are (NeMo) or hold (Dolma) a symbol; 0 without words"
)
_REST = (
    fraction("bullet_line_frac", "share of lines that start with a bullet; 0 without lines"),
    fraction("ellipsis_line_frac", "share of lines that end with an ellipsis; 0 without lines"),
    fraction("alpha_word_frac", "share of words with an alphabetic character; 0 without words"),
)
_DISTINCT = Column("stop_words", pa.int64(), "words", "distinct stop words of the eight", low=0, high=8)
_OCCURRENCES = count("stop_words", "words", "occurrences of the eight stop words")

COLUMNS: dict[Definition, tuple[Column, ...]] = {
    "datatrove": (_WORDS, _MEAN, _HASHES, _ELLIPSES, *_REST, _DISTINCT),
    "dclm": (_WORDS, _MEAN, _SYMBOLS, *_REST, _OCCURRENCES),
    "dolma": (_WORDS, _MEDIAN, _SYMBOL_WORDS, *_REST, _OCCURRENCES),
    "nemo": (_WORDS, _MEAN, _SYMBOL_WORDS, *_REST, _OCCURRENCES),
}


@dataclass(frozen=True)
class Gopher:
    """Gopher quality measures of a document under one system's definition.

    datatrove: spaCy-like words, of which those that are all punctuation are not counted (but do count as denominators);
    distinct stop words. dclm: whitespace words, of which word_count takes those that start alphanumeric; stop words in
    any case. dolma: whitespace words, median length, lines unstripped. nemo: whitespace words, round bullets only.
    """

    name: ClassVar[str] = "gopher"
    version: ClassVar[int] = 1

    definition: Definition = "datatrove"

    def columns(self) -> tuple[Column, ...]:
        """The definition's columns; thresholds are for rules."""
        return COLUMNS[self.definition]

    def score(self, batch: TextBatch) -> Values:
        """Measure every document."""
        found = words(batch, "datatrove" if self.definition == "datatrove" else "whitespace")
        sums = np.empty((len(batch), 7), np.int64)
        fold = self.definition == "dclm"
        word_sums(batch.data, found.bounds, found.start, found.end, found.chars, found.flags, fold, sums)
        n_words, n_chars, kept, kept_chars, alphabetic, occurrences, distinct = sums.T
        values: dict[str, pa.Array | npt.NDArray[Any]] = {
            "word_count": n_words,
            "mean_word_chars": mean(n_chars, n_words),
            "alpha_word_frac": share(alphabetic, n_words),
            "stop_words": occurrences,
        }
        values |= self._lines(batch)
        if self.definition == "datatrove":
            values |= {"word_count": kept, "mean_word_chars": mean(kept_chars, kept), "stop_words": distinct}
        if self.definition in ("datatrove", "dclm"):
            values |= self._symbol_ratios(batch, n_words)
        else:
            values |= self._symbol_words(batch, n_words)
        if self.definition == "dolma":
            values["median_word_chars"] = self._median(batch)
        if self.definition == "dclm":
            values["word_count"] = np.empty(len(batch), np.int64)
            fasttext_words(batch.data, batch.offsets, character_classes(), values["word_count"])
        return {c.name: values[c.name] for c in self.columns()}

    def _lines(self, batch: TextBatch) -> dict[str, npt.NDArray[np.float64]]:
        rules = LINE_RULES[self.definition]
        counts = np.empty((len(batch), 3), np.int64)
        bullets, ellipses = pack(rules.bullets), pack(rules.ellipses)
        found = break_lines(batch) if rules.every_break else newline_lines(batch)
        start, end = (found.bare_start, found.bare_end) if rules.strip else (found.start, found.end)
        blank_too = rules.every_break or not rules.strip
        line_marks(batch.data, found.bounds, start, end, blank_too, *bullets, *ellipses, counts)
        lines, bulleted, trailing = counts.T
        return {"bullet_line_frac": share(bulleted, lines), "ellipsis_line_frac": share(trailing, lines)}

    def _symbol_ratios(self, batch: TextBatch, n_words: npt.NDArray[np.int64]) -> dict[str, npt.NDArray[np.float64]]:
        counts = np.empty((len(batch), 4), np.int64)
        symbol_counts(batch.data, batch.offsets, counts)
        hashes, dots, ellipses, _ = counts.T
        return {
            "hash_word_ratio": share(hashes, n_words),
            "ellipsis_word_ratio": share(dots + ellipses, n_words),
            "symbol_word_ratio": share(counts.sum(axis=1), n_words),
        }

    def _symbol_words(self, batch: TextBatch, n_words: npt.NDArray[np.int64]) -> dict[str, npt.NDArray[np.float64]]:
        found = words(batch, "whitespace")
        symbols = np.empty(len(batch), np.int64)
        marks, widths = pack(NEMO_ELLIPSES)
        whole = self.definition == "nemo"
        symbol_words(batch.data, found.bounds, found.start, found.end, whole, marks, widths, symbols)
        return {"symbol_word_ratio": share(symbols, n_words)}

    def _median(self, batch: TextBatch) -> pa.Array:
        found = words(batch, "whitespace")
        medians = np.empty(len(batch), np.float64)
        median_chars(found.bounds, found.chars, medians)
        return pa.array(medians, mask=np.isnan(medians))


def pack(marks: tuple[str, ...]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Marks of up to 16 bytes for a kernel: u8[K, 16] and their widths, i64[K]."""
    encoded = [m.encode() for m in marks]
    packed = np.frombuffer(b"".join(m.ljust(16, b"\0") for m in encoded), np.uint8).reshape(-1, 16)
    return packed, np.array([len(m) for m in encoded], np.int64)


def mean(total: npt.NDArray[np.int64], n: npt.NDArray[np.int64]) -> pa.Array:
    """total / n, null where n is 0."""
    return pa.array(share(total, n), mask=n == 0)


SCORER = Gopher
