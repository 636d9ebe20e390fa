"""fastText's supervised prediction over a batch: words to rows, their mean, and a hierarchical softmax.

The package spends its time in Python strings, streams, a 30 M entry hash table and one row per subword. Here a word's
rows are summed once and remembered: the vocabulary from the start, other words as they are met. Ten times faster over
whole documents, same labels, scores within 1e-5 (docs/language.md).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scorers.kernels.fasttext_words import (
    FNV_START,
    WORD_END,
    WORD_START,
    find_slot,
    fnv_step,
    is_continuation,
    is_label,
    is_space,
    word_key,
)
from scorers.kernels.jit import inline, kernel, leaf, set_bits

GROUP = 48
"""Buckets told by one u64: bit k of it is set where pruning has left bucket k of the group a row, the 16 bits above are the row of the
first that has one. A third of a megabyte for lid.176, where a u16 a bucket was 4: a cache miss here is most of what a word costs."""
ROW_BITS = 16
LOG_FLOOR = 1e-5
"""fastText takes log(p + 1e-5) at every node, so that a probability is up to 1e-5 per level too high."""


@inline
def add_row(h: np.uint32, buckets: np.uint32, kept: Any, rows: Any, total: Any) -> int:
    """Add to total the row of an n-gram's hash, if pruning has left it one; how many were added."""
    bucket = h % buckets
    group = bucket // np.uint32(GROUP)
    told = kept[group]
    bit = np.uint64(1) << np.uint64(bucket - group * np.uint32(GROUP))
    if told & bit == 0:
        return 0
    row = np.int64(told >> np.uint64(GROUP)) + np.int64(set_bits(told & (bit - np.uint64(1))))
    for k in range(len(total)):
        total[k] += rows[row, k]
    return 1


@leaf
def add_subwords(
    data: Any, start: int, end: int, shortest: int, longest: int, buckets: np.uint32, kept: Any, rows: Any, total: Any
) -> int:
    """Add to total: f32[K] the rows of the 1- to 4-grams of characters of '<' + data[start:end] + '>'; how many."""
    # h1 to h4 hash the n-grams that end here: four independent chains, each byte read once; 3.5x over one n-gram
    # after the other
    h1 = fnv_step(FNV_START, WORD_START)
    h2 = h3 = h4 = FNV_START
    characters = 1
    added = 0
    i = start
    while i <= end:
        last = i == end
        byte = WORD_END if last else data[i]
        h4 = fnv_step(h3, byte)
        h3 = fnv_step(h2, byte)
        h2 = fnv_step(h1, byte)
        h1 = fnv_step(FNV_START, byte)
        i += 1
        while i < end and is_continuation(data[i]):
            h4 = fnv_step(h4, data[i])
            h3 = fnv_step(h3, data[i])
            h2 = fnv_step(h2, data[i])
            h1 = fnv_step(h1, data[i])
            i += 1
        characters += 1
        if shortest <= 1 and not last:  # a bracket alone is not an n-gram
            added += add_row(h1, buckets, kept, rows, total)
        if shortest <= 2 and longest >= 2:
            added += add_row(h2, buckets, kept, rows, total)
        if shortest <= 3 and longest >= 3 and characters >= 3:
            added += add_row(h3, buckets, kept, rows, total)
        if longest >= 4 and characters >= 4:
            added += add_row(h4, buckets, kept, rows, total)
    return added


@kernel
def remember_vocabulary(
    data: Any, offsets: Any, shortest: int, longest: int, buckets: np.uint32, kept: Any, rows: Any,
    keys: Any, places: Any, sums: Any, counts: Any,
) -> None:  # fmt: skip
    """W words: fill keys: u64[S], places: i32[S] (into sums), sums: f32[W, K], counts: i32[W] (own row and n-grams).

    Word 0 is the end-of-line mark, which has no n-grams.
    """
    for w in range(len(offsets) - 1):
        start, end = offsets[w], offsets[w + 1]
        key = word_key(data, start, end)
        slot = find_slot(keys, key)
        keys[slot] = key
        places[slot] = w
        sums[w] = rows[w]
        counts[w] = 1
        if w > 0:
            counts[w] += add_subwords(data, start, end, shortest, longest, buckets, kept, rows, sums[w])


@kernel
def mean_rows(
    data: Any, starts: Any, ends: Any, shortest: int, longest: int, buckets: np.uint32, kept: Any, rows: Any,
    keys: Any, places: Any, sums: Any, counts: Any, known: int, hidden: Any, words: Any,
) -> None:  # fmt: skip
    """B bytes, D documents [starts, ends). hidden: f32[D, K] gets the mean row, words: i64[D] the number of words.

    keys, places, sums, counts: the first `known` words as remembered, and room for more, which this fills. A word's
    rows are always summed apart before they join the document's, so that remembering changes no bit.
    """
    for d in range(len(starts)):
        total = hidden[d]
        total[:] = sums[0]
        count = np.int64(counts[0])
        i = starts[d]
        while i < ends[d]:
            if is_space(data[i]):
                i += 1
                continue
            start = i
            while i < ends[d] and not is_space(data[i]):
                i += 1
            words[d] += 1
            key = word_key(data, start, i)
            slot = find_slot(keys, key)
            place = np.int64(places[slot])
            if keys[slot] != key:
                place = np.int64(known)
                sums[place] = 0
                counts[place] = 0
                if not is_label(data, start, i):
                    counts[place] = add_subwords(data, start, i, shortest, longest, buckets, kept, rows, sums[place])
                if known < len(sums) - 1:  # the last place is never taken: it is the scratch when memory is full
                    keys[slot] = key
                    places[slot] = place
                    known += 1
            elif place == 0:
                break  # a literal </s> ends the line in fastText
            count += counts[place]
            for k in range(len(total)):
                total[k] += sums[place, k]
        scale = np.float32(1.0 / count)
        for k in range(len(total)):
            total[k] *= scale


@leaf
def descend(
    hidden: Any, output: Any, left: Any, right: Any, labels: Any, log_scores: Any, stack: Any, logs: Any
) -> None:
    """The two best leaves of a Huffman tree into labels: i32[2], log_scores: f64[2]; likelier child first."""
    leaves = len(left) - len(output)
    top = 1
    stack[0] = len(left) - 1
    logs[0] = 0.0
    while top > 0:
        top -= 1
        node = stack[top]
        score = logs[top]
        if score <= log_scores[1]:
            continue
        if node < leaves:
            place = 0 if score > log_scores[0] else 1
            if place == 0:
                labels[1] = labels[0]
                log_scores[1] = log_scores[0]
            labels[place] = node
            log_scores[place] = score
            continue
        f = np.float32(0)
        for k in range(len(hidden)):
            f += hidden[k] * output[node - leaves, k]
        p = 1.0 / (1.0 + np.exp(-np.float64(f)))
        first = right[node] if p > 0.5 else left[node]
        second = left[node] if p > 0.5 else right[node]
        likelier = max(p, 1.0 - p)
        stack[top] = second
        logs[top] = score + np.log(1.0 - likelier + LOG_FLOOR)
        stack[top + 1] = first
        logs[top + 1] = score + np.log(likelier + LOG_FLOOR)
        top += 2


@kernel
def two_best(hidden: Any, output: Any, left: Any, right: Any, labels: Any, scores: Any) -> None:
    """D documents, K dimensions, L labels. hidden: f32[D, K], output: f32[L-1, K], left, right: i32[2L-1] (-1: leaf).

    labels: i32[D, 2] gets the two most probable, scores: f64[D, 2] their probabilities. One below 1e-5 is label -1.
    """
    stack = np.zeros(len(left) + 1, np.int64)
    logs = np.zeros(len(left) + 1, np.float64)
    log_scores = np.zeros(2, np.float64)
    for d in range(len(hidden)):
        labels[d] = -1
        log_scores[:] = np.log(LOG_FLOOR)
        descend(hidden[d], output, left, right, labels[d], log_scores, stack, logs)
        for place in range(2):
            scores[d, place] = min(np.exp(log_scores[place]), 1.0)
