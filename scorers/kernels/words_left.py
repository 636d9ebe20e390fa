"""How many English words are left of documents less spans of their bytes, counted without cutting the rest again.

Words are cut chunk by chunk between whitespace, so that a chunk which no span touches keeps its words. Only what is
left of the others, alone or run together, is put side by side and cut.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scorers.kernels.characters import character_start, space_bytes
from scorers.kernels.english_rules import cut_chunk
from scorers.kernels.jit import kernel, leaf
from scorers.kernels.words_english import longest


@leaf
def run_end(data: Any, s: int, e: int) -> int:
    """Where the whitespace after data[s] starts, at most e."""
    while s < e and space_bytes(data, s) == 0:
        s += 1
    return s


@leaf
def run_start(data: Any, s: int, e: int) -> int:
    """Where the chunk whose last byte is data[e - 1] starts, at least s; e where that is whitespace."""
    while s < e:
        at = character_start(data, e)
        if space_bytes(data, at) > 0:
            break
        e = at
    return e


@leaf
def words_before(start: Any, first: int, last: int, position: int) -> int:
    """How many of the words first..last start before a position."""
    low = first
    while low < last:
        middle = (low + last) >> 1
        if start[middle] < position:
            low = middle + 1
        else:
            last = middle
    return low - first


@leaf
def put(data: Any, s: int, e: int, text: Any, n: int) -> int:
    """Copy data[s:e] to text from n on; n after it."""
    for i in range(s, e):
        text[n] = data[i]
        n += 1
    return n


@leaf
def segment_edges(data: Any, s: int, e: int, doc: int, stop: int, joins: bool) -> tuple[int, int]:
    """The part of the segment data[s:e] of the document data[doc:stop] whose chunks are whole and stand alone. joins:
    something without whitespace behind it was left before."""
    head = s
    if s < e and (joins or (s > doc and space_bytes(data, character_start(data, s)) == 0)):
        head = run_end(data, s, e)
    return head, run_start(data, head, e) if e < stop else e


@kernel
def count_words_left(
    data: Any,
    offsets: Any,
    span_bounds: Any,
    span_start: Any,
    span_end: Any,
    word_bounds: Any,
    word_start: Any,
    classes: Any,
    tables: Any,
    out: Any,
) -> None:
    """D documents, S spans, W words. Spans as copy_without_spans takes them, words as split_english writes them (i64),
    classes and tables as it takes them. out: i64[D], the words that it would find without the spans."""
    room = longest(offsets) + 1
    scratch, cut = np.empty((3, room), np.int64), np.empty(room, np.uint8)
    text = np.zeros(room + 64, np.uint8)
    for d in range(offsets.size - 1):
        doc, stop = offsets[d], offsets[d + 1]
        first, last = word_bounds[d], word_bounds[d + 1]
        if span_bounds[d] == span_bounds[d + 1]:
            out[d] = last - first
            continue
        n_words, n = 0, 0
        s = doc
        for k in range(span_bounds[d], span_bounds[d + 1] + 1):
            e = doc + span_start[k] if k < span_bounds[d + 1] else stop
            head, tail = segment_edges(data, s, e, doc, stop, n > 0)
            n = put(data, s, head, text, n)
            if n > 0 and (head < e or e == stop):
                n_words += cut_chunk(text, 0, n, classes, tables, scratch, cut)
                n = 0
            if head < tail:
                n_words += words_before(word_start, first, last, tail) - words_before(word_start, first, last, head)
            n = put(data, tail, e, text, n)
            s = doc + span_end[k] if k < span_bounds[d + 1] else stop
        out[d] = n_words
