"""Places of documents in buckets, sorted, as the table `bands` holds them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from scorers.kernels.jit import kernel
from scorers.kernels.lsh import NO_KEY, Keys, Members, near_key, write_band_keys

UPPER_BITS = 10
"""Streams that the first pass writes: more than a core's cache has lines for cost more than they save."""


@kernel
def part_keys(keys: Any, chosen: Any, ends: Any, parted: Any) -> Any:
    """The keys of chosen documents by their upper bits: keys: u64[bands, D], chosen: bool[D], ends: i64[2^k] with k >= 1
    -> ends: where the keys with these bits end; parted: u64[bands * D, 2], a key, and its `near_key` above the document, by
    band and document. Returns how many."""
    shift = np.uint64(64)
    places = ends.size
    while places > 1:
        places >>= 1
        shift -= np.uint64(1)
    ends[:] = 0
    for b in range(keys.shape[0]):
        for d in range(keys.shape[1]):
            if chosen[d] and keys[b, d] != NO_KEY:
                ends[np.int64(keys[b, d] >> shift)] += 1
    n = np.int64(0)
    for place in range(ends.size):
        many = ends[place]
        ends[place] = n
        n += many
    for b in range(keys.shape[0]):
        one, other = keys[(b + 1) % keys.shape[0]], keys[(b + 2) % keys.shape[0]]
        for d in range(keys.shape[1]):
            if chosen[d] and keys[b, d] != NO_KEY:
                upper = np.int64(keys[b, d] >> shift)
                at = ends[upper]
                ends[upper] = at + 1
                parted[at, 0] = keys[b, d]
                parted[at, 1] = np.uint64(near_key(one[d], other[d])) << np.uint64(32) | np.uint64(d)
    return n


@kernel
def sort_parted(
    parted: Any, start: Any, ends: Any, shift: Any, places: Any, names: Any, key: Any, text: Any, near: Any, row: Any
) -> None:
    """Some of what `part_keys` made, sorted: those from `start` to the last of ends: i64[E], N in all; places: i64[2^l], for the
    l bits above `shift`, which follow those they are parted by; names: u64[D], of each document -> key: u64[N], text: u64[N],
    near: u32[N], row: i32[N], equal keys by band and row.

    Keys are hashes, so that the next bits leave one or two to each place; a place with many has equal ones."""
    mask = np.uint64(places.size - 1)
    first = start
    for end in ends:
        places[:] = 0
        for i in range(start, end):
            places[np.int64(parted[i, 0] >> shift & mask)] += 1
        n = start - first
        for place in range(places.size):
            many = places[place]
            places[place] = n
            n += many
        for i in range(start, end):
            following = np.int64(parted[i, 0] >> shift & mask)
            at = places[following]
            places[following] = at + 1
            key[at] = parted[i, 0]
            near[at] = np.uint32(parted[i, 1] >> np.uint64(32))
            row[at] = np.int32(parted[i, 1] & np.uint64(0xFFFFFFFF))
        for i in range(start - first + 1, end - first):
            k, like, d = key[i], near[i], row[i]
            j = i
            while j > start - first and key[j - 1] > k:
                key[j], near[j], row[j] = key[j - 1], near[j - 1], row[j - 1]
                j -= 1
            key[j], near[j], row[j] = k, like, d
        for i in range(start - first, end - first):
            text[i] = names[row[i]]
        start = end


def keys_of_batches(signatures: Iterable[npt.NDArray[np.uint32]], documents: int, bands: int, rows: int) -> Keys:
    """`band_keys` of so many documents whose signatures come by some at a time, u32[?, P] each: u64[bands, documents]."""
    keys = np.empty((bands, documents), np.uint64)
    start = 0
    for some in signatures:
        write_band_keys(some, rows, start, keys)
        start += len(some)
    if start != documents:
        raise ValueError(f"{start} signatures for {documents} documents: their notes are of another text")
    return keys


def sorted_entries(
    keys: Keys, text: Keys, chosen: npt.NDArray[np.bool_], pieces: int = 1
) -> Iterator[tuple[Keys, Keys, npt.NDArray[np.uint32], Members]]:
    """Entries by key, as `Entries` has them, with rows for documents. keys: u64[bands, D], text: u64[D], chosen:
    bool[D], the documents that take part -> for each of so many equal ranges of keys (a power of two, at most 2^10):
    (key u64[N], text u64[N], near u32[N], row i32[N]). In pieces, memory is used again while it is in the cache."""
    bits = max(2, (keys.size >> 1).bit_length())
    upper = max(min(UPPER_BITS, bits // 2), pieces.bit_length() - 1)
    lower = max(1, bits - upper)
    ends, places = np.empty(1 << upper, np.int64), np.empty(1 << lower, np.int64)
    parted = np.empty((keys.size, 2), np.uint64)
    part_keys(keys, chosen, ends, parted)
    start = 0
    for some in ends.reshape(pieces, -1):
        n = int(some[-1]) - start
        key, names = np.empty(n, np.uint64), np.empty(n, np.uint64)
        near, row = np.empty(n, np.uint32), np.empty(n, np.int32)
        sort_parted(parted, start, some, np.uint64(64 - upper - lower), places, text, key, names, near, row)
        yield key, names, near, row
        start += n
