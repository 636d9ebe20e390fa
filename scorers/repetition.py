"""Gopher's repetition measures. Rae et al., arXiv:2112.11446, Table A1.

Three systems, the same thresholds, different numerators and denominators: of ten one-word lines of which one stands
four times, datatrove says 0.30 are duplicates, DCLM and Dolma 0.40. Read from datatrove 0.10.1
(filters/gopher_repetition_filter.py), DCLM (mappers/filters/content_filters.py) and Dolma (taggers/gopher.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from scorers.base import Column, Values, fraction, share
from scorers.kernels.ngrams import DATATROVE, DCLM, DOLMA, ngrams_by_text, ngrams_by_words
from scorers.kernels.repetition import bare_hashes, duplicate_counts, paragraphs, selected
from scorers.line_bounds import HashedLines, newline_lines
from scorers.text import TextBatch
from scorers.words import words

Definition = Literal["datatrove", "dclm", "dolma"]
Counts = npt.NDArray[np.int64]

TOP = (2, 3, 4)
REPEATED = (5, 6, 7, 8, 9, 10)

_UNBOUNDED = (
    fraction("dup_line_char_frac", "chars in repeated lines over chars of words, so it can exceed 1", high=None),
)
_CHARS = {"datatrove": "chars of the text", "dclm": "letters of the words", "dolma": "chars of the words"}


def columns_of(definition: Definition) -> tuple[Column, ...]:
    """The measures a definition has; Dolma has none of paragraphs."""
    later = "second and later occurrences" if definition == "datatrove" else "all occurrences of repeated ones"
    whole = "chars of the text" if definition == "datatrove" else "their chars"
    lines: tuple[Column, ...] = (fraction("dup_line_frac", f"{later} over lines"),)
    if definition == "dolma":
        lines += _UNBOUNDED
    else:
        lines += (
            fraction("dup_para_frac", f"{later} over paragraphs"),
            fraction("dup_line_char_frac", f"chars of lines, {later}, over {whole}"),
            fraction("dup_para_char_frac", f"chars of paragraphs, {later}, over {whole}"),
        )
    of = _CHARS[definition]
    # datatrove counts the spaces between an n-gram's words, and n-grams that overlap themselves, in full
    top = (fraction(f"top_{n}gram_char_frac", f"chars of the most frequent {n}-gram over {of}", high=None) for n in TOP)
    of = "chars of all n-grams" if definition == "dolma" else of
    repeated = (fraction(f"dup_{n}gram_char_frac", f"chars in repeated {n}-grams over {of}") for n in REPEATED)
    return (*lines, *top, *repeated)


@dataclass(frozen=True)
class Repetition:
    """Gopher repetition measures of a document under one system's definition; 0 where the denominator is 0.

    datatrove: only second and later occurrences count, over all characters of the text. dclm: every occurrence of what
    is repeated, over the segments' own characters; n-grams over Unicode words without punctuation, each word once.
    dolma: every occurrence, over the characters of whitespace words.
    """

    name: ClassVar[str] = "repetition"
    version: ClassVar[int] = 1

    definition: Definition = "datatrove"

    def columns(self) -> tuple[Column, ...]:
        """The definition's columns; thresholds are for rules."""
        return columns_of(self.definition)

    def score(self, batch: TextBatch) -> Values:
        """Measure every document."""
        lines = newline_lines(batch)
        if self.definition == "datatrove":
            return _datatrove(batch, lines)
        return _dclm(batch, lines) if self.definition == "dclm" else _dolma(batch, lines)


def _datatrove(batch: TextBatch, lines: HashedLines) -> Values:
    found = words(batch, "datatrove")
    text_chars = lines.document_chars()
    of_lines = duplicate_counts(*split_lines(lines))
    of_paragraphs = duplicate_counts(*split_paragraphs(batch, lines, strip_each=False))
    ngrams, _ = _ngrams(batch, found.bounds, found.hash, found.chars, TOP[-1], DATATROVE)
    ngrams_by_text(batch.data, found.bounds, found.start, found.end, found.chars, ngrams)
    return {
        "dup_line_frac": share(of_lines[:, 2], of_lines[:, 0]),
        "dup_para_frac": share(of_paragraphs[:, 2], of_paragraphs[:, 0]),
        "dup_line_char_frac": share(of_lines[:, 3], text_chars),
        "dup_para_char_frac": share(of_paragraphs[:, 3], text_chars),
        **_fractions(ngrams, text_chars, text_chars),
    }


def _dclm(batch: TextBatch, lines: HashedLines) -> Values:
    found = words(batch, "unicode")
    keys, chars = lines.hash.copy(), lines.chars.copy()
    bare_hashes(batch.data, lines.start, lines.end, lines.bare_start, lines.bare_end, keys, chars)
    of_lines = duplicate_counts(*selected(lines.bounds, keys, chars, lines.bare_start < lines.bare_end))
    of_paragraphs = duplicate_counts(*split_paragraphs(batch, lines, strip_each=True))
    ngrams, _ = _ngrams(batch, found.bounds, found.hash, found.chars, REPEATED[-1], DCLM)
    word_chars = sums(found.bounds, found.chars)
    return {
        "dup_line_frac": share(of_lines[:, 4], of_lines[:, 0]),
        "dup_para_frac": share(of_paragraphs[:, 4], of_paragraphs[:, 0]),
        "dup_line_char_frac": share(of_lines[:, 5], of_lines[:, 1]),
        "dup_para_char_frac": share(of_paragraphs[:, 5], of_paragraphs[:, 1]),
        **_fractions(ngrams, word_chars, word_chars),
    }


def _dolma(batch: TextBatch, lines: HashedLines) -> Values:
    found = words(batch, "whitespace")
    of_lines = duplicate_counts(lines.bounds, lines.hash, lines.chars)
    ngrams, all_chars = _ngrams(batch, found.bounds, found.hash, found.chars, REPEATED[-1], DOLMA)
    word_chars = sums(found.bounds, found.chars)
    return {
        "dup_line_frac": share(of_lines[:, 4], of_lines[:, 0]),
        "dup_line_char_frac": share(of_lines[:, 5], np.maximum(word_chars, 1)),
        **_fractions(ngrams, word_chars, all_chars),
    }


def _ngrams(
    batch: TextBatch,
    bounds: Counts,
    hashes: npt.NDArray[np.uint64],
    chars: npt.NDArray[np.int32],
    longest: int,
    code: int,
) -> tuple[Counts, Counts]:
    numerators, all_chars = np.zeros((len(batch), 9), np.int64), np.zeros((len(batch), 9), np.int64)
    ngrams_by_words(bounds, hashes, chars, longest, code, numerators, all_chars)
    return numerators, all_chars


def _fractions(ngrams: Counts, top_of: Counts, repeated_of: Counts) -> dict[str, npt.NDArray[np.float64]]:
    """Shares from numerators i64[D, 9] and denominators i64[D] or i64[D, 9]."""
    per_n = repeated_of if repeated_of.ndim == 2 else np.repeat(repeated_of[:, None], 9, axis=1)
    top = {f"top_{n}gram_char_frac": share(ngrams[:, n - 2], top_of) for n in TOP}
    return top | {f"dup_{n}gram_char_frac": share(ngrams[:, n - 2], per_n[:, n - 2]) for n in REPEATED}


def split_lines(lines: HashedLines) -> tuple[Counts, npt.NDArray[np.uint64], Counts]:
    """re.split("\\n+", text) of every document: empty strings only where the text starts or ends with a newline."""
    keep = lines.start < lines.end
    keep[lines.bounds[:-1]] = True
    keep[lines.bounds[1:] - 1] = True
    return selected(lines.bounds, lines.hash, lines.chars, keep)


def split_paragraphs(
    batch: TextBatch, lines: HashedLines, strip_each: bool
) -> tuple[Counts, npt.NDArray[np.uint64], Counts]:
    """The paragraphs of every document, as kernels.repetition.paragraphs finds them."""
    bounds = np.zeros(len(batch) + 1, np.int64)
    keys, chars = np.empty(len(lines.start), np.uint64), np.empty(len(lines.start), np.int64)
    paragraphs(batch.data, batch.offsets, lines.bounds, lines.start, lines.end, strip_each, bounds, keys, chars)
    return bounds, keys[: bounds[-1]], chars[: bounds[-1]]


def sums(bounds: Counts, values: npt.NDArray[np.int32]) -> Counts:
    """i64[D], the sum of values[bounds[d]:bounds[d+1]] of each document."""
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(values, dtype=np.int64)])
    return np.diff(before[bounds])


SCORER = Repetition
