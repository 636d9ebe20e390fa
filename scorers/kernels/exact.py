"""Text as exact matching sees it: folded and with its whitespace collapsed."""

from __future__ import annotations

from typing import Any

import numpy as np

from scorers.kernels.folding import BYTES_MASK, LENGTH_MASK, LENGTH_SHIFT, SEPARATOR, TABLE_SIZE
from scorers.kernels.jit import (
    BLOCK,
    copy_lower,
    equal_bytes,
    inline,
    kernel,
    leaf,
    load64,
    not_ascii,
    store64,
    trailing_zeros,
    whitespace,
)
from scorers.kernels.shingles import HIGH, LOW_SEVEN, decode

SPACE = np.uint8(32)
ONE = np.uint64(1)
ONES = np.uint64(0x0101010101010101)
GROWTH = 3
"""Folded text is at most this many times as long as the text (two bytes of Greek can become six)."""
STORE_BYTES = BLOCK
"""Room that a document needs behind its folded text, because stores are that wide."""


@inline
def lower(v: np.uint64) -> np.uint64:
    """v with its ASCII capitals in lower case."""
    x = v & LOW_SEVEN
    capital = (x + np.uint64(0x3F3F3F3F3F3F3F3F)) & ~(x + np.uint64(0x2525252525252525)) & ~v & HIGH
    return v | (capital >> np.uint64(2))


@leaf
def fold_character(data: Any, i: int, table: Any, out: Any, o: int, first: int) -> tuple[int, int]:
    """Write the character at data[i], folded, at out[o]; (position after it, position after what was written).

    Whitespace becomes a space, or nothing after a space and at out[first], the start of the document.
    """
    c = data[i]
    width = 1
    folding = np.uint64(c)
    if c < 0x80:
        folding = np.uint64(table[c])
    else:
        code_point, width = decode(data, i)
        if code_point >= TABLE_SIZE:
            store64(out, o, load64(data, i))
            return i + 4, o + 4
        folding = np.uint64(table[code_point])
    if folding != SEPARATOR:
        store64(out, o, folding & BYTES_MASK)
        length: Any = np.int64((folding >> LENGTH_SHIFT) & LENGTH_MASK)
        return i + width, o + length
    if o > first and out[o - 1] != 32:
        out[o] = 32
        o += 1
    return i + width, o


@leaf
def fold_document(data: Any, start: int, end: int, table: Any, out: Any, first: int) -> int:
    """Write data[start:end], folded, from out[first] on; the position after it."""
    i = start
    o = first
    while i < end:
        # 64 bytes are written whole, and count up to the first that cannot be copied: what is not ASCII, and whitespace
        # other than one space after a word. By eight bytes, with a step for each such byte, it took twice as long
        spaces = whitespace(data, i)
        other = not_ascii(data, i)
        follows = spaces << ONE | np.uint64(o == first or out[o - 1] == SPACE)
        stops = other | (spaces & (follows | ~equal_bytes(data, i, SPACE)))
        copy_lower(data, i, out, o)
        even: Any = np.int64(trailing_zeros(stops)) if stops != 0 else BLOCK
        n = min(even, end - i)
        i += n
        o += n
        if n < even or n == BLOCK:
            continue
        if data[i] < 0x80:
            behind = ~(spaces >> np.uint64(n))
            run: Any = np.int64(trailing_zeros(behind)) if behind != 0 else BLOCK
            i += run
            if o > first and out[o - 1] != SPACE:
                out[o] = SPACE
                o += 1
        while i < end and data[i] >= 0x80:
            i, o = fold_character(data, i, table, out, o, first)
    if o > first and out[o - 1] == SPACE:
        o -= 1
    return o


@kernel
def normalise(data: Any, offsets: Any, table: Any, out: Any, bounds: Any) -> None:
    """Every document as `" ".join(text.casefold().split())`, without iota subscripts.

    data: u8[B], offsets: i64[D+1], table: folding.exact_table() -> out: u8[GROWTH * B + STORE_BYTES], bounds: i64[D+1].
    """
    bounds[0] = 0
    for d in range(offsets.size - 1):
        bounds[d + 1] = fold_document(data, offsets[d], offsets[d + 1], table, out, bounds[d])


@kernel
def count_characters(data: Any, offsets: Any, characters: Any) -> None:
    """Code points of every document: data: u8[B], offsets: i64[D+1] -> characters: i64[D]."""
    for d in range(offsets.size - 1):
        start = offsets[d]
        end = offsets[d + 1]
        whole = start + (end - start) // 8 * 8
        continuing = np.uint64(0)
        for i in range(start, whole, 8):
            # one bit a byte that starts with 10, then their sum in the top byte: vectorised, a plain loop was 4x slower
            v = load64(data, i)
            continuing += (((v >> np.uint64(7)) & ~(v >> np.uint64(6)) & ONES) * ONES) >> np.uint64(56)
        n = end - start - np.int64(continuing)
        for i in range(whole, end):
            n -= data[i] & 0xC0 == 0x80
        characters[d] = n
