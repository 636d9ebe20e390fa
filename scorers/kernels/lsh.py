"""Candidate pairs of near-duplicates: documents whose signatures agree in all rows of some band."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from scorers.kernels.jit import MIX_1, MIX_2, kernel, mix, step

NO_KEY = np.uint64(0)
"""Band key of a document without shingles, which is a candidate with nothing."""
FREE = np.uint64(0xFFFFFFFFFFFFFFFF)
MAX_DOCUMENTS = 2**31 - 1
FIRST_SLOTS = 1 << 16
MAX_BUCKET = 128
NEIGHBOURS = 8


@dataclass(frozen=True, slots=True)
class Candidates:
    """K distinct pairs in ascending order: a, b: i32[K] with a < b. overflowed_buckets: how many were larger than
    `max_bucket`, so that not all of their pairs are here."""

    a: npt.NDArray[np.int32]
    b: npt.NDArray[np.int32]
    overflowed_buckets: int


@kernel
def write_band_keys(signatures: Any, rows: int, keys: Any) -> None:
    """signatures: u32[D, P] -> keys: u64[bands, D] with bands * rows <= P."""
    for d in range(signatures.shape[0]):
        signature = signatures[d]
        filled = False
        for p in range(signature.size):
            filled |= signature[p] != np.uint32(0xFFFFFFFF)
        for band in range(keys.shape[0]):
            h = MIX_1
            for row in range(band * rows, (band + 1) * rows):
                h = (h ^ np.uint64(signature[row])) * MIX_2
                h ^= h >> np.uint64(32)
            h = mix(h)
            keys[band, d] = max(h, np.uint64(1)) if filled else NO_KEY


def band_keys(signatures: npt.NDArray[np.uint32], bands: int, rows: int) -> npt.NDArray[np.uint64]:
    """One 64-bit key a band and document: signatures: u32[D, P] -> u64[bands, D].

    A band's keys lie together, so that a band can be joined from disk (a memory map of u64[bands, D]) and shards be
    concatenated along the second axis. Different rows share a key with probability 2^-64; verification sees to those.
    """
    if bands < 1 or rows < 1 or bands * rows > signatures.shape[1]:
        raise ValueError(
            f"{bands} bands of {rows} rows need {bands * rows} minima, a signature has {signatures.shape[1]}"
        )
    keys = np.empty((bands, len(signatures)), dtype=np.uint64)
    write_band_keys(signatures, rows, keys)
    return keys


@kernel
def group_by_key(keys: Any, heads: Any, first: Any, size: Any) -> Any:
    """Documents of one band by key: keys: u64[D], heads: i32[2^k >= 2 D], all -1 -> first: i32[D], the first document
    with the same key, and size: i32[D], at that document the number of those. Returns (buckets, their members)."""
    mask = heads.size - 1
    buckets = 0
    members = 0
    for d in range(keys.size):
        size[d] = 0
        first[d] = d
        key = keys[d]
        if key == NO_KEY:
            continue
        slot = np.int64(key >> np.uint64(20)) & mask
        while heads[slot] >= 0 and keys[heads[slot]] != key:
            slot = (slot + 1) & mask
        if heads[slot] < 0:
            heads[slot] = d
        head = heads[slot]
        first[d] = head
        size[head] += 1
        if size[head] == 2:
            buckets += 1
            members += 2
        elif size[head] > 2:
            members += 1
    return buckets, members


@kernel
def gather_buckets(first: Any, size: Any, bounds: Any, members: Any) -> None:
    """Buckets of two and more as lists: bounds: i64[buckets+1], members: i32[M], ascending in each. Overwrites size."""
    n = 0
    at = 0
    bounds[0] = 0
    for d in range(first.size):
        head = first[d]
        if head == d:
            if size[d] < 2:
                size[d] = -1
                continue
            at += size[d]
            n += 1
            bounds[n] = at
            # from here on: where the bucket's next member goes
            size[d] = bounds[n - 1]
        if size[head] >= 0:
            members[size[head]] = d
            size[head] += 1


@step
def put_pair(slots: Any, i: int, j: int) -> int:
    """Add a pair to the set; 1 if it is new."""
    pair = np.uint64(min(i, j)) << np.uint64(32) | np.uint64(max(i, j))
    mask = slots.size - 1
    slot = np.int64(mix(pair) >> np.uint64(8)) & mask
    while slots[slot] != FREE:
        if slots[slot] == pair:
            return 0
        slot = (slot + 1) & mask
    slots[slot] = pair
    return 1


@kernel
def put_buckets(bounds: Any, members: Any, bucket: int, max_bucket: int, slots: Any, used: int) -> Any:
    """All pairs of every bucket from `bucket` on that has at most max_bucket members, until the set is half full.
    Returns (the next bucket, pairs in the set)."""
    while bucket < bounds.size - 1:
        start, end = bounds[bucket], bounds[bucket + 1]
        n = end - start
        if n <= max_bucket:
            if 2 * (used + n * (n - 1) // 2) > slots.size:
                break
            for x in range(start, end):
                for y in range(x + 1, end):
                    used += put_pair(slots, members[x], members[y])
        bucket += 1
    return bucket, used


@kernel
def put_pairs(a: Any, b: Any, slots: Any, used: int) -> Any:
    """Add K pairs, in any order of their sides, to a set with room for them; returns pairs in the set."""
    for k in range(a.size):
        if a[k] != b[k]:
            used += put_pair(slots, a[k], b[k])
    return used


def candidate_pairs(
    keys: npt.NDArray[np.uint64],
    rank: npt.NDArray[np.integer[Any]],
    max_bucket: int = MAX_BUCKET,
    neighbours: int = NEIGHBOURS,
) -> Candidates:
    """Every pair that shares a key in some band. keys: u64[bands, D]; rank: [D], unique, the lower the rather kept.

    Of a bucket of more than `max_bucket` documents come at most (neighbours + 1) pairs a document: its members are
    sorted by their keys in the two bands that follow (like ones side by side), then by rank; each is paired with the
    next `neighbours` and with the bucket's lowest rank. So a bucket costs at most max(max_bucket / 2, neighbours + 1)
    pairs a document, and the pairs are the same whatever the order of the documents.

    Memory beside the keys: 16 to 24 bytes a document and 16 to 32 a pair.
    """
    bands, documents = keys.shape
    if documents > MAX_DOCUMENTS:
        raise ValueError(f"{documents} documents in one join, at most {MAX_DOCUMENTS}: join by ranges of the band key")
    heads = np.empty(1 << max(1, (2 * documents - 1).bit_length()), dtype=np.int32)
    first, size = np.empty(documents, dtype=np.int32), np.empty(documents, dtype=np.int32)
    pairs = np.full(FIRST_SLOTS, FREE, dtype=np.uint64)
    used = overflowed = 0
    for band in range(bands):
        heads.fill(-1)
        buckets, in_buckets = group_by_key(keys[band], heads, first, size)
        bounds, members = np.empty(buckets + 1, dtype=np.int64), np.empty(in_buckets, dtype=np.int32)
        gather_buckets(first, size, bounds, members)
        pairs, used = _put_small_buckets(bounds, members, max_bucket, pairs, used)
        for bucket in np.flatnonzero(np.diff(bounds) > max_bucket):
            found = members[bounds[bucket] : bounds[bucket + 1]]
            pairs, used = _put_large_bucket(_in_order(keys, band, rank, found), rank, neighbours, pairs, used)
            overflowed += 1
    del heads, first, size
    packed = np.sort(pairs[pairs != FREE])
    a, b = (packed >> np.uint64(32)).astype(np.int32), (packed & np.uint64(0xFFFFFFFF)).astype(np.int32)
    return Candidates(a, b, overflowed)


def _put_small_buckets(
    bounds: npt.NDArray[np.int64],
    members: npt.NDArray[np.int32],
    max_bucket: int,
    pairs: npt.NDArray[np.uint64],
    used: int,
) -> tuple[npt.NDArray[np.uint64], int]:
    bucket, used = put_buckets(bounds, members, 0, max_bucket, pairs, used)
    while bucket < len(bounds) - 1:
        n = int(bounds[bucket + 1] - bounds[bucket])
        pairs, used = _with_room(pairs, used, n * (n - 1) // 2)
        bucket, used = put_buckets(bounds, members, bucket, max_bucket, pairs, used)
    return pairs, used


def _in_order(
    keys: npt.NDArray[np.uint64], band: int, rank: npt.NDArray[np.integer[Any]], members: npt.NDArray[np.int32]
) -> npt.NDArray[np.int32]:
    bands = len(keys)
    order = np.lexsort((rank[members], keys[(band + 2) % bands][members], keys[(band + 1) % bands][members]))
    return members[order]


def _put_large_bucket(
    ordered: npt.NDArray[np.int32],
    rank: npt.NDArray[np.integer[Any]],
    neighbours: int,
    pairs: npt.NDArray[np.uint64],
    used: int,
) -> tuple[npt.NDArray[np.uint64], int]:
    best = np.full(len(ordered), ordered[np.argmin(rank[ordered])], dtype=np.int32)
    partners = [(ordered, best)] + [(ordered[:-k], ordered[k:]) for k in range(1, neighbours + 1)]
    for a, b in partners:
        pairs, used = _with_room(pairs, used, len(a))
        used = put_pairs(a, b, pairs, used)
    return pairs, used


def _with_room(pairs: npt.NDArray[np.uint64], used: int, more: int) -> tuple[npt.NDArray[np.uint64], int]:
    """The set, in a larger table if `more` pairs would fill it beyond a half."""
    if 2 * (used + more) <= len(pairs):
        return pairs, used
    held = pairs[pairs != FREE]
    larger = np.full(1 << (2 * (used + more) - 1).bit_length(), FREE, dtype=np.uint64)
    a, b = (held >> np.uint64(32)).astype(np.int32), (held & np.uint64(0xFFFFFFFF)).astype(np.int32)
    return larger, put_pairs(a, b, larger, 0)
