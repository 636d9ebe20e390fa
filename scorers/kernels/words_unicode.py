"""Words by the rules of UAX #29, as DCLM counts them: only those that start with a letter or digit."""

from __future__ import annotations

from typing import Any

from scorers.kernels.jit import inline, kernel, leaf
from scorers.kernels.word_breaks import (
    ALPHANUMERIC,
    CLASS,
    DOUBLE_QUOTE,
    EXTEND,
    EXTEND_NUM_LET,
    HEBREW,
    KATAKANA,
    LETTER,
    MID_LETTER,
    MID_NUM,
    MID_NUM_LET,
    NUMERIC,
    OTHER,
    SINGLE_QUOTE,
)
from scorers.kernels.words import code_point, letters_end, width_of


@leaf
def class_at(data: Any, i: int, stop: int, breaks: Any) -> Any:
    """The word-break class of the character at i; OTHER at the end."""
    if i >= stop:
        return OTHER
    c = data[i]
    return breaks[c if c < 0x80 else code_point(data, i)] & CLASS


@leaf
def after(data: Any, i: int, stop: int, breaks: Any) -> int:
    """Where the character at i ends, with what extends it (WB4)."""
    i += width_of(code_point(data, i))
    while i < stop and data[i] >= 0x80 and class_at(data, i, stop, breaks) == EXTEND:
        i += width_of(code_point(data, i))
    return i


@inline
def is_letter(kind: int) -> bool:
    """UAX #29's AHLetter."""
    return kind == LETTER or kind == HEBREW


@leaf
def joins(left: int, right: int) -> bool:
    """Whether no break stands between two classes whatever follows: WB5, 7a, 8 to 10, 13, 13a, 13b."""
    if is_letter(left):
        return (
            is_letter(right)
            or right == NUMERIC
            or right == EXTEND_NUM_LET
            or (left == HEBREW and right == SINGLE_QUOTE)
        )
    if left == NUMERIC:
        return is_letter(right) or right == NUMERIC or right == EXTEND_NUM_LET
    if left == KATAKANA:
        return right == KATAKANA or right == EXTEND_NUM_LET
    if left == EXTEND_NUM_LET:
        return is_letter(right) or right == NUMERIC or right == KATAKANA or right == EXTEND_NUM_LET
    return False


@leaf
def bridges(left: int, middle: int, right: int) -> bool:
    """Whether a mark holds what is left and right of it together: WB6, 7, 7b, 7c, 11, 12."""
    either = middle == MID_NUM_LET or middle == SINGLE_QUOTE
    if is_letter(left) and is_letter(right):
        return either or middle == MID_LETTER or (middle == DOUBLE_QUOTE and left == HEBREW and right == HEBREW)
    return left == NUMERIC and right == NUMERIC and (either or middle == MID_NUM)


@leaf
def word_end(data: Any, i: int, stop: int, breaks: Any) -> int:
    """Where the word that starts at i ends."""
    left = class_at(data, i, stop, breaks)
    i = after(data, i, stop, breaks)
    while i < stop:
        if is_letter(left):
            p = letters_end(data, i, stop)
            if p > i:
                left = LETTER
                i = p
                # what extends the last letter
                if i < stop and class_at(data, i, stop, breaks) == EXTEND:
                    i = after(data, i, stop, breaks)
                continue
        kind = class_at(data, i, stop, breaks)
        behind = after(data, i, stop, breaks)
        if kind >= MID_LETTER:
            right = class_at(data, behind, stop, breaks)
            if bridges(left, kind, right):
                left = right
                i = after(data, behind, stop, breaks)
                continue
        if not joins(left, kind):
            return i
        left = kind
        i = behind
    return i


@kernel
def split_unicode(data: Any, offsets: Any, breaks: Any, bounds: Any, start: Any, end: Any) -> int:
    """B bytes, D documents, W words. data: u8[B+], offsets: i64[D+1], breaks: u8[CODE_POINTS]; writes bounds: i64[D+1],
    start and end: i64[W], the bytes of each word -> W. UAX #29, WB3 to WB13b, less what starts no letter or digit."""
    n = 0
    bounds[0] = 0
    for d in range(offsets.size - 1):
        i = offsets[d]
        stop = offsets[d + 1]
        while i < stop:
            first = breaks[code_point(data, i)]
            s = i
            i = word_end(data, i, stop, breaks)
            if first & ALPHANUMERIC != 0:
                start[n] = s
                end[n] = i
                n += 1
        bounds[d + 1] = n
    return n
