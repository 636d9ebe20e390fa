"""English words as datatrove 0.10.1 counts them: the tokens of spaCy 3.8's blank "en", over bytes.

Words of letters alone, or with one mark behind them, are most of a text and are cut here. Any other chunk between
whitespace goes through spaCy's rules (english_rules); as chunks repeat, the cuts of the last ones are remembered.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scorers.kernels.char_classes import SUFFIX
from scorers.kernels.english_exceptions import maybe_exception
from scorers.kernels.english_rules import Chunk, cut_chunk
from scorers.kernels.jit import hash_bytes, inline, kernel, step, trailing_zeros
from scorers.kernels.words import (
    chunk_end,
    is_ascii_space,
    letters_end,
    put_letters,
    put_word,
    space_bytes,
)

REMEMBERED = 1 << 12
"""Chunks remembered within one call, one a slot."""
MAX_REMEMBERED_BYTES = 64
FULL_STOP, APOSTROPHE = 46, 39


@step
def longest(offsets: Any) -> int:
    """Bytes of the longest document."""
    most = 0
    for d in range(offsets.size - 1):
        most = max(most, offsets[d + 1] - offsets[d])
    return most


@inline
def is_upper(c: int) -> bool:
    """ASCII capital, given an ASCII letter."""
    return c & 32 == 0


@inline
def splits_mark(data: Any, i: int, p: int, hashed: Any, classes: Any, maybe: Any) -> bool:
    """Whether the mark data[p] after the letters data[i:p] is a word of its own; False also where it is not certain."""
    c = data[p]
    if c == FULL_STOP:
        split = not is_upper(data[p - 1]) or (p - i > 1 and is_upper(data[p - 2]))
        return split and not maybe_exception(hash_bytes(data, i, p + 1 - i), maybe)
    return c < 0x80 and c != APOSTROPHE and classes[c] & SUFFIX != 0


@step
def put_cuts(data: Any, s: int, e: int, cuts: Any, n: int, classes: Any, out: Any) -> int:
    """Write the words of data[s:e] that start where `cuts` has a bit; n after them."""
    cuts &= cuts - np.uint64(1)
    at = s
    while cuts != 0:
        until = s + np.int64(trailing_zeros(cuts))
        put_word(data, at, until, n, classes, out)
        n += 1
        at = until
        cuts &= cuts - np.uint64(1)
    put_word(data, at, e, n, classes, out)
    return n + 1


@step
def put_chunk(data: Any, s: int, e: int, n: int, classes: Any, exceptions: Any, chunk: Any, memo: Any, out: Any) -> int:
    """Write the words of the chunk data[s:e], which holds no whitespace; n after them."""
    if e - s > MAX_REMEMBERED_BYTES:
        k = cut_chunk(data, s, e, classes, exceptions, chunk)
        for j in range(k):
            until = chunk.starts[j + 1] if j + 1 < k else e - s
            put_word(data, s + chunk.starts[j], s + until, n + j, classes, out)
        return n + k
    hashed = hash_bytes(data, s, e - s)
    slot = np.int64(hashed & np.uint64(REMEMBERED - 1))
    if memo[slot, 0] != hashed or memo[slot, 1] == 0:
        cuts = np.uint64(0)
        for j in range(cut_chunk(data, s, e, classes, exceptions, chunk)):
            cuts |= np.uint64(1) << np.uint64(chunk.starts[j])
        memo[slot, 0] = hashed
        memo[slot, 1] = cuts
    return put_cuts(data, s, e, memo[slot, 1], n, classes, out)


@step
def split_document(
    data: Any, i: int, stop: int, n: int, classes: Any, exceptions: Any, chunk: Any, memo: Any, out: Any
) -> int:
    """Write the words of data[i:stop]; n after them."""
    while i < stop:
        p = letters_end(data, i, stop)
        if p > i:
            hashed = hash_bytes(data, i, p - i)
            certain = not maybe_exception(hashed, exceptions.maybe)
            if certain and (p == stop or is_ascii_space(data[p])):
                put_letters(i, p, hashed, n, out)
                n += 1
                i = p + 1
                continue
            if certain and (p + 1 == stop or is_ascii_space(data[p + 1])):
                if splits_mark(data, i, p, hashed, classes, exceptions.maybe):
                    put_letters(i, p, hashed, n, out)
                    put_word(data, p, p + 1, n + 1, classes, out)
                    n += 2
                    i = p + 2
                    continue
        else:
            width = space_bytes(data, i, stop)
            if width > 0:
                i += width
                continue
        p = chunk_end(data, p, stop)
        n = put_chunk(data, i, p, n, classes, exceptions, chunk, memo, out)
        i = p
    return n


@kernel
def split_english(data: Any, offsets: Any, classes: Any, exceptions: Any, bounds: Any, out: Any) -> int:
    """B bytes, D documents, W words. data: u8[B+], offsets: i64[D+1], classes: u16[CODE_POINTS]; writes
    bounds: i64[D+1] and out -> W. spaCy 3.8, lang/en and tokenizer.pyx."""
    room = longest(offsets) + 1
    chunk = Chunk(
        np.empty(room, np.int32),
        np.empty(room, np.uint16),
        np.empty(room, np.int64),
        np.empty(room, np.uint8),
        np.empty(room, np.int64),
        np.empty(room, np.uint8),
    )
    memo = np.zeros((REMEMBERED, 2), np.uint64)
    n = 0
    bounds[0] = 0
    for d in range(offsets.size - 1):
        n = split_document(data, offsets[d], offsets[d + 1], n, classes, exceptions, chunk, memo, out)
        bounds[d + 1] = n
    return n
