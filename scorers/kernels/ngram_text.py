"""From documents to the tokens of an n-gram model: normalised, cut, and laid side by side with one separator each."""

from __future__ import annotations

from typing import Any

import numpy as np

from scorers.kernels.characters import code_point
from scorers.kernels.jit import kernel, leaf
from scorers.kernels.normal_characters import (
    ALONE,
    CASED,
    IGNORABLE,
    KIND,
    LENGTH_SHIFT,
    MARK,
    MIXED,
    NOTHING,
    PLACE_SHIFT,
    SAME,
    SPACE,
    WORD,
)

WORDS_APART, SCORE_BLANK, ONE_LINE = 1, 2, 4
"""Flags: marks and letters of scripts without spaces are tokens of their own; a line without tokens counts; a newline
is a character like any other control."""
CAPITAL_SIGMA = 0x3A3
FINAL_SIGMA = np.frombuffer("ς".encode(), np.uint8)
NEWLINE, BLANK = 10, 32


@leaf
def width_at(data: Any, i: int) -> int:
    """Bytes of the character at i."""
    c = data[i]
    if c < 0xC0:
        return 1
    return 2 if c < 0xE0 else 3 if c < 0xF0 else 4


@leaf
def sigma_is_final(data: Any, start: int, end: int, i: int, table: Any) -> bool:
    """Python's str.lower: a cased letter before the sigma at i within data[start:end], none after, ignorable skipped."""
    before = False
    j = i
    while j > start:
        j -= 1
        while j > start and data[j] & 0xC0 == 0x80:
            j -= 1
        entry = table[code_point(data, j)]
        if entry & IGNORABLE == 0:
            before = entry & CASED != 0
            break
    if not before:
        return False
    j = i + 2
    while j < end:
        entry = table[code_point(data, j)]
        if entry & IGNORABLE == 0:
            return bool(entry & CASED == 0)
        j += width_at(data, j)
    return True


@leaf
def put(
    source: Any, i: int, n: int, kind: int, place: int, out: Any, ends: Any, starts: Any, at: int, tokens: int, open: bool
) -> Any:  # fmt: skip
    """Write n bytes of one kind; (position, tokens, whether a word is open) afterwards."""
    if kind == NOTHING:
        return at, tokens, open
    if open and kind != WORD:
        out[at] = BLANK
        at += 1
        open = False
    if kind == SPACE:
        return at, tokens, open
    if not open:
        starts[tokens] = place
        tokens += 1
    for k in range(n):
        out[at + k] = source[i + k]
    at += n
    ends[tokens - 1] = at
    if kind == WORD:
        return at, tokens, True
    out[at] = BLANK
    return at + 1, tokens, False


@leaf
def put_mixed(
    pool: Any, i: int, n: int, flags: int, table: Any, place: int, out: Any, ends: Any, starts: Any,
    at: int, tokens: int, open: bool,
) -> Any:  # fmt: skip
    """As put, for characters of several kinds."""
    end = i + n
    while i < end:
        width = width_at(pool, i)
        kind = table[code_point(pool, i)] & KIND
        if flags & WORDS_APART == 0 and (kind == MARK or kind == ALONE):
            kind = WORD
        at, tokens, open = put(pool, i, width, kind, place, out, ends, starts, at, tokens, open)
        i += width
    return at, tokens, open


@leaf
def put_character(
    data: Any, i: int, first: int, line_start: int, end: int, table: Any, pool: Any, flags: int, out: Any, ends: Any,
    starts: Any, at: int, tokens: int, open: bool,
) -> Any:  # fmt: skip
    """Write what the character at i becomes. -> (its bytes, position, tokens, whether a word is open)"""
    c = code_point(data, i)
    width = width_at(data, i)
    entry: Any = np.int64(table[c])
    kind = entry & KIND
    if flags & WORDS_APART == 0 and (kind == MARK or kind == ALONE):
        kind = WORD
    place = i - first
    if entry & SAME != 0:
        at, tokens, open = put(data, i, width, kind, place, out, ends, starts, at, tokens, open)
        return width, at, tokens, open
    if c == CAPITAL_SIGMA and sigma_is_final(data, line_start, end, i, table):
        at, tokens, open = put(FINAL_SIGMA, 0, 2, WORD, place, out, ends, starts, at, tokens, open)
        return width, at, tokens, open
    n, j = (entry >> LENGTH_SHIFT) & 15, entry >> PLACE_SHIFT
    if kind == MIXED:
        at, tokens, open = put_mixed(pool, j, n, flags, table, place, out, ends, starts, at, tokens, open)
    else:
        at, tokens, open = put(pool, j, n, kind, place, out, ends, starts, at, tokens, open)
    return width, at, tokens, open


@leaf
def put_ascii(data: Any, i: int, end: int, ascii: Any, out: Any, at: int) -> Any:
    """Write the run of ASCII letters and digits at i: most bytes, and 1.5 times as fast as one by one. -> (i, position)"""
    while i < end and ascii[data[i]] != 0:
        out[at] = ascii[data[i]]
        at += 1
        i += 1
    return i, at


@kernel
def tokenise(
    data: Any, offsets: Any, table: Any, pool: Any, ascii: Any, flags: int,
    out: Any, ends: Any, starts: Any, line_tokens: Any, document_lines: Any,
) -> Any:  # fmt: skip
    """B bytes, D documents. Token t is out[ends[t-1]+1 : ends[t]] (the first from 0), then one blank, or a newline at its
    line's end; starts[t]: its first byte in its document. line_tokens[l]: tokens up to the end of line l; document_lines:
    i64[D+1] lines before each document. table, pool: character_table; ascii: u8[256] what a byte becomes, 0 unless ASCII
    and part of a word. -> (tokens, lines). out: u8[5B+8], ends, starts: i64[B+1], line_tokens: i64[B+D+1]."""
    at: Any = np.int64(0)
    tokens: Any = np.int64(0)
    lines = document_lines[0] = 0
    for d in range(len(offsets) - 1):
        first, end = offsets[d], offsets[d + 1]
        i = line_start = first
        open, before = False, tokens
        while i <= end and first < end:
            if i == end or (data[i] == NEWLINE and flags & ONE_LINE == 0):
                at += 1 if open else 0
                if tokens > before:
                    out[at - 1] = NEWLINE
                if tokens > before or flags & SCORE_BLANK != 0:
                    line_tokens[lines] = tokens
                    lines += 1
                i = line_start = i + 1
                open, before = False, tokens
                continue
            if ascii[data[i]] == 0:
                width, at, tokens, open = put_character(
                    data, i, first, line_start, end, table, pool, flags, out, ends, starts, at, tokens, open
                )  # fmt: skip
                i += width
                continue
            if not open:
                starts[tokens] = i - first
                tokens += 1
                open = True
            i, at = put_ascii(data, i, end, ascii, out, at)
            ends[tokens - 1] = at
        document_lines[d + 1] = lines
    return tokens, lines
