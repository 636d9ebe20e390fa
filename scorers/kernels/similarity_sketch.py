"""Fast Similarity Sketching of word n-grams: signatures with less error than MinHash's of as many slots."""

from __future__ import annotations

from typing import Any

import numpy as np

from scorers.kernels.jit import kernel, step
from scorers.kernels.shingles import CHUNK, POSITION, base_power, begin, fill

EMPTY = np.uint64(0xFFFFFFFFFFFFFFFF)
LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)

BLOCK = 4 * CHUNK
"""Shingles that rounds go over together: most documents whole, so that a second round is rare but for short ones."""


@step
def lower_slots(a: Any, b: Any, shingles: Any, last: int, empty: int, slots: Any) -> int:
    """Take shingles: u64[n > 0] into slots: u64[T], of which `empty` are EMPTY, by rounds 0 to `last` or until no later
    one can lower a slot -> the round that was enough.

    a, b: u64[2 T], a odd. A slot holds round << 32 | value, so that a later round never lowers what an earlier one
    filled: what is left out of a document's next shingles for it could not have changed a slot.
    """
    t = np.uint64(slots.size)
    for r in range(last + 1):
        x = a[r]
        y = b[r]
        said = np.uint64(r) << HALF
        if r < slots.size:
            for j in range(shingles.size):
                h = x * shingles[j] + y
                at = ((h >> HALF) * t) >> HALF
                before = slots[at]
                empty -= int(before == EMPTY)
                slots[at] = min(before, said | (h & LOW))
        else:
            # one slot a round, for every shingle: no slot stays empty
            p = r - slots.size
            empty -= int(slots[p] == EMPTY)
            for j in range(shingles.size):
                slots[p] = min(slots[p], said | ((x * shingles[j] + y) & LOW))
        if empty == 0 and slots.max() >> HALF <= np.uint64(r):
            return r
    return last


@kernel
def sketch(data: Any, offsets: Any, table: Any, ngram: int, a: Any, b: Any, signatures: Any, shingles: Any) -> None:
    """D documents, T slots. data: u8[B], offsets: i64[D+1], table: folding.word_table(), a, b: u64[2 T], a odd
    -> signatures: u32[D, T] (all bits set for a document without shingles) and shingles: i64[D], repeats counted.

    Dahlgaard, Knudsen, Thorup, FOCS 2017, arXiv:1704.04370, with multiply-shift of the shingles' 64-bit hashes.
    """
    power = base_power(ngram)
    edges = np.empty(CHUNK + 2, np.int64)
    words = np.empty(ngram + CHUNK, np.uint64)
    state = np.zeros(3, np.uint64)
    found = np.empty(BLOCK, np.uint64)
    slots = np.empty(signatures.shape[1], np.uint64)
    for d in range(offsets.size - 1):
        slots[:] = EMPTY
        begin(offsets[d], words, state)
        total = 0
        last = a.size - 1
        empty = slots.size
        while state[POSITION] < offsets[d + 1]:
            n = 0
            while state[POSITION] < offsets[d + 1] and n <= BLOCK - CHUNK:
                n += fill(data, offsets[d + 1], table, power, edges, words, state, found[n:])
            if n > 0:
                last = lower_slots(a, b, found[:n], last, empty, slots)
                empty = 0
            total += n
        for p in range(slots.size):
            signatures[d, p] = np.uint32(slots[p] & LOW)
        shingles[d] = total
