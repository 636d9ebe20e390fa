"""spaCy's rules for one chunk between whitespace: strip prefixes and suffixes, then exception, URL or infixes.

Follows tokenizer.pyx (_split_affixes, _attach_tokens, _apply_special_cases) of spaCy 3.8 (MIT), with positions [a, b)
for Python's slices. The scratch for a chunk of m characters: chars: i64[m], a code point << 16 with its flags below;
at: i64[m+1], its byte in data; cut: u8[m+1], the bits below; starts: i64[m+1].
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scorers.kernels.char_classes import INFIX, WORD
from scorers.kernels.english_exceptions import (
    CUTS,
    HASH,
    MAX_BYTES,
    MAX_PIECES,
    PIECES_FROM,
    PIECES_TO,
    SEEN,
    find_slot,
    maybe_exception,
)
from scorers.kernels.english_marks import infix_chars, prefix_chars, suffix_chars
from scorers.kernels.jit import hash_bytes, leaf
from scorers.kernels.url import is_url
from scorers.kernels.words import code_point, width_of

WORD_STARTS, TAKEN = 1, 2
"""Bits of `cut`: a word starts here; the token that started here is part of an exception already."""


@leaf
def exception_slot(data: Any, s: int, e: int, tables: Any) -> int:
    """The slot of the exception that data[s:e] is, or -1."""
    if e - s > MAX_BYTES or e <= s:
        return -1
    hashed = hash_bytes(data, s, e - s)
    if not maybe_exception(hashed, tables):
        return -1
    slot = find_slot(hashed, tables, HASH)
    return slot if tables[HASH, slot] == hashed else -1


@leaf
def cut_affixes(data: Any, chars: Any, at: Any, cut: Any, m: int, tables: Any) -> tuple[int, int]:
    """Cut prefixes and suffixes off [0, m); the [a, b) that is left."""
    a = 0
    b = m
    last = -1
    while a < b and b - a != last and exception_slot(data, at[a], at[b], tables) < 0:
        last = b - a
        front = prefix_chars(chars, a, b)
        if front > 0 and exception_slot(data, at[a + front], at[b], tables) >= 0:
            cut[a + front] = WORD_STARTS
            return a + front, b
        back = suffix_chars(data, chars, at, a + front, b, tables)
        if back > 0 and exception_slot(data, at[a], at[b - back], tables) >= 0:
            cut[b - back] = WORD_STARTS
            return a, b - back
        a += front
        b -= back
        cut[a] = WORD_STARTS
        cut[b] = WORD_STARTS
    return a, b


@leaf
def cut_like(at: Any, cut: Any, first: int, last: int, cuts: Any) -> None:
    """Replace the cuts inside characters [first, last) by those of an exception's pieces."""
    for i in range(first + 1, last):
        cut[i] = (cuts >> np.uint64(at[i] - at[first])) & np.uint64(1)


@leaf
def cut_middle(data: Any, chars: Any, at: Any, cut: Any, a: int, b: int, tables: Any) -> None:
    """Cut what affixes left: an exception into its pieces, a URL not at all, anything else at infixes."""
    slot = exception_slot(data, at[a], at[b], tables)
    if slot >= 0:
        cut_like(at, cut, a, b, tables[CUTS, slot])
        return
    if is_url(chars, a, b):
        return
    i = a
    while i < b:
        if chars[i] & (WORD | INFIX) == WORD:
            i += 1
            continue
        length = infix_chars(chars, i, a, b)
        if length > 0 and i > a:
            cut[i] = WORD_STARTS
            cut[i + length] = WORD_STARTS
        i += max(length, 1)


@leaf
def token_starts(cut: Any, m: int, starts: Any) -> int:
    """Write the characters where tokens start, and m after them, to starts; how many tokens."""
    k = 0
    for i in range(m):
        if cut[i] & WORD_STARTS != 0:
            starts[k] = i
            k += 1
    starts[k] = m
    return k


@leaf
def spells(data: Any, at: Any, starts: Any, j: int, pieces: int, tables: Any) -> int:
    """The slot of the exception that tokens j to j+pieces spell, cut as spaCy's last pass expects them; or -1."""
    s = at[starts[j]]
    e = at[starts[j + pieces]]
    if (tables[PIECES_FROM, data[s]] & tables[PIECES_TO, data[e - 1]]) >> np.uint64(pieces) & np.uint64(1) == 0:
        return -1
    slot = exception_slot(data, s, e, tables)
    if slot < 0:
        return -1
    here = np.uint64(0)
    for t in range(j, j + pieces):
        here |= np.uint64(1) << np.uint64(at[starts[t]] - s)
    return slot if here == tables[SEEN, slot] else -1


@leaf
def rejoin(data: Any, at: Any, cut: Any, starts: Any, k: int, tables: Any) -> None:
    """spaCy's last pass: of k tokens, some that spell an exception become its pieces; the longest first, then the
    leftmost, and a token that was once part of a find is taken."""
    begun = np.uint64(0)
    ended = np.uint64(0)
    for j in range(k):
        begun |= tables[PIECES_FROM, data[at[starts[j]]]]
        ended |= tables[PIECES_TO, data[at[starts[j + 1]] - 1]]
    for pieces in range(min(k, MAX_PIECES), 0, -1):
        if (begun & ended) >> np.uint64(pieces) & np.uint64(1) == 0:
            continue
        for j in range(k - pieces + 1):
            slot = spells(data, at, starts, j, pieces, tables)
            if slot < 0:
                continue
            if (cut[starts[j]] | cut[starts[j + pieces - 1]]) & TAKEN == 0:
                cut_like(at, cut, starts[j], starts[j + pieces], tables[CUTS, slot])
            for t in range(j, j + pieces):
                cut[starts[t]] |= TAKEN


@leaf
def cut_chunk(data: Any, s: int, e: int, classes: Any, tables: Any, scratch: Any, cut: Any) -> int:
    """Write the bytes within data[s:e] where its words start to scratch[2]; how many words.

    scratch: i64[3, m+1], its rows are chars, at and starts.
    """
    chars, at, starts = scratch[0], scratch[1], scratch[2]
    m = 0
    i = s
    while i < e:
        c = code_point(data, i)
        chars[m] = c << 16 | classes[c]
        at[m] = i
        cut[m] = 0
        m += 1
        i += width_of(c)
    at[m] = e
    cut[0] = WORD_STARTS
    a, b = cut_affixes(data, chars, at, cut, m, tables)
    if a < b:
        cut_middle(data, chars, at, cut, a, b, tables)
    k = token_starts(cut, m, starts)
    # an exception of two tokens that is the whole chunk was met at once
    if k > 2:
        rejoin(data, at, cut, starts, k, tables)
        k = token_starts(cut, m, starts)
    for j in range(k):
        starts[j] = at[starts[j]] - s
    starts[k] = e - s
    return k
