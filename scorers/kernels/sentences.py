"""Sentences as spaCy's sentencizer counts them (spacy/pipeline/sentencizer.pyx)."""

from __future__ import annotations

from typing import Any

import numpy as np

from scorers.kernels.c4 import CITING, KEPT
from scorers.kernels.characters import PUNCTUATION, SENTENCE_END, code_point
from scorers.kernels.jit import kernel, leaf

# first byte -> 1 where a character that ends sentences may start with it
_MAY_END = np.zeros(256, np.uint8)
_MAY_END[[33, 46, 63]] = 1
_MAY_END[0xC2:] = 1


@leaf
def is_sentence_end(data: Any, s: int, e: int, classes: Any) -> bool:
    """The word data[s:e] is one character, and ends sentences."""
    c = data[s]
    width = 1 if c < 0x80 else 2 if c < 0xE0 else 3 if c < 0xF0 else 4
    return bool(e - s == width and classes[code_point(data, s)] & SENTENCE_END != 0)


@leaf
def is_punctuation(data: Any, s: int, e: int, classes: Any) -> bool:
    """Every character of data[s:e] is of a Unicode category P."""
    for i in range(s, e):
        if data[i] & 0xC0 != 0x80 and classes[code_point(data, i)] & PUNCTUATION == 0:
            return False
    return True


@leaf
def sentences(data: Any, s: int, e: int, w: int, last: int, start: Any, end: Any, classes: Any) -> tuple[int, int]:
    """Sentences of data[s:e], whose words are those from w on, before `last`, that start in it; and the first word
    after.

    A sentence starts at the first word that is no punctuation after one that ends sentences. Whitespace other than one
    space is a token to spaCy too, and no punctuation.
    """
    n, ended, at = 1, False, s
    while w < last and start[w] < e:
        if ended and start[w] != at and not (start[w] == at + 1 and data[at] == 32):
            n += 1
            ended = False
        at = end[w]
        if _MAY_END[data[start[w]]] != 0 and is_sentence_end(data, start[w], at, classes):
            ended = True
        elif ended and not is_punctuation(data, start[w], at, classes):
            n += 1
            ended = False
        w += 1
    if ended and at != e and not (at + 1 == e and data[at] == 32):
        n += 1
    return n, w


@kernel
def kept_sentences(
    data: Any,
    bounds: Any,
    line_start: Any,
    line_end: Any,
    verdicts: Any,
    word_bounds: Any,
    word_start: Any,
    word_end: Any,
    classes: Any,
    out: Any,
) -> None:
    """out: i64[D], sentences of the kept lines without citation marks; the lines of document d are
    bounds[d]..bounds[d+1], its words word_bounds[d]..word_bounds[d+1]."""
    for d in range(bounds.size - 1):
        n = 0
        w, last = word_bounds[d], word_bounds[d + 1]
        for k in range(bounds[d], bounds[d + 1]):
            if verdicts[k] & KEPT == 0 or verdicts[k] & CITING:
                continue
            while w < last and word_start[w] < line_start[k]:
                w += 1
            more, w = sentences(data, line_start[k], line_end[k], w, last, word_start, word_end, classes)
            n += more
        out[d] = n
