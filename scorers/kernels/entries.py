"""A shard's places in buckets, sorted, as the table `bands` holds them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from scorers.kernels.jit import kernel
from scorers.kernels.lsh import NO_KEY, Keys, Members, near_key


@kernel
def sort_keys(keys: Any, chosen: Any, bounds: Any, key: Any, near: Any, row: Any) -> Any:
    """The keys of chosen documents, ascending: keys: u64[bands, D], chosen: bool[D], bounds: i64[2^k+1] with k >= 1
    -> key: u64[bands * D], near: u32[bands * D], row: i32[bands * D], equal keys by band and row. Returns how many.

    Keys are hashes, so one pass by their upper bits leaves a few to each of 2^k places; a place with many has equal ones.
    """
    shift = np.uint64(65)
    places = bounds.size - 1
    while places > 0:
        places >>= 1
        shift -= np.uint64(1)
    bounds[:] = 0
    for b in range(keys.shape[0]):
        for d in range(keys.shape[1]):
            if chosen[d] and keys[b, d] != NO_KEY:
                bounds[np.int64(keys[b, d] >> shift) + 1] += 1
    for place in range(1, bounds.size):
        bounds[place] += bounds[place - 1]
    n = bounds[bounds.size - 1]
    for b in range(keys.shape[0]):
        one, other = keys[(b + 1) % keys.shape[0]], keys[(b + 2) % keys.shape[0]]
        for d in range(keys.shape[1]):
            if chosen[d] and keys[b, d] != NO_KEY:
                upper = np.int64(keys[b, d] >> shift)
                at = bounds[upper]
                bounds[upper] += 1
                key[at] = keys[b, d]
                near[at] = near_key(one[d], other[d])
                row[at] = d
    for place in range(bounds.size - 1):
        start, end = bounds[place - 1] if place else 0, bounds[place]
        for i in range(start + 1, end):
            k, like, d = key[i], near[i], row[i]
            j = i
            while j > start and key[j - 1] > k:
                key[j], near[j], row[j] = key[j - 1], near[j - 1], row[j - 1]
                j -= 1
            key[j], near[j], row[j] = k, like, d
    return n


def sorted_entries(
    keys: Keys, text: Keys, chosen: npt.NDArray[np.bool_]
) -> tuple[Keys, Keys, npt.NDArray[np.uint32], Members]:
    """A shard's entries by key, as `Entries` has them, with rows for documents. keys: u64[bands, D], text: u64[D], chosen:
    bool[D], the documents that take part -> (key u64[N], text u64[N], near u32[N], row i32[N])."""
    room = keys.size
    bounds = np.empty((1 << max(1, (room >> 2).bit_length())) + 1, np.int64)
    key, near, row = np.empty(room, np.uint64), np.empty(room, np.uint32), np.empty(room, np.int32)
    n = sort_keys(keys, chosen, bounds, key, near, row)
    return key[:n], text[row[:n]], near[:n], row[:n]
