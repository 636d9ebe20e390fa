"""RedPajama-v2's signals over the normalised text: lower case, without ASCII punctuation, NFD, single spaces."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from scorers.kernels.characters import code_point
from scorers.kernels.jit import hash_bytes, inline, kernel, leaf, load64
from scorers.kernels.ngrams import DOLMA, covered_chars, longer_ngrams, repeated_ngrams, top_chars
from scorers.kernels.repetition import table_slots
from scorers.kernels.signal_tables import (
    DEPENDS,
    FOLDED_CODE_POINTS,
    KEEPS_ITSELF,
    LOOK_CLOSER,
    NUMERIC,
    REMOVED,
    SPACE,
)
from scorers.kernels.signals import NEWLINE, class_of, utf8_bytes

LONGEST_GRAM = 10
GROWTH = 3
"""NFD makes at most this many bytes of one (U+0390: 6 of 2)."""
SPARE_BYTES = 16
"""load64 reads up to eight bytes past the last word."""
JAVASCRIPT = np.uint64(int.from_bytes(b"javascri", "little"))
LOREM, IPSUM = np.uint64(int.from_bytes(b"lorem", "little")), np.uint64(int.from_bytes(b"ipsum", "little"))
FIVE_BYTES = np.uint64(0xFFFFFFFFFF)
SMALL_SIGMA = (0xCF, 0x83)

WORDS, CHARS, UNIQUE, LOREM_IPSUM, JAVASCRIPTS, TOP_2 = 0, 1, 2, 3, 4, 5
COUNTS = TOP_2 + LONGEST_GRAM - 1
"""Columns of the counts: the five above, chars of the top 2, 3, 4-gram, chars covered by repeated 5 to 10-grams."""


class Scratch(NamedTuple):
    """One document's normalised words, reused for the next. text: u8, hash: u64, chars: i32 a word; the rest is what
    the n-grams take."""

    text: Any
    hash: Any
    chars: Any
    keys: Any
    before: Any
    counts: Any
    firsts: Any
    live: Any
    slots: Any


@leaf
def put_character(
    data: Any, i: int, classes: Any, starts: Any, widths: Any, chars: Any, numeric: Any, pool: Any, text: Any, at: int,
    inside: bool,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """Write what the non-ASCII character at data[i] becomes to text[at:]; its bytes, code points and numeric ones.

    0 bytes where that depends on its neighbours: a capital sigma inside a word.
    """
    point = code_point(data, i)
    start = starts[point] if point < FOLDED_CODE_POINTS else KEEPS_ITSELF
    if start == KEEPS_ITSELF:
        own_width = utf8_bytes(data[i])
        for k in range(own_width):
            text[at + k] = data[i + k]
        return own_width, 1, np.int64(classes[point] & NUMERIC != 0)
    if start == DEPENDS:
        if inside:
            return 0, 0, 0
        text[at], text[at + 1] = SMALL_SIGMA
        return 2, 1, 0
    width = np.int64(widths[point])
    for k in range(width):
        text[at + k] = pool[start + k]
    return width, np.int64(chars[point]), np.int64(numeric[point])


@inline
def marks_of(data: Any, i: int, first_marks: Any, last_marks: Any) -> tuple[Any, Any]:
    """Combining class of the first and of the last code point that the character at data[i] becomes."""
    point = code_point(data, i)
    if point >= FOLDED_CODE_POINTS:
        return np.uint8(0), np.uint8(0)
    return first_marks[point], last_marks[point]


@leaf
def look_for_words(text: Any, word_at: int, at: int, row: Any) -> None:
    """Count 'javascript', and 'lorem ipsum' anywhere in the text, at the word text[word_at:at]."""
    head = load64(text, word_at)
    if at - word_at == 10 and head == JAVASCRIPT:
        row[JAVASCRIPTS] += text[at - 2] == 112 and text[at - 1] == 116
    if head & FIVE_BYTES == IPSUM and at - word_at >= 5 and word_at >= 6 and text[word_at - 2] == 109:
        row[LOREM_IPSUM] += load64(text, word_at - 6) & FIVE_BYTES == LOREM


@leaf
def normalise(
    data: Any, i: int, stop: int, folding: Any, classes: Any, scratch: Any, row: Any, numeric_sums: Any
) -> bool:
    """One document into scratch and row: its words; numeric_sums: f64[1] gets the sum over lines of the numeric share.

    False, with nothing of use written, where a character depends on its neighbours.
    """
    text, hashes, chars = scratch.text, scratch.hash, scratch.chars
    ascii_bytes, starts, widths, folded_chars, folded_numeric, first_marks, last_marks, pool = folding
    at, word_at, word_chars, last_mark = 0, 0, 0, np.uint8(0)
    n, line_from, line_chars, line_numeric = 0, 0, 0, 0
    numeric_sums[0] = 0.0
    while i <= stop:
        run_at = at
        while i < stop and ascii_bytes[data[i]] != LOOK_CLOSER:
            c = data[i]
            text[at] = ascii_bytes[c]
            at += ascii_bytes[c] != REMOVED
            line_numeric += c >= 48 and c <= 57
            i += 1
        if at > run_at:
            word_chars += at - run_at
            last_mark = np.uint8(0)
        if i < stop and class_of(data, i, classes) & SPACE == 0:
            first_mark, next_mark = marks_of(data, i, first_marks, last_marks)
            width, points, numeric = put_character(
                data, i, classes, starts, widths, folded_chars, folded_numeric, pool, text, at, at > word_at
            )
            if width == 0 or (first_mark > 0 and first_mark < last_mark):
                return False
            last_mark = next_mark
            at += width
            word_chars += points
            line_numeric += numeric
            i += utf8_bytes(data[i])
            continue
        if at > word_at:
            hashes[n] = hash_bytes(text, word_at, at - word_at)
            chars[n] = word_chars
            look_for_words(text, word_at, at, row)
            row[CHARS] += word_chars
            line_chars += word_chars
            n += 1
            text[at] = 32
            at += 1
        word_at, word_chars, last_mark = at, 0, np.uint8(0)
        if i == stop or data[i] == NEWLINE:
            if line_chars > 0:
                numeric_sums[0] += line_numeric / (line_chars + n - line_from - 1)
            line_from, line_chars, line_numeric = n, 0, 0
        i += utf8_bytes(data[i]) if i < stop else 1
    row[WORDS] = n
    return True


@leaf
def repetition(scratch: Any, row: Any) -> float:
    """Unique words, top and repeated n-grams of scratch's words, into row; the sum of c log c over words' counts."""
    hashes, keys, before = scratch.hash, scratch.keys, scratch.before
    counts, live = scratch.counts, scratch.live
    n_words = row[WORDS]
    before[0] = 0
    for j in range(n_words):
        before[j + 1] = before[j] + scratch.chars[j]
        keys[j] = hashes[j]
        live[j] = j
    # of one word first: an n-gram can only repeat where its words do
    n_live = repeated_ngrams(keys, counts, scratch.firsts, live, n_words, scratch.slots)
    row[UNIQUE] = n_words - n_live
    logs = 0.0
    for k in range(n_live):
        if counts[live[k]] > 0:
            row[UNIQUE] += 1
            logs += counts[live[k]] * np.log(counts[live[k]])
    for n in range(2, LONGEST_GRAM + 1):
        n_live = longer_ngrams(n, n_words, hashes, keys, live, n_live)
        n_live = repeated_ngrams(keys, counts, scratch.firsts, live, n_live, scratch.slots)
        if n < 5:
            top, times = top_chars(n, n_words, before, counts, live, n_live, DOLMA)
            row[TOP_2 + n - 2] = top if times > 1 else 0
        else:
            row[TOP_2 + n - 2] = covered_chars(n, before, live, n_live)
    return logs


@kernel
def normal_signals(
    data: Any, offsets: Any, folding: Any, classes: Any, counts: Any, logs: Any, numeric_sums: Any, done: Any
) -> None:
    """B bytes, D documents. counts: i64[D, COUNTS], logs: f64[D] (sum of c log c over the words' counts), numeric_sums:
    f64[D] (sum over lines of the share of their characters that are numeric), done: bool[D], False where a character
    depends on its neighbours and the text has to be normalised first."""
    longest = 1
    for d in range(offsets.size - 1):
        longest = max(longest, offsets[d + 1] - offsets[d])
    most = longest // 2 + 2
    scratch = Scratch(
        np.empty(GROWTH * longest + SPARE_BYTES, np.uint8), np.empty(most, np.uint64), np.empty(most, np.int32),
        np.empty(most, np.uint64), np.empty(most + 1, np.int64), np.empty(most, np.int32), np.empty(most, np.int32),
        np.empty(most, np.int32), np.empty(table_slots(most), np.int32),
    )  # fmt: skip
    for d in range(offsets.size - 1):
        counts[d] = 0
        done[d] = normalise(
            data, offsets[d], offsets[d + 1], folding, classes, scratch, counts[d], numeric_sums[d : d + 1]
        )
        if done[d]:
            logs[d] = repetition(scratch, counts[d])
