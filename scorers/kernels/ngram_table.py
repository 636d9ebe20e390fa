"""An n-gram model as one open-addressed table, and scoring over it.

An entry is 16 bytes: a 64-bit key, log10 probability and log10 back-off as f32. An n-gram's key grows from its last word
to the left, so that one more word of context is one multiplication; words are known by their hash alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scorers.kernels.jit import MIX_1, MIX_2, hash_bytes, inline, kernel, leaf, prefetch

NO_SLOT = -1
MAX_ORDER = 8
AHEAD = 6
"""Tokens between asking memory for an n-gram's slot and looking it up. A table is larger than any cache, and a look-up
is a wait of about 100 ns: asking ahead made scoring 1.6 times as fast."""


@inline
def extend(key: np.uint64, word: np.uint64) -> np.uint64:
    """The key of an n-gram with one more word before it."""
    x = (key ^ word) * MIX_2
    return x ^ (x >> np.uint64(32))


@inline
def stored(key: np.uint64, mask: np.uint64) -> np.uint64:
    """The bits of a key that a table keeps; never 0, which marks a free slot."""
    return (key & mask) | (mask & (~mask + np.uint64(1)))


@leaf
def find(table: Any, shift: np.uint64, key: np.uint64) -> int:
    """The slot of a stored key in table: u64[2S], or NO_SLOT. shift: 64 less the bits of S."""
    size = len(table) >> 1
    slot: Any = np.int64(key >> shift)
    while table[2 * slot] != 0:
        if table[2 * slot] == key:
            return int(slot)
        slot = (slot + 1) & (size - 1)
    return NO_SLOT


@kernel
def put_entries(table: Any, values: Any, shift: np.uint64, keys: Any, probabilities: Any, backoffs: Any) -> int:
    """Put N stored keys with their f32 values into table: u64[2S], values: f32[4S] (the same memory); how many were new.
    Of a key met twice the first stays."""
    size = len(table) >> 1
    new = 0
    for n in range(len(keys)):
        slot = np.int64(keys[n] >> shift)
        while table[2 * slot] != 0 and table[2 * slot] != keys[n]:
            slot = (slot + 1) & (size - 1)
        if table[2 * slot] == 0:
            table[2 * slot] = keys[n]
            values[4 * slot + 2] = probabilities[n]
            values[4 * slot + 3] = backoffs[n]
            new += 1
    return new


@kernel
def count_missing(table: Any, shift: np.uint64, keys: Any) -> int:
    """How many of the stored keys: u64[N] are not in table: u64[2S]."""
    missing = 0
    for n in range(len(keys)):
        missing += find(table, shift, keys[n]) == NO_SLOT
    return missing


@kernel
def word_hashes(text: Any, ends: Any, hashes: Any) -> None:
    """hashes: u64[T] of the tokens that end at ends: i64[T] in text, one separator byte between them."""
    start = 0
    for t in range(len(ends)):
        hashes[t] = hash_bytes(text, start, ends[t] - start)
        start = ends[t] + 1


@kernel
def ngram_keys(ids: Any, hashes: Any, mask: np.uint64, keys: Any) -> None:
    """keys: u64[N], the stored keys of N n-grams ids: u32[N, n] of words with these hashes."""
    for i in range(len(ids)):
        key = MIX_1
        for k in range(ids.shape[1] - 1, -1, -1):
            key = extend(key, hashes[ids[i, k]])
        keys[i] = stored(key, mask)


@leaf
def score_word(
    table: Any, values: Any, shift: np.uint64, mask: np.uint64, longest: int, unknown: Any, unknown_values: Any,
    word: Any, words: Any, backoffs: Any, fresh: Any, context: int,
) -> Any:  # fmt: skip
    """Score a word after words[0:context] (nearest first), whose back-offs by length are backoffs[1:context+1]; both
    then hold what the next word needs. -> (log10 probability, length of the next context, 1 if the word is unknown)."""
    key = extend(MIX_1, word)
    slot = find(table, shift, stored(key, mask))
    new = 0
    if slot == NO_SLOT:
        new = 1
        word = unknown
        key = extend(MIX_1, word)
        score = np.float64(unknown_values[0])
        fresh[1] = unknown_values[1]
    else:
        score = np.float64(values[4 * slot + 2])
        fresh[1] = values[4 * slot + 3]
    matched = 1
    while matched <= context:
        key = extend(key, words[matched - 1])
        slot = find(table, shift, stored(key, mask))
        if slot == NO_SLOT:
            break
        score = np.float64(values[4 * slot + 2])
        matched += 1
        fresh[matched] = values[4 * slot + 3]
    for k in range(matched, context + 1):
        score += np.float64(backoffs[k])
    context = min(matched, longest)
    for k in range(context, 0, -1):
        backoffs[k] = fresh[k]
        words[k - 1] = words[k - 2] if k > 1 else word
    return score, context, new


@leaf
def ask_ahead(table: Any, shift: np.uint64, mask: np.uint64, longest: int, hashes: Any, t: int) -> None:
    """Ask for the slots of the n-grams that end with token t."""
    key = MIX_1
    for k in range(min(5, longest + 1, t + 1)):
        key = extend(key, hashes[t - k])
        prefetch(table, np.int64(2 * (stored(key, mask) >> shift)))


@kernel
def score_events(
    hashes: Any, line_tokens: Any, table: Any, values: Any, shift: np.uint64, mask: np.uint64, longest: int,
    specials: Any, special_values: Any, events: Any, unknown: Any,
) -> None:  # fmt: skip
    """T tokens by their hashes: u64[T], in L lines: line_tokens: i64[L] tokens up to each line's end. events: f64[T+L],
    log10 of every token and of every line's end, in order; unknown: i64[L]. longest: words of context at most; specials:
    u64[3] the hashes of <unk>, <s>, </s>; special_values: f32[3, 2] their log10 probabilities and back-offs."""
    words = np.zeros(MAX_ORDER, np.uint64)
    backoffs = np.zeros(MAX_ORDER + 1, np.float32)
    fresh = np.zeros(MAX_ORDER + 1, np.float32)
    t: Any = np.int64(0)
    for line in range(len(line_tokens)):
        words[0] = specials[1]
        backoffs[1] = special_values[1, 1]
        context = min(1, longest)
        while True:
            last = t == line_tokens[line]
            if t + AHEAD < len(hashes):
                ask_ahead(table, shift, mask, longest, hashes, t + AHEAD)
            score, context, new = score_word(
                table, values, shift, mask, longest, specials[0], special_values[0],
                specials[2] if last else hashes[t], words, backoffs, fresh, context,
            )  # fmt: skip
            events[t + line] = score
            if last:
                break
            unknown[line] += new
            t += 1


@kernel
def document_scores(
    events: Any, starts: Any, line_tokens: Any, document_lines: Any, window: int, sums: Any, worst: Any, place: Any
) -> None:
    """D documents. sums: f64[D] of log10; worst: f64[D] the least mean of `window` events in a row (of all, where there
    are fewer), place: i64[D] the byte of its first token. Nothing is written for a document without lines."""
    ring = np.zeros(window, np.float64)
    for d in range(len(document_lines) - 1):
        first, last = document_lines[d], document_lines[d + 1]
        if first == last:
            continue
        before = line_tokens[first - 1] if first > 0 else 0
        begin, end = before + first, line_tokens[last - 1] + last
        total, least, at = 0.0, 0.0, begin
        for e in range(begin, end):
            ring[(e - begin) % window] = total  # what came before e
            total += events[e]
            length = min(e - begin + 1, window)
            mean = (total - ring[(e + 1 - begin) % window] if length == window else total) / length
            if mean < least or e - begin < window:
                least, at = mean, e - length + 1
        sums[d], worst[d] = total, least
        line = first
        while line_tokens[line] + line < at:
            line += 1
        place[d] = starts[min(at - line, line_tokens[last - 1] - 1)] if line_tokens[last - 1] > before else 0
