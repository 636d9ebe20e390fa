"""Word n-grams of UTF-8 text as 64-bit hashes: the one shingling that signatures and exact Jaccard share.

Words are runs of characters under `folding.word_table` (any ASCII that is neither letter nor digit separates), and
each character of a script without spaces is a word. A document of fewer than n words has one shingle, of all its
words; one without words has none. A word of up to sixteen bytes is hashed without loss but for the last step.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scorers.kernels.folding import BYTES_MASK, LENGTH_MASK, LENGTH_SHIFT, OWN_WORD, SEPARATOR, SKIPPED, TABLE_SIZE
from scorers.kernels.jit import MIX_1, MIX_2, MIX_3, inline, leaf, load64, mix, trailing_zeros, word_bytes

HIGH = np.uint64(0x8080808080808080)
LOW_SEVEN = np.uint64(0x7F7F7F7F7F7F7F7F)
CASE_BIT = np.uint64(0x2020202020202020)
BASE = np.uint64(0xD6E8FEB86659FD93)
"""Multiplier of the rolling hash of n words; odd, so that no word's bits are lost."""

CHUNK = 2048
"""Bytes of a document that are split at a time, and as many words as can come of one step."""
POSITION, WORDS, ROLLING = 0, 1, 2
"""Slots of the u64[3] state that `fill` resumes from."""

FIRST_BYTES = np.array([(1 << 8 * min(n, 8)) - 1 for n in range(17)], dtype=np.uint64)
NEXT_BYTES = np.array([(1 << 8 * max(n - 8, 0)) - 1 for n in range(17)], dtype=np.uint64)
"""Masks of the first and second eight bytes of a word of n bytes."""


@leaf
def find_edges(data: Any, start: int, stop: int, edges: Any) -> int:
    """Where tokens (runs of ASCII letters, digits and what is not ASCII) begin and end in data[start:stop], in turn -> how many edges.

    A token that reaches `stop` has no end yet. edges: i64[> stop - start].
    """
    n = 0
    before = np.uint64(0)
    for at in range(start, stop, 64):
        # sixty-four bytes to a word of bits: one mispredicted branch a block where a loop over words has two a word
        bits = word_bytes(data, at)
        turns = bits ^ (bits << np.uint64(1) | before)
        before = bits >> np.uint64(63)
        if stop - at < 64:
            turns &= (np.uint64(1) << np.uint64(stop - at)) - np.uint64(1)
        while turns != 0:
            edges[n] = at + np.int64(trailing_zeros(turns))
            n += 1
            turns &= turns - np.uint64(1)
    return n


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


@leaf
def folding_at(data: Any, i: int, table: Any) -> tuple[np.uint64, int]:
    """The folding of the character at data[i] and its number of bytes."""
    if data[i] < 0x80:
        return np.uint64(table[data[i]]), 1
    code_point, width = decode(data, i)
    if code_point < TABLE_SIZE:
        return np.uint64(table[code_point]), width
    if 0xE0000 <= code_point <= 0xE0FFF:
        # tags, and the selectors that follow an ideograph
        return SKIPPED, width
    # what else is beyond the table are ideographs, which stand for themselves
    return (load64(data, i) & np.uint64(0xFFFFFFFF)) | np.uint64(4) << LENGTH_SHIFT | OWN_WORD, width


@leaf
def fold_word(data: Any, i: int, end: int, table: Any) -> tuple[int, np.uint64]:
    """The word that starts at data[i], by code points -> (position after it, hash); i itself if there is none."""
    h = MIX_1
    pending = np.uint64(0)
    held = np.uint64(0)
    blocks = 0
    while i < end:
        folding, width = folding_at(data, i, table)
        own = folding & OWN_WORD != 0
        started = held > 0 or blocks > 0
        if folding == SEPARATOR or (own and started):
            break
        i += width
        length = (folding >> LENGTH_SHIFT) & LENGTH_MASK
        folded = folding & BYTES_MASK
        pending |= folded << (np.uint64(8) * held)
        held += length
        if held >= 8:
            h = absorb(h, pending)
            blocks += 1
            held -= np.uint64(8)
            pending = folded >> (np.uint64(8) * (length - held))
        if own:
            break
    if held > 0 or blocks < 2:
        h = absorb(h, pending)
        blocks += 1
    if blocks < 2:
        h = absorb(h, np.uint64(0))
    return i, h * MIX_3


@leaf
def fold_token(data: Any, i: int, end: int, table: Any, hashes: Any, n: int) -> tuple[int, int]:
    """The words of the token at data[i] that are not only ASCII, to hashes[n:], until they are full
    -> (position reached, words in hashes)."""
    while i < end and n < hashes.size:
        folding, width = folding_at(data, i, table)
        if folding & SKIPPED != 0 or (folding == SEPARATOR and data[i] >= 0x80):
            i += width
        elif folding == SEPARATOR:
            break
        else:
            i, hashes[n] = fold_word(data, i, end, table)
            n += 1
    return i, n


@leaf
def hash_words(data: Any, edges: Any, table: Any, hashes: Any, n: int) -> int:
    """The words of the tokens between edges: i64[2 T], to hashes[n:] -> words in hashes."""
    for k in range(0, edges.size, 2):
        start = edges[k]
        length = edges[k + 1] - start
        short = min(length, 16)
        first = load64(data, start) & FIRST_BYTES[short]
        second = load64(data, start + 8) & NEXT_BYTES[short]
        # ORing the case bit to a digit changes nothing
        h = absorb(absorb(MIX_1, first | (CASE_BIT & FIRST_BYTES[short])), second | (CASE_BIT & NEXT_BYTES[short]))
        high = (first | second) & HIGH
        for at in range(16, length, 8):
            rest = load64(data, start + at)
            keep = FIRST_BYTES[min(length - at, 8)]
            h = absorb(h, (rest | CASE_BIT) & keep)
            high |= rest & keep & HIGH
        if high != 0:
            _, n = fold_token(data, start, start + length, table, hashes, n)
            continue
        hashes[n] = h * MIX_3
        n += 1
    return n


@leaf
def chunk_words(data: Any, i: int, end: int, table: Any, edges: Any, hashes: Any, n: int) -> tuple[int, int]:
    """The words of the next CHUNK bytes or so, to hashes[n:] -> (position reached, words in hashes)."""
    stop = min(i + CHUNK, end)
    found = find_edges(data, i, stop, edges)
    if found & 1 and stop == end:
        edges[found] = end
        found += 1
    whole = found & ~1
    n = hash_words(data, edges[:whole], table, hashes, n)
    if found == whole:
        return stop, n
    if edges[whole] > i:
        # the last token goes on: again from its start
        return edges[whole], n
    return fold_token(data, i, end, table, hashes, n)


@leaf
def fill(data: Any, end: int, table: Any, power: np.uint64, edges: Any, hashes: Any, state: Any, out: Any) -> int:
    """Write the document's next shingles to out -> how many, at most CHUNK. At its end state[POSITION] is `end`.

    power: BASE ** n. edges: i64[CHUNK + 2]. hashes: u64[n + CHUNK], the last n words first. state: u64[3]. out: u64.
    `begin` comes first.
    """
    ngram = hashes.size - CHUNK
    start: Any = np.int64(state[POSITION])
    i, after = chunk_words(data, start, end, table, edges, hashes, ngram)
    words: Any = np.int64(state[WORDS])
    rolling = state[ROLLING]
    n = 0
    for j in range(ngram, after):
        rolling = rolling * BASE + hashes[j] - hashes[j - ngram] * power
        words += 1
        if words >= ngram:
            out[n] = mix(rolling)
            n += 1
    if i == end and 0 < words < ngram:
        out[0] = mix(rolling)
        n = 1
    for k in range(ngram):
        hashes[k] = hashes[after - ngram + k]
    state[POSITION] = i
    state[WORDS] = words
    state[ROLLING] = rolling
    return n


@leaf
def base_power(ngram: int) -> np.uint64:
    """BASE ** ngram mod 2^64."""
    power = np.uint64(1)
    for _ in range(ngram):
        power *= BASE
    return power


@leaf
def begin(position: int, hashes: Any, state: Any) -> None:
    """Make hashes and state ready for the document that starts at `position`."""
    hashes[: hashes.size - CHUNK] = np.uint64(0)
    state[POSITION] = position
    state[WORDS] = 0
    state[ROLLING] = 0
