"""Terms of one or more words found in text that is cut into words: a hash table of whole words and of what they begin."""

from __future__ import annotations

from typing import Any

import numpy as np

from scorers.kernels.jit import MIX_1, inline, kernel, leaf, mix

SLOTS = 1 << 13
MAYBE_WORDS = 1 << 10
"""65,536 bits, one set by the first 16 bits of the hash of every term's first word."""
PREFIX = -1
"""In place of a term: only longer terms begin so."""
FREE = -2
HYPHEN = 45


@inline
def longer(hashed: Any, word: Any) -> Any:
    """The hash of some words and one more."""
    return mix((hashed * MIX_1) ^ word)


@leaf
def slot_of(hashed: Any, keys: Any, values: Any) -> int:
    """The slot that holds the hash, or the free one where it would stand."""
    slot = np.int64(hashed & np.uint64(SLOTS - 1))
    while values[slot] != FREE and keys[slot] != hashed:
        slot = (slot + 1) & (SLOTS - 1)
    return int(slot)


@kernel
def remember_terms(bounds: Any, hashes: Any, terms: Any, keys: Any, values: Any, maybe: Any) -> None:
    """N spellings of W words. bounds: i64[N+1], hashes: u64[W], terms: i32[N]; fills keys: u64[SLOTS], values:
    i32[SLOTS] (FREE at first), maybe: u64[MAYBE_WORDS]."""
    for k in range(terms.size):
        hashed = np.uint64(0)
        for w in range(bounds[k], bounds[k + 1]):
            first = w == bounds[k]
            hashed = hashes[w] if first else longer(hashed, hashes[w])
            if first:
                maybe[np.int64(hashed >> np.uint64(54))] |= np.uint64(1) << ((hashed >> np.uint64(48)) & np.uint64(63))
            slot = slot_of(hashed, keys, values)
            if values[slot] == FREE:
                keys[slot], values[slot] = hashed, PREFIX
            if w == bounds[k + 1] - 1:
                values[slot] = terms[k]


@leaf
def next_word(data: Any, w: int, stop: int, start: Any, end: Any) -> int:
    """The word that goes on behind w, across at most one byte or a hyphen; stop where there is none."""
    if w + 1 >= stop or start[w + 1] - end[w] > 1:
        return stop
    if end[w + 1] - start[w + 1] == 1 and data[start[w + 1]] == HYPHEN and start[w + 1] == end[w]:
        return w + 2 if w + 2 < stop and start[w + 2] == end[w + 1] else stop
    return w + 1


@leaf
def longest_term(
    data: Any, w: int, stop: int, start: Any, end: Any, hashes: Any, keys: Any, values: Any
) -> tuple[int, int]:
    """The longest term that begins at word w, and its last word; PREFIX where none does."""
    term, last = PREFIX, w
    hashed = hashes[w]
    while True:
        slot = slot_of(hashed, keys, values)
        if values[slot] == FREE:
            return term, last
        if values[slot] != PREFIX:
            term, last = values[slot], w
        w = next_word(data, w, stop, start, end)
        if w == stop:
            return term, last
        hashed = longer(hashed, hashes[w])


@kernel
def count_mentions(
    data: Any,
    bounds: Any,
    start: Any,
    end: Any,
    hashes: Any,
    keys: Any,
    values: Any,
    maybe: Any,
    groups: Any,
    seen: Any,
    counts: Any,
    first: Any,
    mentioned: Any,
) -> int:
    """D documents of W words, T terms of G groups. bounds: i64[D+1]; start, end: i64[W]; hashes: u64[W]; groups: i64[T];
    seen: i64[T], -1 at first. Writes counts: i64[D, G], mentions by group; first: i64[D+1] and mentioned: i32[M], the
    distinct terms of each document in the order of their first mention -> M <= W."""
    n = 0
    first[0] = 0
    for d in range(bounds.size - 1):
        counts[d] = 0
        w, stop = bounds[d], bounds[d + 1]
        while w < stop:
            top = hashes[w] >> np.uint64(48)
            if (maybe[np.int64(top >> np.uint64(6))] >> (top & np.uint64(63))) & np.uint64(1) == 0:
                w += 1
                continue
            term, last = longest_term(data, w, stop, start, end, hashes, keys, values)
            if term != PREFIX:
                counts[d, groups[term]] += 1
                if seen[term] != d:
                    seen[term] = d
                    mentioned[n] = term
                    n += 1
            w = last + 1
        first[d + 1] = n
    return n
