"""RedPajama-v2's signals over the text as it stands: words as NLTK's WordPunctTokenizer cuts them, sentences, lines."""

from __future__ import annotations

from typing import Any

import numpy as np

from scorers.kernels.characters import code_point
from scorers.kernels.jit import MIX_1, MIX_2, inline, kernel, leaf, load64
from scorers.kernels.signal_tables import BULLET, LETTER, LOWER, SENTENCE_END, SPACE, UPPER, WORD

STOP_WORD_SLOTS = 4096
STOP_WORD_SHIFT = np.uint64(64 - 12)
ALL_BITS = np.uint64(0xFFFFFFFFFFFFFFFF)
LONGEST_STOP_WORD = 16
NEWLINE = 10
UPPER_SHIFT = 2


@inline
def utf8_bytes(lead: int) -> int:
    """Bytes of the character that this byte begins."""
    return 1 if lead < 0x80 else 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4


@inline
def class_of(data: Any, i: int, classes: Any) -> Any:
    """The classes of the character at data[i]."""
    return classes[data[i]] if data[i] < 0x80 else classes[code_point(data, i)]


@inline
def short_key(data: Any, start: int, end: int) -> Any:
    """64-bit key of a word of up to LONGEST_STOP_WORD bytes, from its first eight and its last eight.

    With hash_bytes the stop words took 40 % of text_signals' time.
    """
    width = end - start
    head = load64(data, start)
    if width < 8:
        head &= ALL_BITS >> np.uint64(64 - 8 * width)
    elif width > 8:
        head ^= load64(data, end - 8) * MIX_2
    return head * MIX_1


@kernel
def remember_stop_words(data: Any, offsets: Any, slots: Any) -> None:
    """Fill slots: u64[STOP_WORD_SLOTS], 0 = free, with the words' keys."""
    for w in range(len(offsets) - 1):
        key = short_key(data, offsets[w], offsets[w + 1])
        k = np.int64(key >> STOP_WORD_SHIFT)
        while slots[k] != 0:
            k = (k + 1) & (STOP_WORD_SLOTS - 1)
        slots[k] = key


@leaf
def is_stop_word(data: Any, start: int, end: int, slots: Any) -> bool:
    """Whether data[start:end] is among the remembered."""
    if end - start > LONGEST_STOP_WORD:
        return False
    key = short_key(data, start, end)
    k = np.int64(key >> STOP_WORD_SHIFT)
    while slots[k] != 0:
        if slots[k] == key:
            return True
        k = (k + 1) & (STOP_WORD_SLOTS - 1)
    return False


@leaf
def token_end(data: Any, i: int, stop: int, kind: Any, classes: Any) -> tuple[int, int, int, Any]:
    """Of the token (characters of one kind: WORD or not, no SPACE) that starts at i: its end, code points, upper-case
    ones, and all classes seen in it."""
    chars, upper, seen = 0, 0, np.uint8(0)
    while i < stop:
        start = i
        while i < stop and data[i] < 0x80 and classes[data[i]] & (WORD | SPACE) == kind:
            seen |= classes[data[i]]
            upper += (classes[data[i]] & UPPER) >> UPPER_SHIFT
            i += 1
        chars += i - start
        if i == stop or data[i] < 0x80:
            break
        bits = classes[code_point(data, i)]
        if bits & (WORD | SPACE) != kind:
            break
        seen |= bits
        upper += (bits & UPPER) >> UPPER_SHIFT
        chars += 1
        i += utf8_bytes(data[i])
    return i, chars, upper, seen


@leaf
def brackets(data: Any, start: int, end: int) -> int:
    """Curly brackets in data[start:end]."""
    found = 0
    for i in range(start, end):
        found += data[i] == 0x7B or data[i] == 0x7D
    return found


@kernel
def text_signals(data: Any, offsets: Any, classes: Any, stop_words: Any, counts: Any, upper_sums: Any) -> None:
    r"""B bytes, D documents. counts: i64[D, 7] gets code points, words (\w+|[^\w\s]+), words without [a-zA-Z], words in
    upper case, stop words, sentences (\b[^.!?]+[.!?]*), curly brackets; upper_sums: f64[D] the sum over lines of the
    share of their characters, newline included, that are upper case."""
    for d in range(offsets.size - 1):
        i, stop = offsets[d], offsets[d + 1]
        row = counts[d]
        row[:] = 0
        upper_sums[d] = 0.0
        line_chars, line_upper = 0, 0
        open_sentence = False  # a sentence is a stretch between marks with a word in it
        while i < stop:
            bits = class_of(data, i, classes)
            if bits & SPACE:
                line_chars += 1
                if data[i] == NEWLINE:
                    upper_sums[d] += line_upper / line_chars
                    row[0] += line_chars
                    line_chars, line_upper = 0, 0
                i += utf8_bytes(data[i])
                continue
            start = i
            i, chars, upper, seen = token_end(data, i, stop, bits & WORD, classes)
            line_chars += chars
            line_upper += upper
            row[1] += 1
            row[2] += seen & LETTER == 0
            row[3] += seen & (UPPER | LOWER) == UPPER
            if bits & WORD:
                row[4] += is_stop_word(data, start, i, stop_words)
                open_sentence = True
                continue
            row[6] += brackets(data, start, i)
            if seen & SENTENCE_END and open_sentence:
                row[5] += 1
                open_sentence = False
        row[5] += open_sentence
        if line_chars > 0:
            upper_sums[d] += line_upper / line_chars
            row[0] += line_chars


@leaf
def ends_with_quote(data: Any, start: int, end: int) -> bool:
    """Whether data[start:end] ends with a right double quotation mark."""
    return bool(end - start >= 3 and data[end - 3] == 0xE2 and data[end - 2] == 0x80 and data[end - 1] == 0x9D)


@leaf
def ends_with_ellipsis(data: Any, start: int, end: int) -> bool:
    """Whether data[start:end] ends with '...' or '…'."""
    if end - start < 3:
        return False
    a, b, c = data[end - 3], data[end - 2], data[end - 1]
    return bool((a == 46 and b == 46 and c == 46) or (a == 0xE2 and b == 0x80 and c == 0xA6))


@kernel
def line_signals(
    data: Any, bounds: Any, start: Any, end: Any, bare_start: Any, bare_end: Any, classes: Any, out: Any
) -> None:
    """L lines of D documents as line_table has them. out: i64[D, 4] gets lines (an empty last one is none), and those
    that end with a terminal mark (. ! ? ”), end with an ellipsis, start with a bullet."""
    for d in range(bounds.size - 1):
        out[d] = 0
        last = bounds[d + 1] - 1
        out[d, 0] = bounds[d + 1] - bounds[d] - (start[last] == end[last])
        for k in range(bounds[d], bounds[d + 1]):
            s, e = bare_start[k], bare_end[k]
            if s == e:
                continue
            out[d, 1] += data[e - 1] == 46 or data[e - 1] == 33 or data[e - 1] == 63 or ends_with_quote(data, s, e)
            out[d, 2] += ends_with_ellipsis(data, s, e)
            out[d, 3] += class_of(data, s, classes) & BULLET != 0
