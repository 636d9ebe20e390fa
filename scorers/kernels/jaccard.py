"""How alike two documents are: exactly, from their sets of shingles, and estimated, from their signatures."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from scorers.kernels.folding import word_table
from scorers.kernels.jit import kernel
from scorers.kernels.shingles import CHUNK, POSITION, base_power, begin, fill


@kernel
def write_shingles(data: Any, offsets: Any, table: Any, ngram: int, bounds: Any, out: Any) -> None:
    """The 64-bit shingle hashes of every document, in order, repeats included.

    data: u8[B], offsets: i64[D+1] -> bounds: i64[D+1], out: u64[>= B // 2 + D]: a word takes two bytes, with what
    parts it from the next.
    """
    power = base_power(ngram)
    edges = np.empty(CHUNK + 2, np.int64)
    words = np.empty(ngram + CHUNK, np.uint64)
    state = np.zeros(3, np.uint64)
    bounds[0] = 0
    for d in range(offsets.size - 1):
        begin(offsets[d], words, state)
        n = bounds[d]
        while state[POSITION] < offsets[d + 1]:
            n += fill(data, offsets[d + 1], table, power, edges, words, state, out[n:])
        bounds[d + 1] = n


@kernel
def drop_repeats(bounds: Any, hashes: Any) -> int:
    """Close up the repeats in D sorted runs, in place: bounds: i64[D+1], hashes: u64[S] -> how many are left."""
    kept = 0
    start = bounds[0]
    for d in range(bounds.size - 1):
        end = bounds[d + 1]
        bounds[d] = kept
        for i in range(start, end):
            if i == start or hashes[i] != hashes[i - 1]:
                hashes[kept] = hashes[i]
                kept += 1
        start = end
    bounds[bounds.size - 1] = kept
    return kept


def shingle_sets(
    data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], ngram: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint64]]:
    """The set of shingles of every document: data: u8[B], offsets: i64[D+1] -> bounds: i64[D+1] and hashes: u64[S],
    those of document d sorted and distinct in hashes[bounds[d]:bounds[d+1]].

    The same shingles as `minhash.sign`. Needs at most 4 bytes of memory a byte of text while it runs.
    """
    bounds = np.empty(len(offsets), dtype=np.int64)
    room = (offsets[-1] - offsets[0]) // 2 + len(offsets)
    hashes = np.empty(room, dtype=np.uint64)
    write_shingles(data, offsets, word_table(), ngram, bounds, hashes)
    for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        # numpy sorts in vectors: 7 to 10 times faster than a kernel from 500 shingles on, 1.4 times at 20
        hashes[start:end].sort()
    # gives back what is not used, in place
    hashes.resize(drop_repeats(bounds, hashes), refcheck=False)
    return bounds, hashes


@kernel
def jaccard_between(left_bounds: Any, left: Any, right_bounds: Any, right: Any, a: Any, b: Any) -> Any:
    """Exact Jaccard similarity of K pairs of documents, the first of each among D, the second among E.

    left_bounds: i64[D+1], left: u64[S] and right_bounds: i64[E+1], right: u64[T] (each of `shingle_sets`), a, b: i32[K]
    -> f64[K]. A document without shingles is like nothing, not even another such.
    """
    found = np.zeros(a.size, np.float64)
    for k in range(a.size):
        i, i_end = left_bounds[a[k]], left_bounds[a[k] + 1]
        j, j_end = right_bounds[b[k]], right_bounds[b[k] + 1]
        sizes = (i_end - i) + (j_end - j)
        shared = 0
        while i < i_end and j < j_end:
            x = left[i]
            y = right[j]
            # without branches: which side moves on is a coin toss to the predictor
            shared += x == y
            i += x <= y
            j += y <= x
        if shared > 0:
            found[k] = shared / (sizes - shared)
    return found


def pair_jaccard(
    bounds: npt.NDArray[np.int64], hashes: npt.NDArray[np.uint64], a: npt.NDArray[np.int32], b: npt.NDArray[np.int32]
) -> npt.NDArray[np.float64]:
    """`jaccard_between` within one set of documents."""
    found: npt.NDArray[np.float64] = jaccard_between(bounds, hashes, bounds, hashes, a, b)
    return found


@kernel
def estimate(signatures: Any, a: Any, b: Any) -> Any:
    """Estimated Jaccard similarity of K pairs: signatures: u32[D, P], a, b: i32[K] -> f64[K].

    The share of equal minima, with standard deviation sqrt(J (1 - J) / P) around the exact J.
    """
    permutations = signatures.shape[1]
    found = np.empty(a.size, np.float64)
    for k in range(a.size):
        equal = 0
        for p in range(permutations):
            equal += signatures[a[k], p] == signatures[b[k], p]
        found[k] = equal / permutations
    return found
