"""Candidate pairs of near-duplicates: documents whose signatures agree in all rows of some band."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from scorers.kernels.jit import MIX_1, MIX_2, kernel, leaf, mix, step

NO_KEY = np.uint64(0)
"""Band key of a document without shingles, which is a candidate with nothing."""
FREE = np.uint64(0xFFFFFFFFFFFFFFFF)
MAX_ENTRIES = 2**31 - 1
FIRST_SLOTS = 1 << 16
MAX_BUCKET = 128
NEIGHBOURS = 8

Whole = npt.NDArray[np.int64]
Keys = npt.NDArray[np.uint64]
Members = npt.NDArray[np.int32]
NONE: Whole = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class Candidates:
    """K distinct pairs, in any order: a, b: i64[K] with a < b. overflowed_buckets: how many were larger than
    `max_bucket`, so that not all of their pairs are here."""

    a: Whole
    b: Whole
    overflowed_buckets: int


@dataclass(frozen=True, slots=True)
class Entries:
    """N places in buckets. key: u64[N], the bucket (NO_KEY: none); text: u64[N], names a document's text, the lower the
    rather kept: entries of one bucket with equal texts are taken for one; near: u32[N], like documents have like ones;
    document: i64[N], rising among the entries of one bucket."""

    key: Keys
    text: Keys
    near: npt.NDArray[np.uint32]
    document: Whole

    def take(self, chosen: npt.NDArray[np.generic]) -> Entries:
        """Some of them, by mask or position."""
        return Entries(self.key[chosen], self.text[chosen], self.near[chosen], self.document[chosen])


@kernel
def write_band_keys(signatures: Any, rows: int, start: int, keys: Any) -> None:
    """signatures: u32[D, P] -> keys: u64[bands, start + D and more] from `start` on, with bands * rows <= P."""
    for d in range(signatures.shape[0]):
        signature = signatures[d]
        filled = False
        for p in range(signature.size):
            if signature[p] != np.uint32(0xFFFFFFFF):
                filled = True
                break
        for band in range(keys.shape[0]):
            # buckets of all bands lie in one table: the band's number is mixed first, so that no minimum can undo it
            h = mix(MIX_1 + np.uint64(band))
            for row in range(band * rows, (band + 1) * rows):
                h = (h ^ np.uint64(signature[row])) * MIX_2
                h ^= h >> np.uint64(32)
            h = mix(h)
            keys[band, start + d] = max(h, np.uint64(1)) if filled else NO_KEY


def band_keys(signatures: npt.NDArray[np.uint32], bands: int, rows: int) -> Keys:
    """One 64-bit key a band and document: signatures: u32[D, P] -> u64[bands, D].

    A band's keys lie together, so that shards can be concatenated along the second axis. Different rows share a key with
    probability 2^-64; verification sees to those.
    """
    if bands < 1 or rows < 1 or bands * rows > signatures.shape[1]:
        raise ValueError(
            f"{bands} bands of {rows} rows need {bands * rows} minima, a signature has {signatures.shape[1]}"
        )
    keys = np.empty((bands, len(signatures)), dtype=np.uint64)
    write_band_keys(signatures, rows, 0, keys)
    return keys


@leaf
def near_key(one: Any, other: Any) -> Any:
    """By which the members of a bucket that is too large are put side by side: the upper 16 bits of a document's keys in
    the two bands that follow."""
    return np.uint32(one >> np.uint64(48) << np.uint64(16) | other >> np.uint64(48))


@kernel
def write_near(keys: Any, band: int, near: Any) -> None:
    """`near_key` of all documents in one band: keys: u64[bands, D] -> near: u32[D]."""
    bands = keys.shape[0]
    one, other = keys[(band + 1) % bands], keys[(band + 2) % bands]
    for d in range(near.size):
        near[d] = near_key(one[d], other[d])


@kernel
def group_by_key(keys: Any, heads: Any, first: Any, size: Any) -> Any:
    """Entries by key: keys: u64[N], heads: i32[2^k >= 2 N], all -1 -> first: i32[N], the first entry with the same key,
    and size: i32[N], at that entry the number of those. Returns (buckets of two and more, their members)."""
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


def sharing(keys: Keys) -> Members:
    """The entries whose key another one has, too, by key: u64[N] -> i32[M]; those of one key side by side, rising."""
    return _buckets(keys)[1]


def bucket_pairs(entries: Entries, max_bucket: int = MAX_BUCKET, neighbours: int = NEIGHBOURS) -> Candidates:
    """Every pair of documents that share a bucket; of documents with equal texts in a bucket the first alone.

    Of a bucket of more than `max_bucket` texts come at most (neighbours + 1) pairs a document: its members are sorted by
    `near` (like ones side by side), then by text; each is paired with the next `neighbours` and with the bucket's lowest
    text. So a bucket costs at most max(max_bucket / 2, neighbours + 1) pairs a document, and the pairs are the same
    whatever the order of the documents.

    Memory beside the entries: 16 to 24 bytes each, 28 to 52 one that shares its bucket, 24 to 48 a pair.
    """
    if len(entries.key) > MAX_ENTRIES:
        raise ValueError(f"{len(entries.key)} entries in one join, at most {MAX_ENTRIES}: join by ranges of the key")
    shared = entries.take(sharing(entries.key))
    first, _ = _grouped(_mixed(shared.key, shared.text))
    shared = shared.take(first == np.arange(len(first)))
    bounds, members = _buckets(shared.key)
    # numbers that keep order, of which a pair packs into 64 bits, however many documents there are
    few = int(shared.document.max(initial=0)) <= MAX_ENTRIES
    documents, places = (NONE, shared.document) if few else np.unique(shared.document, return_inverse=True)
    dense: Members = places.astype(np.int32)
    pairs = np.full(FIRST_SLOTS, FREE, dtype=np.uint64)
    pairs, used = _put_small_buckets(bounds, dense[members], max_bucket, pairs, 0)
    large = np.flatnonzero(np.diff(bounds) > max_bucket)
    for bucket in large:
        found = members[bounds[bucket] : bounds[bucket + 1]]
        found = found[np.lexsort((shared.text[found], shared.near[found]))]
        best = found[np.argmin(shared.text[found])]
        pairs, used = _put_large_bucket(dense[found], dense[best], neighbours, pairs, used)
    packed = pairs[pairs != FREE].view(np.int64)
    a, b = packed >> 32, packed & 0xFFFFFFFF
    return Candidates(a, b, len(large)) if few else Candidates(documents[a], documents[b], len(large))


def candidate_pairs(
    keys: Keys, rank: npt.NDArray[np.integer[Any]], max_bucket: int = MAX_BUCKET, neighbours: int = NEIGHBOURS
) -> Candidates:
    """`bucket_pairs` of documents that are all in memory, band by band, in ascending order. keys: u64[bands, D]; rank: [D], unique, the lower
    the rather kept."""
    documents, text, found = np.arange(keys.shape[1]), rank.astype(np.uint64), []
    for band in range(len(keys)):
        near = np.empty(len(documents), np.uint32)
        write_near(keys, band, near)
        found.append(bucket_pairs(Entries(keys[band], text, near, documents), max_bucket, neighbours))
    packed = np.sort(np.concatenate([NONE, *(f.a << 32 | f.b for f in found)]))
    packed = packed[np.diff(packed, prepend=-1) > 0]
    return Candidates(packed >> 32, packed & 0xFFFFFFFF, sum(f.overflowed_buckets for f in found))


def _mixed(key: Keys, text: Keys) -> Keys:
    """One key of two, never NO_KEY."""
    h = (text ^ MIX_1) * MIX_2
    made: Keys = np.maximum((key ^ h ^ (h >> np.uint64(32))) * MIX_2, np.uint64(1))
    return made


def _grouped(keys: Keys) -> tuple[Members, Members]:
    """(first, size) as `group_by_key` gives them."""
    heads = np.full(1 << max(1, (2 * len(keys) - 1).bit_length()), -1, dtype=np.int32)
    first, size = np.empty(len(keys), dtype=np.int32), np.empty(len(keys), dtype=np.int32)
    group_by_key(keys, heads, first, size)
    return first, size


def _buckets(keys: Keys) -> tuple[Whole, Members]:
    """Bounds i64[buckets+1] and members of the buckets of two and more."""
    first, size = _grouped(keys)
    shared = size[size > 1]
    bounds, members = np.empty(len(shared) + 1, dtype=np.int64), np.empty(int(shared.sum()), dtype=np.int32)
    gather_buckets(first, size, bounds, members)
    return bounds, members


def _put_small_buckets(bounds: Whole, members: Members, max_bucket: int, pairs: Keys, used: int) -> tuple[Keys, int]:
    bucket, used = put_buckets(bounds, members, 0, max_bucket, pairs, used)
    while bucket < len(bounds) - 1:
        n = int(bounds[bucket + 1] - bounds[bucket])
        pairs, used = _with_room(pairs, used, n * (n - 1) // 2)
        bucket, used = put_buckets(bounds, members, bucket, max_bucket, pairs, used)
    return pairs, used


def _put_large_bucket(
    ordered: Members, best: np.int32, neighbours: int, pairs: Keys, used: int
) -> tuple[Keys, int]:  # fmt: skip
    partners = [(ordered, np.full(len(ordered), best, dtype=np.int32))]
    partners += [(ordered[:-k], ordered[k:]) for k in range(1, neighbours + 1)]
    for a, b in partners:
        pairs, used = _with_room(pairs, used, len(a))
        used = put_pairs(a, b, pairs, used)
    return pairs, used


def _with_room(pairs: Keys, used: int, more: int) -> tuple[Keys, int]:
    """The set, in a larger table if `more` pairs would fill it beyond a half."""
    if 2 * (used + more) <= len(pairs):
        return pairs, used
    held = pairs[pairs != FREE]
    larger = np.full(1 << (2 * (used + more) - 1).bit_length(), FREE, dtype=np.uint64)
    a, b = (held >> np.uint64(32)).astype(np.int32), (held & np.uint64(0xFFFFFFFF)).astype(np.int32)
    return larger, put_pairs(a, b, larger, 0)
