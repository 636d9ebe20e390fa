"""The words of a batch: computed once for every scorer that counts them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from scorers.kernels.char_classes import classes
from scorers.kernels.english_exceptions import exceptions
from scorers.kernels.word_breaks import word_breaks
from scorers.kernels.words import describe, split_on_whitespace
from scorers.kernels.words_english import split_english
from scorers.kernels.words_left import count_words_left
from scorers.kernels.words_unicode import split_unicode
from scorers.text import TextBatch

Definition = Literal["datatrove", "whitespace", "unicode"]

ALPHABETIC = 1
"""Flag of a word with a character for which str.isalpha holds."""
NOT_PUNCTUATION = 2
"""Flag of a word with a character outside datatrove's PUNCTUATION_SET."""


@dataclass(frozen=True, slots=True)
class Words:
    """W words of D documents.

    bounds: i64[D+1], the words of document d are bounds[d]..bounds[d+1]. start, end: i64[W], byte positions in
    `batch.data`. chars: i32[W], code points. hash: u64[W] of the exact bytes (jit.hash_bytes). flags: u8[W], ALPHABETIC
    and NOT_PUNCTUATION.
    """

    bounds: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    chars: npt.NDArray[np.int32]
    hash: npt.NDArray[np.uint64]
    flags: npt.NDArray[np.uint8]


def words(batch: TextBatch, definition: Definition) -> Words:
    """The words of every document, under one of three definitions.

    datatrove: what datatrove 0.10.1 splits English into, the tokens of spaCy 3.8's blank "en". whitespace: str.split().
    unicode: UAX #29 words that start with a letter or digit, as DCLM counts them.
    """
    return batch.derive(("words", definition), lambda b: _split(b, definition))


def _split(batch: TextBatch, definition: Definition) -> Words:
    # room for a word per byte: only the pages that are written ever take memory, and no counting pass is needed
    start, end = np.empty((2, batch.text_bytes + 2), np.int64)
    bounds = np.zeros(len(batch) + 1, np.int64)
    if definition == "whitespace":
        n = split_on_whitespace(batch.data, batch.offsets, bounds, start, end)
    elif definition == "unicode":
        n = split_unicode(batch.data, batch.offsets, word_breaks(), bounds, start, end)
    else:
        n = split_english(batch.data, batch.offsets, classes(), exceptions(), bounds, start, end)
    start, end = start[:n], end[:n]
    chars, hashes, flags = np.empty(n, np.int32), np.empty(n, np.uint64), np.empty(n, np.uint8)
    describe(batch.data, start, end, classes(), chars, hashes, flags)
    return Words(bounds, start, end, chars, hashes, flags)


def words_left(
    batch: TextBatch, bounds: npt.NDArray[np.int64], start: npt.NDArray[np.int64], end: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """i64[D], how many words of `datatrove` every document has without its spans: those of document d are
    bounds[d]..bounds[d+1], i64[D+1], start and end: i64[S], bytes from its first."""
    found, left = words(batch, "datatrove"), np.empty(len(batch), np.int64)
    spans = (bounds, start, end)
    count_words_left(batch.data, batch.offsets, *spans, found.bounds, found.start, classes(), exceptions(), left)
    return left
