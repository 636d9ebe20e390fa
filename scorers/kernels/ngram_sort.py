"""Sorting and joining records of n-grams: u64[R, 3], a 128-bit key (high, low) and 64 bits that go with it.

A key holds word numbers of a fixed width in bits, the last word of the n-gram highest: sorted keys are in suffix order,
and the key of an n-gram without its first words is a shift to the right.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scorers.kernels.jit import inline, kernel

DIGIT_BITS = 11
DIGITS = 1 << DIGIT_BITS


@inline
def high_right(high: np.uint64, bits: int) -> np.uint64:
    """The high half of a key shifted right."""
    return high >> np.uint64(bits) if bits < 64 else np.uint64(0)


@inline
def low_right(high: np.uint64, low: np.uint64, bits: int) -> np.uint64:
    """The low half of a key shifted right."""
    if bits == 0:
        return low
    if bits >= 64:
        return high >> np.uint64(bits - 64) if bits < 128 else np.uint64(0)
    return (low >> np.uint64(bits)) | (high << np.uint64(64 - bits))


@inline
def high_left(high: np.uint64, low: np.uint64, bits: int) -> np.uint64:
    """The high half of a key shifted left."""
    if bits == 0:
        return high
    if bits >= 64:
        return low << np.uint64(bits - 64) if bits < 128 else np.uint64(0)
    return (high << np.uint64(bits)) | (low >> np.uint64(64 - bits))


@inline
def low_left(low: np.uint64, bits: int) -> np.uint64:
    """The low half of a key shifted left."""
    return low << np.uint64(bits) if bits < 64 else np.uint64(0)


@inline
def low_ones(bits: int) -> np.uint64:
    """The low half of a key of so many one bits."""
    return np.uint64(0xFFFFFFFFFFFFFFFF) if bits >= 64 else (np.uint64(1) << np.uint64(bits)) - np.uint64(1)


@inline
def high_ones(bits: int) -> np.uint64:
    """The high half of a key of so many one bits."""
    if bits <= 64:
        return np.uint64(0)
    return np.uint64(0xFFFFFFFFFFFFFFFF) if bits >= 128 else (np.uint64(1) << np.uint64(bits - 64)) - np.uint64(1)


@kernel
def sort_records(records: Any, scratch: Any, bits: int) -> bool:
    """Sort R records by keys of so many bits, stably, low digits first; scratch: u64[R, 3]. -> whether the sorted ones
    are in scratch. A digit that all records share costs no pass."""
    counts = np.zeros(DIGITS, np.int64)
    swapped = False
    for at in range(0, bits, DIGIT_BITS):
        source = scratch if swapped else records
        target = records if swapped else scratch
        counts[:] = 0
        for r in range(len(source)):
            counts[low_right(source[r, 0], source[r, 1], at) & np.uint64(DIGITS - 1)] += 1
        if counts.max() == len(source):
            continue
        place = 0
        for d in range(DIGITS):
            place, counts[d] = place + counts[d], place
        for r in range(len(source)):
            digit = low_right(source[r, 0], source[r, 1], at) & np.uint64(DIGITS - 1)
            to = counts[digit]
            counts[digit] = to + 1
            target[to, 0] = source[r, 0]
            target[to, 1] = source[r, 1]
            target[to, 2] = source[r, 2]
        swapped = not swapped
    return swapped


@kernel
def add_equal(records: Any) -> int:
    """Sorted records: those of one key become one, with the sum of their third columns. -> how many are left."""
    last = 0
    for r in range(1, len(records)):
        if records[r, 0] == records[last, 0] and records[r, 1] == records[last, 1]:
            records[last, 2] += records[r, 2]
        else:
            last += 1
            records[last, 0] = records[r, 0]
            records[last, 1] = records[r, 1]
            records[last, 2] = records[r, 2]
    return last + 1 if len(records) > 0 else 0


@kernel
def count_upto(records: Any, high: np.uint64, low: np.uint64) -> int:
    """How many sorted records have a key up to (high, low)."""
    first, last = 0, len(records)
    while first < last:
        middle = (first + last) >> 1
        if records[middle, 0] < high or (records[middle, 0] == high and records[middle, 1] <= low):
            first = middle + 1
        else:
            last = middle
    return first


@kernel
def join(records: Any, i: int, others: Any, values: Any, j: int, bits: int, ended: bool, found: Any) -> Any:
    """Both sorted. values: f64[O, 3], the others' memory. found: f64[R] gets, from record i on, the third column of the other whose key is the record's
    shifted right by `bits`; where there is none it stays. Goes until one side is used up; ended: no others will follow.
    -> (next i, next j)"""
    while i < len(records):
        high = high_right(records[i, 0], bits)
        low = low_right(records[i, 0], records[i, 1], bits)
        while j < len(others) and (others[j, 0] < high or (others[j, 0] == high and others[j, 1] < low)):
            j += 1
        if j == len(others) and not ended:
            break
        if j < len(others) and others[j, 0] == high and others[j, 1] == low:
            found[i] = values[j, 2]
        i += 1
    return i, j
