"""Repeated lines and paragraphs. Rae et al., arXiv:2112.11446, Table A1."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from scorers.kernels.characters import code_points, strip_left, strip_right
from scorers.kernels.jit import hash_bytes, inline, kernel, leaf

I64 = npt.NDArray[np.int64]


@leaf
def table_slots(elements: int) -> int:
    """Slots of a hash table for that many elements: a power of two, at most half full."""
    slots = 16
    while slots < 2 * elements:
        slots *= 2
    return slots


@inline
def first_equal(slots: Any, mask: int, keys: Any, j: int) -> int:
    """Look keys[j] up among the positions in slots: i32, -1 where empty; the first position of an equal key, or j,
    which then takes a slot. Keys are mixed 64-bit hashes: equal hashes are taken for equal elements."""
    k: int = np.int64(keys[j] & np.uint64(mask))  # type: ignore[assignment]
    found: int = slots[k]
    found = j if found < 0 else found
    slots[k] = found
    # a place that is free takes j, and j equals itself: whether it was is not branched on, as it cannot be foreseen
    while keys[found] != keys[j]:
        k = (k + 1) & mask
        found = slots[k]
        found = j if found < 0 else found
        slots[k] = found
    return found


@kernel
def duplicates(bounds: Any, keys: Any, chars: Any, out: Any) -> None:
    """Elements that occur more than once. bounds: i64[D+1], keys: u64[E], chars: i64[E] -> out: i64[D, 6]: elements;
    their chars; second and later occurrences; their chars; all occurrences of repeated elements; their chars."""
    most = 1
    for d in range(bounds.size - 1):
        most = max(most, bounds[d + 1] - bounds[d])
    slots = np.empty(table_slots(most), np.int32)
    repeated = np.empty(most, np.bool_)
    for d in range(bounds.size - 1):
        a = bounds[d]
        n = bounds[d + 1] - a
        size = table_slots(n)
        slots[:size] = -1
        total, later, later_chars, firsts, firsts_chars = 0, 0, 0, 0, 0
        own, own_chars = keys[a : a + n], chars[a : a + n]
        for j in range(n):
            total += own_chars[j]
            repeated[j] = False
            first = first_equal(slots, size - 1, own, j)
            if first != j:
                later += 1
                later_chars += own_chars[j]
                if not repeated[first]:
                    repeated[first] = True
                    firsts += 1
                    firsts_chars += own_chars[j]
        out[d, 0] = n
        out[d, 1] = total
        out[d, 2] = later
        out[d, 3] = later_chars
        out[d, 4] = later + firsts
        out[d, 5] = later_chars + firsts_chars


@kernel
def bare_hashes(data: Any, start: Any, end: Any, bare_start: Any, bare_end: Any, keys: Any, chars: Any) -> None:
    """Make keys and chars of lines (u64[L], i64[L], given for the whole lines) those of the stripped lines."""
    for k in range(start.size):
        s, e = bare_start[k], bare_end[k]
        if s != start[k] or e != end[k]:
            keys[k] = hash_bytes(data, s, e - s)
            chars[k] = code_points(data, s, e)


@kernel
def paragraphs(
    data: Any, offsets: Any, bounds: Any, start: Any, end: Any, strip_each: bool, out: Any, keys: Any, chars: Any
) -> None:
    """Paragraphs, divided by two newlines or more, from lines: bounds i64[D+1], start, end i64[L].

    strip_each: strip every paragraph and drop the empty ones (DCLM); else re.split("\\n{2,}", text.strip()), of which
    there is always one (datatrove). Writes out: i64[D+1] their bounds, keys: u64[P], chars: i64[P]; P <= L.
    """
    n = 0
    for d in range(offsets.size - 1):
        text_start = strip_left(data, offsets[d], offsets[d + 1])
        text_end = strip_right(data, text_start, offsets[d + 1])
        k = bounds[d]
        while k < bounds[d + 1]:
            first = k
            while k < bounds[d + 1] and start[k] < end[k]:
                k += 1
            if k == first:
                k += 1
                continue
            s, e = max(start[first], text_start), min(end[k - 1], text_end)
            if strip_each:
                s = strip_left(data, s, e)
                e = strip_right(data, s, e)
            if s < e:
                keys[n] = hash_bytes(data, s, e - s)
                chars[n] = code_points(data, s, e)
                n += 1
        if n == out[d] and not strip_each:
            keys[n] = 0
            chars[n] = 0
            n += 1
        out[d + 1] = n


def duplicate_counts(bounds: I64, keys: npt.NDArray[np.uint64], chars: I64) -> I64:
    """i64[D, 6] as `duplicates` writes them."""
    counts = np.empty((len(bounds) - 1, 6), np.int64)
    duplicates(bounds, keys, chars, counts)
    return counts


def selected(
    bounds: I64, keys: npt.NDArray[np.uint64], chars: I64, keep: npt.NDArray[np.bool_]
) -> tuple[I64, npt.NDArray[np.uint64], I64]:
    """Bounds, keys and chars of the elements that `keep` marks."""
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(keep)])
    return before[bounds], keys[keep], chars[keep]
