"""Documents as the tokens of an n-gram model, laid side by side: what is scored, and what is trained on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from scorers.kernels.ngram_text import ONE_LINE, SCORE_BLANK, WORDS_APART, tokenise
from scorers.kernels.normal_characters import ALONE, KIND, MARK, PLACE_SHIFT, SAME, WORD, Normalisation, character_table
from scorers.models.ngram_file import TextSettings
from scorers.text import TextBatch

I64 = npt.NDArray[np.int64]
GROWTH = 5
"""Bytes of tokens and separators that a byte of text can become (tests hold it over every character)."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """T tokens in L lines of D documents. Token t is text[ends[t-1]+1 : ends[t]] (the first from 0) and one separator: a
    blank, or a newline at its line's end. starts: i64[T] bytes into the document; line_tokens: i64[L] tokens up to each
    line's end; document_lines: i64[D+1]."""

    text: npt.NDArray[np.uint8]
    ends: I64
    starts: I64
    line_tokens: I64
    document_lines: I64

    @property
    def text_bytes(self) -> int:
        """Bytes of tokens and separators."""
        return int(self.ends[-1]) + 1 if len(self.ends) else 0


def tokens_of(batch: TextBatch, settings: TextSettings) -> Tokens:
    """Normalise and cut every document."""
    apart = settings.tokens == "words"
    table, pool = character_table(settings.normalisation)
    flags = WORDS_APART * apart | SCORE_BLANK * settings.blank_lines | ONE_LINE * settings.one_line
    size = batch.text_bytes
    text = np.empty(GROWTH * size + 16, np.uint8)
    ends, starts = np.empty(size + 1, np.int64), np.empty(size + 1, np.int64)
    line_tokens, document_lines = np.empty(size + len(batch) + 1, np.int64), np.empty(len(batch) + 1, np.int64)
    tokens, lines = tokenise(
        batch.data, batch.offsets, table, pool, _ascii(settings.normalisation, apart), flags, text, ends, starts,
        line_tokens, document_lines,
    )  # fmt: skip
    return Tokens(text, ends[:tokens], starts[:tokens], line_tokens[:lines], document_lines)


@cache
def _ascii(normalisation: Normalisation, apart: bool) -> npt.NDArray[np.uint8]:
    """u8[256]: what a byte becomes, where it is ASCII and part of a word; else 0."""
    table, pool = character_table(normalisation)
    found = np.zeros(256, np.uint8)
    for c in range(128):
        entry = int(table[c])
        if entry & KIND == WORD or (entry & KIND in (MARK, ALONE) and not apart):
            found[c] = c if entry & SAME else pool[entry >> PLACE_SHIFT]
    return found
