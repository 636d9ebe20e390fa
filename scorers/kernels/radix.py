"""Whole numbers in ascending order, digit by digit."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from scorers.kernels.jit import kernel

DIGIT_BITS = 11
DIGITS = 6
FEW = 1_000
"""Below this numpy's sort is as quick."""

Whole = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]


@kernel
def sort_by_digits(values: Any, other: Any, places: Any) -> Any:
    """values: u64[N] -> ascending, in `values` or in other: u64[N]; by the lowest K digits of 11 bits, equal ones as they come.
    places: i64[K, 2048]; a digit that is the same in all is passed over. Returns whether it is `other`."""
    places[:] = 0
    mask = np.uint64(places.shape[1] - 1)
    for value in values:
        for digit in range(places.shape[0]):
            places[digit, np.int64(value >> np.uint64(DIGIT_BITS * digit) & mask)] += 1
    turned = False
    for digit in range(places.shape[0]):
        shift = np.uint64(DIGIT_BITS * digit)
        if values.size == 0 or places[digit, np.int64(values[0] >> shift & mask)] == values.size:
            continue
        n = 0
        for place in range(places.shape[1]):
            many = places[digit, place]
            places[digit, place] = n
            n += many
        for value in values:
            following = np.int64(value >> shift & mask)
            other[places[digit, following]] = value
            places[digit, following] += 1
        values, other = other, values
        turned = not turned
    return turned


def ascending(values: Whole) -> Whole:
    """In ascending order: i64[N], not negative, which are used up. Of 40 bits a third of the time of numpy's sort, of 63 0.6 of it."""
    if len(values) < FEW:
        return np.sort(values)
    one, other = values.view(np.uint64), np.empty(len(values), np.uint64)
    turned = sort_by_digits(one, other, np.empty((DIGITS, 1 << DIGIT_BITS), np.int64))
    return (other if turned else one).view(np.int64)


def order_of_hashes(hashes: Hashes) -> tuple[Whole, Hashes]:
    """(order: i64[N] by the upper bits of hashes: u64[N], equal ones as they come; these bits in that order: u64[N]): at least 22
    bits, 33 of up to two billion, 44 of up to a million. An eighth to a third of the time of numpy's stable sort."""
    digits = (64 - len(hashes).bit_length()) // DIGIT_BITS
    known = np.uint64(digits * DIGIT_BITS)
    packed = np.arange(len(hashes), dtype=np.uint64) << known  # above what is sorted by: it comes along
    packed |= hashes >> (np.uint64(64) - known)
    other = np.empty_like(packed)
    turned = sort_by_digits(packed, other, np.empty((digits, 1 << DIGIT_BITS), np.int64))
    made, order = (other, packed) if turned else (packed, other)
    np.right_shift(made, known, out=order)
    made &= (np.uint64(1) << known) - np.uint64(1)
    return order.view(np.int64), made
