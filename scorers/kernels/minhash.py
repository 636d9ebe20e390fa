"""MinHash signatures of word n-grams, bit for bit those of datasketch 2.0's "affine32" scheme."""

from __future__ import annotations

from typing import Any

import numpy as np

from scorers.kernels.jit import inline, kernel, step
from scorers.kernels.shingles import CHUNK, POSITION, base_power, begin, fill

NONE_YET = np.uint32(0xFFFFFFFF)


@inline
def premix(x: np.uint32) -> np.uint32:
    """MurmurHash3's 32-bit finaliser, which datasketch applies to every shingle hash."""
    x ^= x >> np.uint32(16)
    x = np.uint32(x * np.uint32(0x85EBCA6B))
    x ^= x >> np.uint32(13)
    x = np.uint32(x * np.uint32(0xC2B2AE35))
    x ^= x >> np.uint32(16)
    return x


@step
def lower_minima(a: Any, b: Any, hashes: Any, n: int, signature: Any) -> None:
    """signature[p] = min(signature[p], a[p] * h + b[p] mod 2^32) over n hashes: u32[n]."""
    # eight hashes to one pass over the permutations: a load and a store of the signature serve eight (6 % faster
    # than one by one), and the inner loop stays one that the compiler vectorises
    whole = n - n % 8
    for j in range(0, whole, 8):
        h0, h1, h2, h3 = hashes[j], hashes[j + 1], hashes[j + 2], hashes[j + 3]
        h4, h5, h6, h7 = hashes[j + 4], hashes[j + 5], hashes[j + 6], hashes[j + 7]
        for p in range(a.size):
            x = a[p]
            y = b[p]
            m0 = min(np.uint32(x * h0 + y), np.uint32(x * h1 + y))
            m1 = min(np.uint32(x * h2 + y), np.uint32(x * h3 + y))
            m2 = min(np.uint32(x * h4 + y), np.uint32(x * h5 + y))
            m3 = min(np.uint32(x * h6 + y), np.uint32(x * h7 + y))
            signature[p] = min(signature[p], min(min(m0, m1), min(m2, m3)))
    for j in range(whole, n):
        h = hashes[j]
        for p in range(a.size):
            signature[p] = min(signature[p], np.uint32(a[p] * h + b[p]))


@kernel
def sign(data: Any, offsets: Any, table: Any, ngram: int, a: Any, b: Any, signatures: Any, shingles: Any) -> None:
    """D documents, P permutations. data: u8[B], offsets: i64[D+1], table: folding.word_table(), a, b: u32[P], a odd
    -> signatures: u32[D, P] (all bits set for a document without shingles) and shingles: i64[D], repeats counted.

    The 32-bit hash of a shingle is the upper half of its 64-bit one. Broder 1997; affine32: datasketch 2.0, minhash.py.
    """
    power = base_power(ngram)
    edges = np.empty(CHUNK + 2, np.int64)
    words = np.empty(ngram + CHUNK, np.uint64)
    state = np.zeros(3, np.uint64)
    found = np.empty(CHUNK, np.uint64)
    hashes = np.empty(CHUNK, np.uint32)
    for d in range(offsets.size - 1):
        signature = signatures[d]
        signature[:] = NONE_YET
        begin(offsets[d], words, state)
        total = 0
        while state[POSITION] < offsets[d + 1]:
            n = fill(data, offsets[d + 1], table, power, edges, words, state, found)
            for j in range(n):
                hashes[j] = premix(np.uint32(found[j] >> np.uint64(32)))
            lower_minima(a, b, hashes, n, signature)
            total += n
        shingles[d] = total
