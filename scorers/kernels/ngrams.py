"""Repeated word n-grams. Rae et al., arXiv:2112.11446, Table A1.

Two notions of equality. By words: an (n+1)-gram can only repeat where both its n-grams do, so that each n looks at what
the last one left, and n = 10 costs next to nothing. By text (datatrove joins the words of its longer n-grams with
nothing between): "ab" + "c" is "a" + "bc", so that no repeated n-gram says nothing about n + 1. There, what is passed
over are words whose next 16 bytes, whitespace left out, follow no other word.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scorers.kernels.jit import MIX_1, MIX_2, MIX_3, inline, kernel, leaf, load64, store64
from scorers.kernels.joined_hash import power, word_number
from scorers.kernels.repetition import first_equal, table_slots

WINDOW_BYTES = 16
SIEVE_PLACES = 8
"""Places of a sieve for each slot of a table for as many elements: 16 to 32 an element, so that 3 to 6 % share one."""
DATATROVE, DCLM, DOLMA = 0, 1, 2


@leaf
def most_words(bounds: Any) -> int:
    """Words of the document that has most."""
    most = 1
    for d in range(bounds.size - 1):
        most = max(most, bounds[d + 1] - bounds[d])
    return most


@inline
def count_key(key: Any, mask: int, sieve: Any) -> None:
    """Count a key in sieve: u8, up to two. A place may be shared: no key that occurs twice is ever taken for one that
    does not, and few of those that do not for one that does. No branch, which makes it worth a pass of its own."""
    k = np.int64(key & np.uint64(mask))
    sieve[k] += sieve[k] < 2


@leaf
def repeated_bigrams(n_words: int, words: Any, keys: Any, sieve: Any, live: Any) -> int:
    """keys: u64[W], the bigram at each word; live: the words at which it may occur elsewhere too; how many they are."""
    size = SIEVE_PLACES * table_slots(n_words)
    sieve[:size] = 0
    for j in range(n_words - 1):
        # word hashes are mixed already, so that their sum with anything is
        keys[j] = words[j] * MIX_1 + words[j + 1]
        count_key(keys[j], size - 1, sieve)
    n_live = 0
    for j in range(n_words - 1):
        live[n_live] = j
        n_live += sieve[np.int64(keys[j] & np.uint64(size - 1))] > 1
    return n_live


@leaf
def longer_ngrams(n: int, n_words: int, words: Any, keys: Any, live: Any, n_live: int) -> int:
    """keys, at live words those of their (n-1)-grams, become those of the n-grams that may be repeated, as both
    (n-1)-grams in them are; live: their words; how many they are."""
    left = 0
    for k in range(n_live - 1):
        j = live[k]
        # written for all, and kept for some: which ones cannot be foreseen
        keys[j] = keys[j] * MIX_1 + words[min(j + n, n_words) - 1]
        stays = (live[k + 1] == j + 1) & (j + n <= n_words)
        live[left] = j
        left += stays
    return left


@leaf
def repeated_ngrams(keys: Any, counts: Any, firsts: Any, live: Any, n_live: int, slots: Any) -> int:
    """Keep of the live words those whose n-gram (keys: u64[W]) occurs more than once; how many they are. counts: i32[W],
    at the first word of each n-gram its occurrences, 0 at the others of it. firsts: i32[W], scratch."""
    size = table_slots(n_live)
    slots[:size] = -1
    for k in range(n_live):
        j = live[k]
        counts[j] = 0
        firsts[k] = first_equal(slots, size - 1, keys, j)
        counts[firsts[k]] += 1
    left = 0
    for k in range(n_live):
        live[left] = live[k]
        left += counts[firsts[k]] > 1
    return left


@leaf
def top_chars(
    n: int, n_words: int, before: Any, counts: Any, live: Any, n_live: int, definition: int
) -> tuple[int, int]:
    """Chars of the most frequent n-gram times its occurrences, spaces between words not counted; and the occurrences.

    before: i64[W+1], chars of all words before each. Of equally frequent ones DCLM takes the longest, the others the
    first. Without any repeated, DCLM says 0 and the others the document's first n-gram.
    """
    if n_words < n or (n_live == 0 and definition == DCLM):
        return 0, 0
    best, best_chars = 1, before[n] - before[0]
    for k in range(n_live):
        j = live[k]
        if counts[j] > best or (definition == DCLM and counts[j] == best and before[j + n] - before[j] > best_chars):
            best, best_chars = counts[j], before[j + n] - before[j]
    return best * best_chars, best


@leaf
def covered_chars(n: int, before: Any, live: Any, n_live: int) -> int:
    """Chars of the words that lie in a repeated n-gram, each word once."""
    covered, chars = 0, 0
    for k in range(n_live):
        s = max(covered, live[k])
        covered = live[k] + n
        chars += before[covered] - before[s]
    return chars


@leaf
def summed_chars(n: int, before: Any, live: Any, n_live: int) -> int:
    """Chars of all occurrences of repeated n-grams, words counted as often as they lie in one."""
    chars = 0
    for k in range(n_live):
        chars += before[live[k] + n] - before[live[k]]
    return chars


@kernel
def ngrams_by_words(
    bounds: Any, hashes: Any, chars: Any, longest: int, definition: int, out: Any, all_chars: Any
) -> None:
    """Numerators of the n-gram measures, n = 2..longest, that compare n-grams word by word.

    bounds: i64[D+1], hashes: u64[W], chars: i32[W] -> out: i64[D, 9]: chars of the top 2, 3, 4-gram (datatrove: with
    the spaces between), chars of repeated 5..10-grams (DCLM: of words covered; Dolma: of occurrences). all_chars:
    i64[D, 9], written for n >= 5: chars of all n-grams, which is Dolma's denominator.
    """
    most = most_words(bounds)
    slots, sieve = np.empty(table_slots(most), np.int32), np.empty(SIEVE_PLACES * table_slots(most), np.uint8)
    keys, before = np.empty(most, np.uint64), np.empty(most + 1, np.int64)
    firsts, counts, live = np.empty(most, np.int32), np.empty(most, np.int32), np.empty(most + 1, np.int32)
    for d in range(bounds.size - 1):
        a = bounds[d]
        n_words = bounds[d + 1] - a
        before[0] = 0
        for j in range(n_words):
            before[j + 1] = before[j] + chars[a + j]
        n_live = 0
        for n in range(2, longest + 1):
            if n == 2:
                n_live = repeated_bigrams(n_words, hashes[a:], keys, sieve, live)
            else:
                n_live = longer_ngrams(n, n_words, hashes[a:], keys, live, n_live)
            n_live = repeated_ngrams(keys, counts, firsts, live, n_live, slots)
            if n < 5:
                best_chars, best = top_chars(n, n_words, before, counts, live, n_live, definition)
                out[d, n - 2] = best_chars + (best * (n - 1) if definition == DATATROVE else 0)
                continue
            if definition == DCLM:
                out[d, n - 2] = covered_chars(n, before, live, n_live)
            else:
                out[d, n - 2] = summed_chars(n, before, live, n_live)
                places = max(0, n_words - n + 1)
                of_all = 0  # not by numba's sum: what it is compiled with imports SciPy, at every start
                for place in range(places):
                    of_all += before[place + n] - before[place]
                all_chars[d, n - 2] = of_all


@leaf
def join_words(data: Any, start: Any, end: Any, joined: Any, offsets: Any) -> None:
    """The words' bytes with nothing between them. joined: u8[bytes + 16], offsets: i32[W+1]."""
    at = 0
    for w in range(start.size):
        offsets[w] = at
        s, width = start[w], end[w] - start[w]
        # sixteen bytes at once, whatever the width: the next word overwrites what is too much
        store64(joined, at, load64(data, s))
        store64(joined, at + 8, load64(data, s + 8))
        for i in range(16, width, 8):
            store64(joined, at + i, load64(data, s + i))
        at += width
    offsets[start.size] = at
    for i in range(0, WINDOW_BYTES, 8):
        store64(joined, at + i, np.uint64(0))


@leaf
def window_candidates(n_words: int, joined: Any, offsets: Any, keys: Any, sieve: Any, candidates: Any) -> int:
    """candidates: i32[W], the words whose next WINDOW_BYTES bytes of `joined` may follow another word's start too, as
    2 j + 1, and those whose 5-gram is shorter than that, as 2 j; how many they are."""
    size = SIEVE_PLACES * table_slots(n_words)
    sieve[:size] = 0
    for j in range(n_words):
        key = (load64(joined, offsets[j]) * MIX_1 + load64(joined, offsets[j] + 8)) * MIX_2
        keys[j] = key >> np.uint64(20)
        count_key(keys[j], size - 1, sieve)
    n_candidates = 0
    for j in range(n_words - 4):
        repeated = sieve[np.int64(keys[j] & np.uint64(size - 1))] > 1
        candidates[n_candidates] = 2 * j + repeated
        n_candidates += repeated | (offsets[j + 5] - offsets[j] < WINDOW_BYTES)
    return n_candidates


@leaf
def number_words(joined: Any, offsets: Any, prefixes: Any) -> None:
    """prefixes: u64[W+1], the number of the joined bytes before each word."""
    prefixes[0] = 0
    for w in range(offsets.size - 1):
        s, e = offsets[w], offsets[w + 1]
        prefixes[w + 1] = prefixes[w] * power(e - s) + word_number(joined, s, e)


@leaf
def sieved(
    n: int, prefixes: Any, offsets: Any, keys: Any, sieve: Any, candidates: Any, n_candidates: int, live: Any
) -> tuple[int, int]:
    """Keep of the candidates those whose n-gram can equal another: its window does, or it is shorter than a window.
    live: those of them whose n-gram may be another's too, keys: u64[W], its joined text; how many each are."""
    while n_candidates > 0 and (candidates[n_candidates - 1] >> 1) + n >= offsets.size:
        n_candidates -= 1
    size = SIEVE_PLACES * table_slots(n_candidates)
    sieve[:size] = 0
    kept = 0
    for k in range(n_candidates):
        j = candidates[k] >> 1
        width = offsets[j + n] - offsets[j]
        # the length goes in, as digits may be 0
        key = (prefixes[j + n] - prefixes[j] * power(width) + np.uint64(width) * MIX_2) * MIX_3
        keys[kept] = key ^ (key >> np.uint64(32))
        count_key(keys[kept], size - 1, sieve)
        candidates[kept] = candidates[k]
        kept += (candidates[k] & 1) | (width < WINDOW_BYTES)
    left = 0
    for k in range(kept):
        key = keys[k]
        live[left] = candidates[k] >> 1
        keys[left] = key
        left += sieve[np.int64(key & np.uint64(size - 1))] > 1
    return kept, left


@leaf
def scanned_chars(n: int, before: Any, keys: Any, slots: Any, live: Any, n_live: int) -> int:
    """Chars of the n-grams that a scan has met before, jumping over each it finds: datatrove's find_all_duplicate, at
    the live words only. keys: u64[n_live], of the n-gram at each."""
    size = table_slots(n_live)
    slots[:size] = -1
    chars, free = 0, 0
    for k in range(n_live):
        j = live[k]
        if j >= free and first_equal(slots, size - 1, keys, k) != k:
            chars += before[j + n] - before[j]
            free = j + n
    return chars


@kernel
def ngrams_by_text(data: Any, bounds: Any, start: Any, end: Any, chars: Any, out: Any) -> None:
    """Chars of repeated 5..10-grams as datatrove finds them, in out: i64[D, 9], columns 3 to 8."""
    most, most_bytes = most_words(bounds), 0
    for d in range(bounds.size - 1):
        if bounds[d + 1] > bounds[d]:
            most_bytes = max(most_bytes, end[bounds[d + 1] - 1] - start[bounds[d]])
    joined, offsets = np.empty(most_bytes + 32, np.uint8), np.empty(most + 1, np.int32)
    prefixes, before = np.empty(most + 1, np.uint64), np.empty(most + 1, np.int64)
    slots, keys = np.empty(table_slots(most), np.int32), np.empty(most, np.uint64)
    candidates, live = np.empty(most + 1, np.int32), np.empty(most + 1, np.int32)
    sieve = np.empty(SIEVE_PLACES * table_slots(most), np.uint8)
    for d in range(bounds.size - 1):
        a, b = bounds[d], bounds[d + 1]
        own = offsets[: b - a + 1]
        out[d, 3:9] = 0
        if b - a < 6:
            continue
        join_words(data, start[a:b], end[a:b], joined, own)
        n_candidates = window_candidates(b - a, joined, own, keys, sieve, candidates)
        if n_candidates == 0:
            continue
        number_words(joined, own, prefixes)
        before[0] = 0
        for j in range(b - a):
            before[j + 1] = before[j] + chars[a + j]
        for n in range(5, 11):
            n_candidates, n_live = sieved(n, prefixes, own, keys, sieve, candidates, n_candidates, live)
            out[d, n - 2] = scanned_chars(n, before, keys, slots, live, n_live)
