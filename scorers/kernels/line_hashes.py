"""Lines and paragraphs of documents, each with the hash it is deduplicated by."""

from __future__ import annotations

from typing import Any

import numpy as np

from scorers.kernels.characters import code_point, next_byte, strip_left, strip_right
from scorers.kernels.exact import lower
from scorers.kernels.folding import BYTES_MASK, LENGTH_MASK, LENGTH_SHIFT, TABLE_SIZE
from scorers.kernels.jit import hash_bytes, inline, kernel, leaf, load64, store64, trailing_zeros
from scorers.kernels.ngram_text import FINAL_SIGMA, sigma_is_final, width_at
from scorers.kernels.shingles import HIGH, LOW_SEVEN

PARAGRAPHS, CCNET, BLANKS = 1, 2, 4
"""Options: units are paragraphs, not lines; normalised as cc_net does; blank lines take part."""
BLANK, LAST = 1, 2
"""Flags of a unit: nothing but whitespace; its document ends with it, without a line break behind."""
NO_HASH = np.uint64(0)
"""The hash of a unit that is too short to take part."""
NEWLINE, CAPITAL_SIGMA = 10, 0x3A3


@inline
def stops_at(v: np.uint64) -> np.uint64:
    """0x80 in every byte of v that is a control character or not ASCII."""
    x = v & LOW_SEVEN
    control = ~(x + np.uint64(0x6060606060606060)) & HIGH
    return control | ((x + np.uint64(0x0101010101010101)) & HIGH) | (v & HIGH)


@inline
def zeroed(v: np.uint64) -> np.uint64:
    """v with its ASCII digits as 0."""
    x = v & LOW_SEVEN
    digit = (x + np.uint64(0x5050505050505050)) & ~(x + np.uint64(0x4646464646464646)) & ~v & HIGH
    return v & ~((digit >> np.uint64(7)) * np.uint64(15))


@leaf
def put_folded(data: Any, start: int, end: int, i: int, table: Any, marks: Any, out: Any, o: int) -> int:
    """Write what the character at i becomes at out[o]; the position after it."""
    c = code_point(data, i)
    if c >= TABLE_SIZE:
        store64(out, o, load64(data, i))
        return o + 4
    if c == CAPITAL_SIGMA and sigma_is_final(data, start, end, i, marks):
        out[o] = FINAL_SIGMA[0]
        out[o + 1] = FINAL_SIGMA[1]
        return o + 2
    folding = np.uint64(table[c])
    store64(out, o, folding & BYTES_MASK)
    length: Any = np.int64((folding >> LENGTH_SHIFT) & LENGTH_MASK)
    return int(o + length)


@leaf
def fold_line(data: Any, start: int, end: int, table: Any, marks: Any, out: Any) -> int:
    """Write data[start:end], stripped before, as cc_net has it; its bytes. Stores are eight bytes wide."""
    i = start
    o = 0
    while i < end:
        v: Any = load64(data, i)
        stops = stops_at(v)
        store64(out, o, zeroed(lower(v)))
        plain: Any = np.int64(trailing_zeros(stops) >> np.uint64(3)) if stops != 0 else 8
        n = min(plain, end - i)
        i += n
        o += n
        while i < end and (data[i] >= 0x7F or data[i] < 32):
            o = put_folded(data, start, end, i, table, marks, out, o)
            i += width_at(data, i)
    return o


@leaf
def words_in(data: Any, start: int, end: int, most: int) -> int:
    """Words between whitespace in data[start:end], counted up to `most`."""
    n = 0
    while start < end and n < most:
        n += 1
        while start < end and strip_left(data, start, start + width_at(data, start)) == start:
            start += width_at(data, start)
        start = strip_left(data, start, end)
    return n


@leaf
def unit_end(data: Any, start: int, stop: int, paragraphs: bool) -> Any:
    """(end of the content, start of what follows) of the unit at start: a line, or lines up to a blank one and the blank
    ones behind it."""
    end = next_byte(data, start, stop, NEWLINE)
    after = min(end + 1, stop)
    if not paragraphs:
        return end, after
    blank = strip_left(data, start, end) == end
    while after < stop:
        e = next_byte(data, after, stop, NEWLINE)
        is_blank = strip_left(data, after, e) == e
        if blank and not is_blank:
            break
        if not is_blank:
            end = e
        blank = blank or is_blank
        after = min(e + 1, stop)
    return end, after


@kernel
def hash_lines(
    data: Any, offsets: Any, options: int, min_bytes: int, min_words: int, table: Any, marks: Any, scratch: Any,
    rows: Any, start: Any, size: Any, hashes: Any, flags: Any,
) -> int:  # fmt: skip
    """B bytes, D documents -> the number N of units. data: u8[B], offsets: i64[D+1], scratch: u8[3 longest document + 8].
    rows: i32[>=N]; start: i64, first byte in the document; size: i32, bytes with the line break behind; hashes: u64 of the
    exact bytes, or as cc_net normalises them, NO_HASH below min_bytes of stripped text or min_words words; flags: u8.
    Blank lines are left out unless BLANKS."""
    n = 0
    for d in range(offsets.size - 1):
        s, stop = offsets[d], offsets[d + 1]
        more = s < stop
        while more:
            e, after = unit_end(data, s, stop, options & PARAGRAPHS != 0)
            a = strip_left(data, s, e)
            b = strip_right(data, a, e)
            if a < b or options & BLANKS != 0:
                rows[n] = d
                start[n] = s - offsets[d]
                size[n] = after - s
                flags[n] = (BLANK if a == b else 0) | (LAST if after == e else 0)
                hashes[n] = NO_HASH
                if b - a >= min_bytes and (min_words == 0 or words_in(data, a, b, min_words) >= min_words):
                    if options & CCNET != 0:
                        h = hash_bytes(scratch, 0, fold_line(data, a, b, table, marks, scratch))
                    else:
                        h = hash_bytes(data, s, e - s)
                    hashes[n] = max(h, np.uint64(1))
                n += 1
            # a line break at the end has an empty line behind it, as in str.split
            more = after < stop or (after > e and options & (PARAGRAPHS | BLANKS) == BLANKS)
            s = after
    return n
