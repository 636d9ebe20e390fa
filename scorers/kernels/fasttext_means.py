"""The mean row of a text under any supervised fastText model: words, n-grams of words, n-grams of characters.

A table of two million rows of 100 dimensions is far larger than any cache, so the rows of a stretch of text are named
first and added then, each asked for from memory some rows ahead. Where characters' n-grams count, a word's rows are
summed once a batch and remembered.
"""

from __future__ import annotations

from typing import Any

import numpy as np

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
from scorers.kernels.jit import inline, kernel, leaf, prefetch_cell

WANTED = 1024
"""Rows that are named before they are added."""
AHEAD = 12
"""How many rows ahead memory is asked."""
LINE_FLOATS = 16
"""Floats in a cache line."""


@kernel
def fill_words(data: Any, offsets: Any, table: Any) -> None:
    """W words data: u8[B], offsets: i64[W+1] into table: u64[2^n, 2] of zeros, as (key, number of the word)."""
    for w in range(len(offsets) - 1):
        key = word_key(data, offsets[w], offsets[w + 1])
        slot = find_word(table, key)
        if table[slot, 0] == 0:
            table[slot, 0] = key
            table[slot, 1] = np.uint64(w)


@inline
def word_number(table: Any, key: np.uint64) -> Any:
    """The number of a word in the vocabulary, -1 where it is not there."""
    slot = find_word(table, key)
    return np.int64(table[slot, 1]) if table[slot, 0] == key else np.int64(-1)


@leaf
def add_wanted(wanted: Any, n: int, rows: Any, sums: Any, block: Any, total: Any) -> None:
    """Add to total: f64[K] the rows (f32[R, K]; number -1 - p: sums[p]) that wanted: i64[n] names. Added in 32 bits
    among themselves: block is f32[K] of scratch."""
    dim = len(block)
    block[:] = 0
    for i in range(n):
        row = wanted[i]
        if i + AHEAD < n and wanted[i + AHEAD] >= 0:
            for k in range(0, dim, LINE_FLOATS):
                prefetch_cell(rows, wanted[i + AHEAD], k)
        if row >= 0:
            for k in range(dim):
                block[k] += rows[row, k]
        else:
            for k in range(dim):
                block[k] += sums[-1 - row, k]
    for k in range(dim):
        total[k] += block[k]


@leaf
def sum_word(
    data: Any, start: int, end: int, number: int, shortest: int, n_words: int, buckets: int, bucket_rows: Any, rows: Any,
    chain: Any, total: Any,
) -> int:  # fmt: skip
    """Put into total: f32[K] the rows of a word (number -1: not in the vocabulary) and its n-grams of characters; how
    many there are. chain: u32[longest + 1] of scratch."""
    added = 1 if number >= 0 else 0
    for k in range(len(total)):
        total[k] = rows[number, k] if number >= 0 else np.float32(0)
    start_chain(chain)
    i, characters = start, 1
    while i <= end:
        last = i == end
        i = next_character(data, i, end, chain)
        characters += 1
        for n in range(max(1, shortest), min(len(chain) - 1, characters) + 1):
            row = bucket_row(np.int64(chain[n] % np.uint32(buckets)), n_words, bucket_rows)
            if row >= 0 and not (last and n == 1):  # a bracket alone is not an n-gram
                added += 1
                for k in range(len(total)):
                    total[k] += rows[row, k]
    return added


@leaf
def recall(
    data: Any, start: int, end: int, key: np.uint64, shortest: int, n_words: int, buckets: int, bucket_rows: Any,
    rows: Any, table: Any, memory: Any, sums: Any, counts: Any, known: Any, spare: int, chain: Any,
) -> Any:  # fmt: skip
    """The place in sums: f32[P, K] and counts: i64[P] of a word's summed rows, summed now if the word is new; at `spare`
    when memory is full. known: i64[1], the places taken."""
    slot = find_word(memory, key)
    if memory[slot, 0] == key:
        return np.int64(memory[slot, 1])
    full = known[0] == len(sums) - WANTED
    place = spare if full else known[0]
    number = word_number(table, key)
    counts[place] = sum_word(
        data, start, end, number, shortest, n_words, buckets, bucket_rows, rows, chain, sums[place]
    )
    if not full:
        memory[slot, 0] = key
        memory[slot, 1] = np.uint64(place)
        known[0] = place + 1
    return np.int64(place)


@kernel
def mean_features(
    data: Any, starts: Any, ends: Any, shape: Any, bucket_rows: Any, rows: Any, table: Any, memory: Any, sums: Any,
    counts: Any, hidden: Any, features: Any, words: Any,
) -> None:  # fmt: skip
    """B bytes, T texts [starts, ends). hidden: f32[T, K] gets the mean row of each, features: i64[T] of how many rows,
    words: i64[T] its words, end of line left out.

    shape: i64[5] = shortest, longest, words to an n-gram, words of the vocabulary, buckets. bucket_rows: i32[buckets]
    or empty. rows: f32[R, K]. table: u64[2^n, 2], the vocabulary. memory: u64[2^n, 2], sums: f32[P + WANTED, K], counts:
    i64[P + WANTED]: room to remember P words in. Rows join in blocks that depend on the text alone.
    """
    shortest, longest, word_ngrams, n_words, buckets = shape[0], shape[1], shape[2], shape[3], shape[4]
    wanted, block, total = np.empty(WANTED, np.int64), np.empty(rows.shape[1], np.float32), np.empty(rows.shape[1])
    chain, running, known = np.empty(longest + 1, np.uint32), np.empty(word_ngrams, np.uint64), np.zeros(1, np.int64)
    eos_key = word_key(END_OF_LINE, 0, 4)
    for t in range(len(starts)):
        total[:] = 0.0
        n, held, at = 0, 0, starts[t]
        count: Any = np.int64(0)
        more: Any = True
        words[t] = 0
        while more:
            start, at = next_word(data, at, ends[t])
            key = word_key(data, start, at)
            more = start < at and key != eos_key  # a literal </s> ends the text in fastText
            if more and is_label(data, start, at):
                continue
            if longest == 0 or not more:
                wanted[n] = word_number(table, key if more else eos_key)
                added: Any = np.int64(wanted[n] >= 0)
                n += int(wanted[n] >= 0)
            else:
                place = recall(
                    data, start, at, key, shortest, n_words, buckets, bucket_rows, rows, table, memory, sums, counts,
                    known, len(sums) - WANTED + n, chain,
                )  # fmt: skip
                wanted[n] = -1 - place
                added = counts[place]
                n += 1
            count += added
            words[t] += more
            if word_ngrams > 1:
                h = word_hash(data, start, at) if more else word_hash(END_OF_LINE, 0, 4)
                held = next_ngrams(h, held, running)
                for m in range(1, held):
                    row = bucket_row(np.int64(running[m] % np.uint64(buckets)), n_words, bucket_rows)
                    if row >= 0:
                        wanted[n] = row
                        n += 1
                        count += 1
            if n > WANTED - 1 - word_ngrams or not more:
                add_wanted(wanted, n, rows, sums, block, total)
                n = 0
        scale = 1.0 / max(count, 1)
        features[t] = count
        for k in range(len(block)):
            hidden[t, k] = np.float32(total[k] * scale)


@kernel
def label_logits(hidden: Any, output: Any, logits: Any) -> None:
    """T texts, K dimensions, L labels. hidden: f32[T, K], output: f32[L, K] -> logits: f32[T, L], each summed in order."""
    for t in range(len(hidden)):
        for label in range(len(output)):
            f = np.float32(0)
            for k in range(hidden.shape[1]):
                f += hidden[t, k] * output[label, k]
            logits[t, label] = f


@kernel
def leaf_probabilities(logits: Any, left: Any, right: Any, probabilities: Any) -> None:
    """T texts, L labels. logits: f32[T, L-1] of the inner nodes, left, right: i32[2L-1] (-1: a leaf; the root is last)
    -> probabilities: f32[T, L] of the leaves of a Huffman tree."""
    leaves = (len(left) + 1) // 2
    reached = np.empty(len(left))
    for t in range(len(logits)):
        reached[len(left) - 1] = 1.0
        for node in range(len(left) - 1, leaves - 1, -1):
            p = 1.0 / (1.0 + np.exp(-np.float64(logits[t, node - leaves])))
            reached[right[node]] = reached[node] * p
            reached[left[node]] = reached[node] * (1.0 - p)
        for label in range(leaves):
            probabilities[t, label] = np.float32(reached[label])
