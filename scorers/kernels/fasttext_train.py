"""Training a supervised fastText model on one thread: words counted, texts as rows, stochastic gradient descent.

As fastText 0.9.3 does it (src/loss.cc, model.cc, fasttext.cc), with targets that may be any share between 0 and 1, a
weight a text, an order drawn anew for every epoch, and the same result every time.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scorers.kernels.fasttext_means import word_number
from scorers.kernels.fasttext_words import (
    END_OF_LINE,
    bucket_row,
    find_word,
    is_label,
    next_character,
    next_ngrams,
    next_word,
    start_chain,
    word_hash,
    word_key,
)
from scorers.kernels.jit import kernel, leaf

SOFTMAX = 0
ONE_VERSUS_ALL = 1


@kernel
def count_words(data: Any, offsets: Any, table: Any, found: Any, counts: Any) -> int:
    """D texts. table: u64[2^n, 2] of zeros, found: i64[N, 2] gets start and end of each distinct word where it is first
    met, counts: i64[N]. How many there are, or -1 where they are more than N."""
    n = 0
    eos_key = word_key(END_OF_LINE, 0, 4)
    for d in range(len(offsets) - 1):
        at = offsets[d]
        while True:
            start, at = next_word(data, at, offsets[d + 1])
            key = word_key(data, start, at)
            if start == at or key == eos_key:
                break
            if is_label(data, start, at):
                continue
            slot = find_word(table, key)
            if table[slot, 0] == 0:
                if n == len(counts):
                    return -1
                table[slot, 0], table[slot, 1] = key, np.uint64(n)
                found[n, 0], found[n, 1] = start, at
                counts[n] = 0
                n += 1
            counts[np.int64(table[slot, 1])] += 1
    return n


@leaf
def put(ids: Any, n: int, row: Any) -> int:
    """Put a row at ids[n] where there is room (an empty ids only counts); the next n."""
    if row < 0:
        return n
    if n < len(ids):
        ids[n] = row
    return n + 1


@leaf
def put_word(
    data: Any, start: int, end: int, number: int, shape: Any, bucket_rows: Any, chain: Any, ids: Any, n: int
) -> int:
    """Put the rows of one word: its own (number -1: none) and those of its n-grams of characters."""
    n = put(ids, n, number)
    if shape[1] == 0:
        return n
    start_chain(chain)
    i, characters = start, 1
    while i <= end:
        last = i == end
        i = next_character(data, i, end, chain)
        characters += 1
        for length in range(max(1, shape[0]), min(len(chain) - 1, characters) + 1):
            if not (last and length == 1):
                bucket = np.int64(chain[length] % np.uint32(shape[4]))
                n = put(ids, n, bucket_row(bucket, shape[3], bucket_rows))
    return n


@kernel
def text_rows(data: Any, offsets: Any, shape: Any, bucket_rows: Any, table: Any, bounds: Any, ids: Any) -> None:
    """D texts as the rows they are the mean of. bounds: i64[D+1], ids: i32[bounds[D]]; an empty ids is only counted for.

    shape, bucket_rows, table as in fasttext_means.mean_features.
    """
    word_ngrams = shape[2]
    chain, running = np.empty(shape[1] + 1, np.uint32), np.empty(word_ngrams, np.uint64)
    eos_key = word_key(END_OF_LINE, 0, 4)
    n = 0
    for d in range(len(offsets) - 1):
        bounds[d] = n
        held, at = 0, offsets[d]
        more: Any = True
        while more:
            start, at = next_word(data, at, offsets[d + 1])
            key = word_key(data, start, at)
            more = start < at and key != eos_key
            if more and is_label(data, start, at):
                continue
            if more:
                n = put_word(data, start, at, word_number(table, key), shape, bucket_rows, chain, ids, n)
            else:
                n = put(ids, n, word_number(table, eos_key))
            if word_ngrams > 1:
                h = word_hash(data, start, at) if more else word_hash(END_OF_LINE, 0, 4)
                held = next_ngrams(h, held, running)
                for m in range(1, held):
                    n = put(ids, n, bucket_row(np.int64(running[m] % np.uint64(shape[4])), shape[3], bucket_rows))
    bounds[len(offsets) - 1] = n


@kernel
def draw_rows(rows: Any, seed: int) -> None:
    """Fill rows: f32[R, K] with values drawn evenly from -1/K to 1/K, each from its place and the seed alone."""
    dim = rows.shape[1]
    for r in range(len(rows)):
        for k in range(dim):
            x = np.uint64(r * dim + k + 1) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed) * np.uint64(
                0xD1342543DE82EF95
            )
            x ^= x >> np.uint64(30)
            x *= np.uint64(0xBF58476D1CE4E5B9)
            x ^= x >> np.uint64(27)
            x *= np.uint64(0x94D049BB133111EB)
            x ^= x >> np.uint64(31)
            unit = np.float64(x >> np.uint64(11)) / 9007199254740992.0
            rows[r, k] = np.float32((2.0 * unit - 1.0) / dim)


@leaf
def label_errors(hidden: Any, output: Any, wanted: Any, loss: int, errors: Any) -> float:
    """errors: f32[L] gets wanted: f32[L] less the model's probabilities of hidden: f32[K]; the loss in nats."""
    labels, told = len(output), 0.0
    top = np.float32(-np.inf)
    for label in range(labels):
        f = np.float32(0)
        for k in range(len(hidden)):
            f += hidden[k] * output[label, k]
        errors[label] = f
        top = max(top, f)
    total = 0.0
    for label in range(labels):
        total += np.exp(np.float64(errors[label] - top))
    for label in range(labels):
        z, want = np.float64(errors[label]), np.float64(wanted[label])
        if loss == SOFTMAX:
            p = np.exp(z - top) / total
            told -= want * np.log(p + 1e-9)
        else:
            p = 1.0 / (1.0 + np.exp(-z))
            told -= want * np.log(p + 1e-9) + (1.0 - want) * np.log(1.0 - p + 1e-9)
        errors[label] = np.float32(want - p)
    return told


@leaf
def mean_row(ids: Any, first: int, last: int, rows: Any, mean: Any) -> Any:
    """mean: f32[K] gets the mean of the rows that ids[first:last] names; the share of each."""
    mean[:] = 0
    for i in range(first, last):
        row = ids[i]
        for k in range(len(mean)):
            mean[k] += rows[row, k]
    scale = np.float32(1.0 / np.float64(last - first))
    for k in range(len(mean)):
        mean[k] *= scale
    return scale


@kernel
def descend_epoch(
    bounds: Any, ids: Any, targets: Any, weights: Any, order: Any, rows: Any, output: Any, loss: int,
    rate: float, done: int, planned: int,
) -> float:  # fmt: skip
    """One pass over the D texts in the order given, changing rows: f32[R, K] and output: f32[L, K]; the mean loss.

    bounds: i64[D+1], ids: i32[N], targets: f32[D, L], weights: f32[D]. The learning rate falls from rate to 0 as done
    goes to planned, both in rows added (N a pass).
    """
    dim, n_labels = rows.shape[1], len(output)
    hidden, gradient = np.empty(dim, np.float32), np.empty(dim, np.float32)
    errors = np.empty(n_labels, np.float32)
    lost, weight = 0.0, 0.0
    for d in order:
        first, last = bounds[d], bounds[d + 1]
        done += last - first
        if first == last or weights[d] == 0:
            continue
        scale = mean_row(ids, first, last, rows, hidden)
        gradient[:] = 0
        lost += label_errors(hidden, output, targets[d], loss, errors) * weights[d]
        weight += weights[d]
        step = np.float32(rate * max(0.0, 1.0 - done / planned) * weights[d])
        for label in range(n_labels):
            alpha = step * errors[label]
            for k in range(dim):
                gradient[k] += alpha * output[label, k]
                output[label, k] += alpha * hidden[k]
        for k in range(dim):
            gradient[k] *= scale
        for i in range(first, last):
            row = ids[i]
            for k in range(dim):
                rows[row, k] += gradient[k]
    return lost / max(weight, 1e-12)


@kernel
def nearest_centroid(points: Any, centroids: Any, found: Any) -> None:
    """N points: f32[N, W], centroids: f32[C, W] -> found: i32[N], the first of the nearest by squared distance."""
    # all distances of a point first, column by column: a loop over centroids that runs in wide registers
    columns, distances = np.ascontiguousarray(centroids.T), np.empty(len(centroids), np.float32)
    for i in range(len(points)):
        distances[:] = 0
        for k in range(points.shape[1]):
            x = points[i, k]
            for c in range(len(distances)):
                away = x - columns[k, c]
                distances[c] += away * away
        best, at = distances[0], 0
        for c in range(1, len(distances)):
            if distances[c] < best:
                best, at = distances[c], c
        found[i] = at
