"""Counting n-grams and smoothing them: modified Kneser-Ney as lmplz has it (Heafield et al. 2013; Chen and Goodman 1998).

Records and keys are those of ngram_sort. A count's highest bit says that the n-gram is pruned.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scorers.kernels.jit import inline, kernel, leaf
from scorers.kernels.ngram_sort import (
    high_left,
    high_ones,
    high_right,
    low_left,
    low_ones,
    low_right,
)
from scorers.kernels.ngram_words import SENTENCE_START

PRUNED = np.uint64(1 << 63)
COUNT = np.uint64((1 << 63) - 1)


@kernel
def ngram_records(numbers: Any, order: int, bits: int, records: Any) -> int:
    """numbers: u32[M], whole lines, each between a start and an end. records: u64[M, 3] gets one n-gram of `order` words
    for every word and end, with as many starts before it as it takes, and the count 1. -> how many"""
    made = 0
    high, low = np.uint64(0), np.uint64(0)
    total = order * bits
    for i in range(len(numbers)):
        number = np.uint64(numbers[i])
        if number == SENTENCE_START:
            high, low = np.uint64(0), np.uint64(0)
            for _ in range(order):
                shifted = high_right(high, bits)
                low = low_right(high, low, bits) | low_left(number, total - bits)
                high = shifted | high_left(np.uint64(0), number, total - bits)
            continue
        shifted = high_right(high, bits)
        low = low_right(high, low, bits) | low_left(number, total - bits)
        high = shifted | high_left(np.uint64(0), number, total - bits)
        records[made, 0] = high
        records[made, 1] = low
        records[made, 2] = 1
        made += 1
    return made


@inline
def word_of(high: np.uint64, low: np.uint64, bits: int, k: int) -> np.uint64:
    """Word k of a key, counted from the lowest bits: from the n-gram's first word."""
    return low_right(high, low, k * bits) & low_ones(bits)


@leaf
def close_group(
    k: int, order: int, bits: int, key: Any, counts: Any, thresholds: Any, out: Any, sizes: Any, stats: Any, last: bool
) -> None:
    """Write the open group of k words; counts: i64[order+1, 2] adjusted and actual."""
    count = counts[k, 0]
    pruned = k > 1 and counts[k, 1] <= thresholds[k]
    place = sizes[k]
    shift = (order - k) * bits
    out[k, place, 0] = high_right(key[0], shift)
    out[k, place, 1] = low_right(key[0], key[1], shift)
    out[k, place, 2] = np.uint64(count) | (PRUNED if pruned else np.uint64(0))
    sizes[k] = place + 1
    # lmplz takes the actual count of the very last n-gram of each lower order into its statistics, not the adjusted one
    counted = counts[k, 1] if last else count
    if counted < 5:
        stats[k, counted] += 1
    stats[k, 5] += 0 if pruned else 1


@kernel
def adjust(
    records: Any, order: int, bits: int, thresholds: Any, key: Any, counts: Any, opened: int, out: Any, sizes: Any,
    stats: Any, flush: bool,
) -> int:  # fmt: skip
    """From n-grams of `order` words in suffix order to those of every order with adjusted counts, in suffix order too.

    State between blocks: key: u64[2] of the record before, counts: i64[order+1, 2] adjusted and actual of the open
    groups, opened: how many are open (the result). out: u64[order+1, R+1, 3], sizes: i64[order+1]; stats: i64[order+1, 6]
    n-grams by adjusted count 0 to 4, and those not pruned. flush: the input ends with these records."""
    for r in range(len(records)):
        high, low, count = records[r, 0], records[r, 1], np.int64(records[r, 2])
        same = 0
        while same < opened:
            shift = (order - same - 1) * bits
            if high_right(high, shift) != high_right(key[0], shift):
                break
            if low_right(high, low, shift) != low_right(key[0], key[1], shift):
                break
            same += 1
        for k in range(opened, same, -1):
            close_group(k, order, bits, key, counts, thresholds, out, sizes, stats, False)
        for k in range(1, same + 1):
            counts[k, 1] += count
        if same > 0:
            counts[same, 0] += 1
        opened = same
        while opened < order:
            opened += 1
            counts[opened, 0] = 1
            counts[opened, 1] = count
            if opened == order or word_of(high, low, bits, order - opened) == SENTENCE_START:
                counts[opened, 0] = count  # nothing can stand before it: its own count
                break
        key[0], key[1] = high, low
    if flush:
        for k in range(opened, 0, -1):
            close_group(k, order, bits, key, counts, thresholds, out, sizes, stats, k < order)
        opened = 0
    return opened


@kernel
def rotate(records: Any, k: int, bits: int, left: bool) -> None:
    """Keys of k words in place: left, from suffix order to context order (the last word becomes the lowest); else back."""
    total = k * bits
    by = bits if left else total - bits
    for r in range(len(records)):
        high, low = records[r, 0], records[r, 1]
        up, down = high_left(high, low, by), low_left(low, by)
        records[r, 0] = (up | high_right(high, total - by)) & high_ones(total)
        records[r, 1] = (down | low_right(high, low, total - by)) & low_ones(total)


@kernel
def context_sums(records: Any, parts: Any, bits: int, discounts: Any, weights: Any, totals: Any) -> Any:
    """Counted n-grams in context order, whole contexts. In place: those not pruned move to the front, their third column
    becomes f32 probability without interpolation and f32 weight of the lower order. weights: u64[R, 3] gets every
    context's key and weight (f64). parts: records as f32[R, 6], totals: weights as f64[R, 3]. discounts: f64[4]. -> (n-grams left, contexts)"""
    left, contexts, first = 0, 0, 0
    while first < len(records):
        high = high_right(records[first, 0], bits)
        low = low_right(records[first, 0], records[first, 1], bits)
        last, total, lost, saved = first, 0.0, 0.0, 0.0
        while last < len(records):
            if low_right(records[last, 0], records[last, 1], bits) != low:
                break
            if high_right(records[last, 0], bits) != high:
                break
            count = np.int64(records[last, 2] & COUNT)
            total += count
            if records[last, 2] & PRUNED != 0:
                lost += count
            else:
                saved += discounts[min(count, 3)]
            last += 1
        weight = (saved + lost) / total
        for r in range(first, last):
            if records[r, 2] & PRUNED == 0:
                count = np.int64(records[r, 2])
                records[left, 0], records[left, 1] = records[r, 0], records[r, 1]
                parts[left, 4] = (count - discounts[min(count, 3)]) / total
                parts[left, 5] = weight
                left += 1
        weights[contexts, 0], weights[contexts, 1] = high, low
        totals[contexts, 2] = weight
        contexts += 1
        first = last
    return left, contexts


@kernel
def unpack(records: Any, k: int, bits: int, ids: Any) -> None:
    """ids: u32[R, k], the words of keys of k words, in the order of the text."""
    for r in range(len(records)):
        for j in range(k):
            ids[r, j] = word_of(records[r, 0], records[r, 1], bits, j)
