"""English words as datatrove 0.10.1 counts them: the tokens of spaCy 3.8's blank "en", over bytes.

Words of letters alone, or with one mark behind them, are most of a text and are cut here. Any other chunk between
whitespace goes through spaCy's rules (english_rules); as chunks repeat, the cuts of the last ones are remembered.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scorers.kernels.char_classes import SUFFIX
from scorers.kernels.english_exceptions import maybe_first
from scorers.kernels.english_plain import plain_cuts
from scorers.kernels.english_rules import cut_chunk
from scorers.kernels.jit import hash_bytes, kernel, leaf, load64, trailing_zeros
from scorers.kernels.words import first_bytes, letters_end, split_chunks

REMEMBERED = 1 << 14
"""Chunks remembered within one call, one a slot."""
MAX_REMEMBERED_BYTES = 64
FULL_STOP, APOSTROPHE = 46, 39
UPPER = 32
"""The bit that an ASCII capital lacks."""


@leaf
def longest(offsets: Any) -> int:
    """Bytes of the longest document."""
    most = 0
    for d in range(offsets.size - 1):
        most = max(most, offsets[d + 1] - offsets[d])
    return most


@leaf
def splits_mark(data: Any, s: int, p: int, v: Any, classes: Any, tables: Any) -> Any:
    """Whether the mark data[p] behind the letters data[s:p] is a word of its own; False also where it takes a look at
    the exceptions to tell. v: the first eight bytes."""
    c = data[p]
    if c == FULL_STOP:
        split = data[p - 1] & UPPER != 0 or (p - s > 1 and data[p - 2] & UPPER == 0)
        return split and not maybe_first(first_bytes(v, min(p + 1 - s, 8)), tables)
    return c < 0x80 and c != APOSTROPHE and classes[c] & SUFFIX != 0


@leaf
def cut_bits(data: Any, s: int, e: int, classes: Any, tables: Any, scratch: Any, cut: Any) -> Any:
    """Bit b: a word starts at byte b of the chunk data[s:e] of at most 64."""
    bits = plain_cuts(data, s, e, classes, tables)
    if bits != 0:
        return bits
    for j in range(cut_chunk(data, s, e, classes, tables, scratch, cut)):
        bits |= np.uint64(1) << np.uint64(scratch[2, j])
    return bits


@leaf
def cut_long(
    data: Any, s: int, e: int, n: int, classes: Any, tables: Any, scratch: Any, cut: Any, start: Any, end: Any
) -> int:
    """Write the words of the chunk data[s:e], of any length; n after them."""
    k = cut_chunk(data, s, e, classes, tables, scratch, cut)
    for j in range(k):
        start[n + j] = s + scratch[2, j]
        end[n + j] = s + scratch[2, j + 1]
    return n + k


@kernel
def split_english(data: Any, offsets: Any, classes: Any, tables: Any, bounds: Any, start: Any, end: Any) -> int:
    """B bytes, D documents, W words. data: u8[B+], offsets: i64[D+1], classes: u16[CODE_POINTS], tables as
    english_exceptions makes them; writes bounds: i64[D+1], start and end: i64[W+1], the bytes of each word -> W. spaCy 3.8, lang/en, tokenizer.pyx."""
    room = longest(offsets) + 1
    scratch = np.empty((3, room), np.int64)
    cut = np.empty(room, np.uint8)
    chunks = np.empty((2, room), np.int64)
    seen = np.zeros((REMEMBERED, 2), np.uint64)
    first, last = chunks[0], chunks[1]
    n = 0
    bounds[0] = 0
    for d in range(offsets.size - 1):
        for k in range(split_chunks(data, offsets[d], offsets[d + 1], 0, first, last)):
            s = first[k]
            e = last[k]
            v = load64(data, s)
            p = letters_end(data, s, e)
            if p + 1 >= e and p > s and not maybe_first(first_bytes(v, min(p - s, 8)), tables):
                if p == e or splits_mark(data, s, p, v, classes, tables):
                    start[n] = s
                    end[n] = p
                    # written, and kept only if there is a mark: cheaper than a branch
                    start[n + 1] = p
                    end[n + 1] = e
                    n += 1 + (p < e)
                    continue
            if e - s > MAX_REMEMBERED_BYTES:
                n = cut_long(data, s, e, n, classes, tables, scratch, cut, start, end)
                continue
            hashed = hash_bytes(data, s, e - s)
            slot = np.int64(hashed & np.uint64(REMEMBERED - 1))
            if seen[slot, 0] != hashed or seen[slot, 1] == 0:
                seen[slot, 0] = hashed
                seen[slot, 1] = cut_bits(data, s, e, classes, tables, scratch, cut)
            bits = seen[slot, 1]
            while bits != 0:
                start[n] = s + np.int64(trailing_zeros(bits))
                bits &= bits - np.uint64(1)
                end[n] = s + np.int64(trailing_zeros(bits)) if bits != 0 else e
                n += 1
        bounds[d + 1] = n
    return n
