"""Repeated word n-grams. Rae et al., arXiv:2112.11446, Table A1.

Two notions of equality. By words: an (n+1)-gram can only repeat where both its n-grams do, so that each n looks at what
the last one left, and n = 10 costs next to nothing. By text (datatrove joins the words of its longer n-grams with
nothing between): "ab" + "c" is "a" + "bc", so that no repeated n-gram says nothing about n + 1. There, what is passed
over are positions whose next 16 bytes, whitespace left out, occur nowhere else.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scorers.kernels.jit import MIX_1, MIX_2, hash_bytes, kernel, load64, mix, step
from scorers.kernels.repetition import first_equal, table_slots

WINDOW_BYTES = 16
DATATROVE, DCLM, DOLMA = 0, 1, 2


@step
def most_words(bounds: Any) -> int:
    """Words of the document that has most."""
    most = 1
    for d in range(bounds.size - 1):
        most = max(most, bounds[d + 1] - bounds[d])
    return most


@step
def repeated_ngrams(
    n: int, n_words: int, words: Any, keys: Any, first: Any, counts: Any, live: Any, n_live: int, slots: Any
) -> int:
    """Go from the repeated (n-1)-grams of a document to its repeated n-grams; how many positions those have.

    words: u64[W] hashes. keys: u64[W], the (n-1)-gram at each live position, becomes the n-gram. live: i32, the
    positions of repeated (n-1)-grams in order (n_live of them), becomes those of n-grams. first, counts: i32[W], per
    position the first of its n-gram, and at that first position the occurrences.
    """
    size = table_slots(n_live)
    slots[:size] = -1
    n_tried = 0
    for k in range(n_live):
        j = live[k]
        if j + n > n_words or (n > 2 and (k + 1 == n_live or live[k + 1] != j + 1)):
            continue
        keys[j] = mix(keys[j] * MIX_1 + words[j + n - 1])
        at = first_equal(slots, size - 1, keys, j)
        first[j] = at
        counts[j] = 0
        counts[at] += 1
        live[n_tried] = j
        n_tried += 1
    n_left = 0
    for k in range(n_tried):
        j = live[k]
        if counts[first[j]] > 1:
            live[n_left] = j
            n_left += 1
    return n_left


@step
def top_chars(
    n: int, n_words: int, before: Any, first: Any, counts: Any, live: Any, n_live: int, definition: int
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
        if first[j] != j:
            continue
        chars = before[j + n] - before[j]
        if counts[j] > best or (definition == DCLM and counts[j] == best and chars > best_chars):
            best, best_chars = counts[j], chars
    return best * best_chars, best


@step
def covered_chars(n: int, before: Any, live: Any, n_live: int) -> int:
    """Chars of the words that lie in a repeated n-gram, each word once."""
    covered, chars = 0, 0
    for k in range(n_live):
        s = max(covered, live[k])
        covered = live[k] + n
        chars += before[covered] - before[s]
    return chars


@step
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
    slots = np.empty(table_slots(most), np.int32)
    keys, before = np.empty(most, np.uint64), np.empty(most + 1, np.int64)
    first, counts, live = np.empty(most, np.int32), np.empty(most, np.int32), np.empty(most, np.int32)
    for d in range(bounds.size - 1):
        a = bounds[d]
        n_words = bounds[d + 1] - a
        before[0] = 0
        for j in range(n_words):
            before[j + 1] = before[j] + chars[a + j]
            keys[j] = hashes[a + j]
            live[j] = j
        n_live = n_words
        for n in range(2, longest + 1):
            n_live = repeated_ngrams(n, n_words, hashes[a:], keys, first, counts, live, n_live, slots)
            if n < 5:
                best_chars, best = top_chars(n, n_words, before, first, counts, live, n_live, definition)
                out[d, n - 2] = best_chars + (best * (n - 1) if definition == DATATROVE else 0)
                continue
            if definition == DCLM:
                out[d, n - 2] = covered_chars(n, before, live, n_live)
            else:
                out[d, n - 2] = summed_chars(n, before, live, n_live)
                places = max(0, n_words - n + 1)
                all_chars[d, n - 2] = before[n : n + places].sum() - before[:places].sum()


@step
def pack_words(data: Any, start: Any, end: Any, packed: Any, offsets: Any) -> None:
    """The words' bytes with nothing between, and the offset of each: packed u8, offsets i64[W+1]."""
    n = 0
    for w in range(start.size):
        offsets[w] = n
        for i in range(start[w], end[w]):
            packed[n] = data[i]
            n += 1
    offsets[start.size] = n
    packed[n : n + WINDOW_BYTES] = 0


@step
def mark_repeated_windows(packed: Any, offsets: Any, n_words: int, keys: Any, slots: Any, repeated: Any) -> None:
    """repeated: bool[W], whether the WINDOW_BYTES bytes from a word's start on occur at another word's start too."""
    size = table_slots(n_words)
    slots[:size] = -1
    for j in range(n_words):
        keys[j] = mix(load64(packed, offsets[j]) * MIX_1 + mix(load64(packed, offsets[j] + 8) * MIX_2))
        at = first_equal(slots, size - 1, keys, j)
        repeated[j] = at != j
        repeated[at] = at != j or repeated[at]


@step
def scanned_chars(
    n: int, n_words: int, packed: Any, offsets: Any, before: Any, keys: Any, slots: Any, repeated: Any
) -> int:
    """Chars of the n-grams that a scan has met before, jumping over each it finds: datatrove's find_all_duplicate."""
    size = table_slots(n_words)
    slots[:size] = -1
    chars = 0
    j = 0
    while j + n <= n_words:
        width = offsets[j + n] - offsets[j]
        if width >= WINDOW_BYTES and not repeated[j]:
            j += 1
            continue
        keys[j] = hash_bytes(packed, offsets[j], width)
        if first_equal(slots, size - 1, keys, j) == j:
            j += 1
        else:
            chars += before[j + n] - before[j]
            j += n
    return chars


@kernel
def ngrams_by_text(data: Any, bounds: Any, start: Any, end: Any, chars: Any, out: Any) -> None:
    """Chars of repeated 5..10-grams as datatrove finds them, in out: i64[D, 9], columns 3 to 8."""
    most, most_bytes = most_words(bounds), 0
    for d in range(bounds.size - 1):
        if bounds[d] < bounds[d + 1]:
            most_bytes = max(most_bytes, end[bounds[d + 1] - 1] - start[bounds[d]])
    packed, offsets = np.empty(most_bytes + 2 * WINDOW_BYTES, np.uint8), np.empty(most + 1, np.int64)
    slots, keys = np.empty(table_slots(most), np.int32), np.empty(most, np.uint64)
    repeated, before = np.empty(most, np.bool_), np.empty(most + 1, np.int64)
    for d in range(bounds.size - 1):
        a, b = bounds[d], bounds[d + 1]
        pack_words(data, start[a:b], end[a:b], packed, offsets)
        mark_repeated_windows(packed, offsets, b - a, keys, slots, repeated)
        before[0] = 0
        for j in range(b - a):
            before[j + 1] = before[j] + chars[a + j]
        for n in range(5, 11):
            out[d, n - 2] = scanned_chars(n, b - a, packed, offsets, before, keys, slots, repeated)
