"""Where a passage may begin and end: at characters, or at words."""

from __future__ import annotations

from typing import Any

from scorers.kernels.jit import kernel, leaf
from scorers.kernels.word_breaks import EXTEND
from scorers.kernels.words_unicode import after, class_at, joins


@leaf
def _in_character(data: Any, i: int, stop: int) -> bool:
    return i < stop and data[i] & 0xC0 == 0x80


@leaf
def _in_word(data: Any, first: int, i: int, stop: int, breaks: Any) -> bool:
    """Whether UAX #29 sees no break before the character at i, by the two characters around it."""
    if i <= first or i >= stop:
        return False
    before = i - 1
    while data[before] & 0xC0 == 0x80:
        before -= 1
    left, right = class_at(data, before, stop, breaks), class_at(data, i, stop, breaks)
    return right == EXTEND or left == EXTEND or joins(left, right)


@kernel
def move_ends(data: Any, offsets: Any, rows: Any, breaks: Any, start: Any, end: Any) -> None:
    """start, end: i64[S], bytes in documents rows: i32[S] at offsets: i64[D+1], moved inward to where no character is cut, and,
    where breaks (of word_breaks) is not empty, no word. A span of which nothing is left has start >= end."""
    for s in range(rows.size):
        first, stop = offsets[rows[s]], offsets[rows[s] + 1]
        i, j = first + start[s], first + end[s]
        while i < j and _in_character(data, i, stop):
            i += 1
        while j > i and _in_character(data, j, stop):
            j -= 1
        if breaks.size > 0:
            while i < j and _in_word(data, first, i, stop, breaks):
                i = after(data, i, stop, breaks)
            while j > i and _in_word(data, first, j, stop, breaks):
                j -= 1
                while data[j] & 0xC0 == 0x80:
                    j -= 1
        start[s], end[s] = i - first, j - first
