"""Word n-grams of UTF-8 text as 64-bit hashes: the one shingling that signatures and exact Jaccard share.

Words are runs of characters under `folding.word_table` (any ASCII that is neither letter nor digit separates), and
each character of a script without spaces is a word. A document of fewer than n words has one shingle, of all its
words; one without words has none. A word of up to eight bytes is hashed injectively.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scorers.kernels.folding import BYTES_MASK, LENGTH_MASK, LENGTH_SHIFT, OWN_WORD, SEPARATOR, SKIPPED, TABLE_SIZE
from scorers.kernels.jit import MIX_1, MIX_2, MIX_3, inline, load64, mix, step, trailing_zeros

HIGH = np.uint64(0x8080808080808080)
LOW_SEVEN = np.uint64(0x7F7F7F7F7F7F7F7F)
CASE_BIT = np.uint64(0x2020202020202020)
ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
BASE = np.uint64(0xD6E8FEB86659FD93)
"""Multiplier of the rolling hash of n words; odd, so that no word's bits are lost."""

POSITION, WORDS, ROLLING = 0, 1, 2
"""Slots of the u64[3] state that `fill` resumes from."""


@inline
def alphanumeric(v: np.uint64) -> np.uint64:
    """0x80 in every byte of v that is an ASCII letter or digit, 0 elsewhere."""
    x = v & LOW_SEVEN
    y = x | CASE_BIT
    letter = (y + np.uint64(0x1F1F1F1F1F1F1F1F)) & ~(y + np.uint64(0x0505050505050505))
    digit = (x + np.uint64(0x5050505050505050)) & ~(x + np.uint64(0x4646464646464646))
    return (letter | digit) & ~v & HIGH


@inline
def absorb(h: np.uint64, block: np.uint64) -> np.uint64:
    """Eight more bytes of a word into its hash; a bijection of either argument."""
    h = (h ^ block) * MIX_2
    return h ^ (h >> np.uint64(32))


@inline
def decode(data: Any, i: int) -> tuple[int, int]:
    """The non-ASCII code point at data[i] and its number of bytes; the text is valid UTF-8."""
    c: Any = np.int64(data[i])
    c1: Any = np.int64(data[i + 1]) & 0x3F
    if c < 0xE0:
        return (c & 0x1F) << 6 | c1, 2
    c2: Any = np.int64(data[i + 2]) & 0x3F
    if c < 0xF0:
        return (c & 0x0F) << 12 | c1 << 6 | c2, 3
    return (c & 0x07) << 18 | c1 << 12 | c2 << 6 | np.int64(data[i + 3]) & 0x3F, 4


@inline
def entry(table: Any, code_point: int, data: Any, i: int) -> np.uint64:
    """The folding of a code point; beyond the table are ideographs, which stand for themselves."""
    if code_point < TABLE_SIZE:
        return np.uint64(table[code_point])
    return (load64(data, i) & np.uint64(0xFFFFFFFF)) | np.uint64(4) << LENGTH_SHIFT | OWN_WORD


@step
def folded_word(data: Any, i: int, end: int, table: Any) -> tuple[int, np.uint64, bool]:
    """The word at data[i:end] by code points -> (position after it, hash, whether there was one)."""
    h = MIX_1
    pending = np.uint64(0)
    fill = np.uint64(0)
    found = False
    while i < end:
        c = data[i]
        if c < 0x80:
            if not (48 <= c <= 57 or 65 <= c <= 90 or 97 <= c <= 122):
                break
            folding = np.uint64(c | 0x20) | np.uint64(1) << LENGTH_SHIFT
            width = 1
        else:
            code_point, width = decode(data, i)
            folding = entry(table, code_point, data, i)
        own = folding & OWN_WORD != 0
        if folding == SEPARATOR or (own and found):
            break
        i += width
        if folding & SKIPPED != 0:
            continue
        found = True
        length = (folding >> LENGTH_SHIFT) & LENGTH_MASK
        folded = folding & BYTES_MASK
        pending |= folded << (np.uint64(8) * fill)
        fill += length
        if fill >= 8:
            h = absorb(h, pending)
            fill -= np.uint64(8)
            pending = folded >> (np.uint64(8) * (length - fill))
        if own:
            break
    if fill > 0:
        h = absorb(h, pending)
    return i, h * MIX_3, found


@step
def skip_separator(data: Any, i: int, table: Any) -> int:
    """The position after the separator or skipped character at data[i], which is data[i] itself for a word's start."""
    if data[i] < 0x80:
        return i + 1
    code_point, width = decode(data, i)
    folding = entry(table, code_point, data, i)
    return i + width if folding == SEPARATOR or folding & SKIPPED != 0 else i


@step
def next_word(data: Any, i: int, end: int, table: Any) -> tuple[int, np.uint64, bool]:
    """The next word of data[i:end] -> (position after it, hash, whether there was one)."""
    while i < end:
        h = MIX_1
        at = i
        while True:
            v: Any = load64(data, at)
            stops = alphanumeric(v) ^ HIGH
            if stops == 0 and at + 8 < end:
                h = absorb(h, v | CASE_BIT)
                at += 8
                continue
            n = np.int64(trailing_zeros(stops) >> np.uint64(3)) if stops != 0 else 8
            n = min(n, end - at)
            if n > 0:
                h = absorb(h, (v | CASE_BIT) & (ALL >> np.uint64(64 - 8 * n)))
            at += n
            break
        if at < end and data[at] >= 0x80:
            # rare in English: start the word again by code points
            at, h, found = folded_word(data, i, end, table)
            if found:
                return at, h, True
            i = max(at, skip_separator(data, at, table)) if at < end else end
            continue
        if at > i:
            return at, h * MIX_3, True
        i = at + 1
    return end, np.uint64(0), False


@step
def fill(data: Any, end: int, table: Any, power: np.uint64, ring: Any, state: Any, out: Any) -> int:
    """Write the document's next shingles to out: u64[>= 1] -> how many; fewer than out.size only at its end.

    ring: u64[n], the last n words' hashes. state: u64[3]. power: BASE ** n. All zero but the position to begin with.
    """
    i: Any = np.int64(state[POSITION])
    words: Any = np.int64(state[WORDS])
    rolling = state[ROLLING]
    ngram = ring.size
    at = words % ngram
    n = 0
    while n < out.size:
        i, h, found = next_word(data, i, end, table)
        if not found:
            if 0 < words < ngram:
                out[0] = mix(rolling)
                n = 1
            break
        rolling = rolling * BASE + h - ring[at] * power
        ring[at] = h
        words += 1
        at += 1
        if at == ngram:
            at = 0
        if words >= ngram:
            out[n] = mix(rolling)
            n += 1
    state[POSITION] = i
    state[WORDS] = words
    state[ROLLING] = rolling
    return n


@step
def base_power(ngram: int) -> np.uint64:
    """BASE ** ngram mod 2^64."""
    power = np.uint64(1)
    for _ in range(ngram):
        power *= BASE
    return power


@step
def begin(position: int, ring: Any, state: Any) -> None:
    """Make ring and state ready for the document that starts at `position`."""
    ring[:] = np.uint64(0)
    state[POSITION] = position
    state[WORDS] = 0
    state[ROLLING] = 0
