"""spaCy's rules for one chunk between whitespace: strip prefixes and suffixes, then URL, exception or infixes.

Follows tokenizer.pyx (_split_affixes, _attach_tokens, _apply_special_cases) and lang/punctuation.py of spaCy 3.8 (MIT),
with [a, b) positions in an array of code points for Python's slices.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from scorers.kernels.char_classes import (
    ALPHA,
    BEFORE_FULL_STOP,
    CURRENCY,
    DIGIT,
    INFIX,
    LOWER_OR_QUOTE,
    PREFIX,
    SUFFIX,
    UNIT_END,
    UPPER,
    UPPER_OR_QUOTE,
)
from scorers.kernels.english_exceptions import MAX_BYTES, MAX_PIECES, find_slot, maybe_exception
from scorers.kernels.jit import hash_bytes, step
from scorers.kernels.url import is_url
from scorers.kernels.words import code_point

DOLLAR, PLUS, COMMA, HYPHEN, DOT, STAR, CARET, TILDE = 36, 43, 44, 45, 46, 42, 94, 126
EN_DASH, EM_DASH, ELLIPSIS, DEGREE, APOSTROPHE, CURLY_APOSTROPHE = 0x2013, 0x2014, 0x2026, 0xB0, 39, 0x2019
MAX_UNIT_CHARS = 6


class Chunk(NamedTuple):
    """Scratch for a chunk of m characters. point: i32, flags: u16, at: i64 (byte in data; at[m] is the end),
    cut: u8 (1: a word starts here), starts: i64 (byte in the chunk of each word), taken: u8."""

    point: Any
    flags: Any
    at: Any
    cut: Any
    starts: Any
    taken: Any


@step
def exception_slot(data: Any, s: int, e: int, exceptions: Any) -> int:
    """The slot of the exception that data[s:e] is, or -1."""
    if e - s > MAX_BYTES or e <= s:
        return -1
    hashed = hash_bytes(data, s, e - s)
    if not maybe_exception(hashed, exceptions.maybe):
        return -1
    slot = find_slot(hashed, exceptions.hash)
    return slot if exceptions.hash[slot] == hashed else -1


@step
def dots_from(point: Any, a: int, b: int) -> int:
    """Length of the run of full stops that starts at a."""
    i = a
    while i < b and point[i] == DOT:
        i += 1
    return i - a


@step
def prefix_chars(chunk: Any, a: int, b: int) -> int:
    """Characters of the prefix of [a, b), 0 for none."""
    c = chunk.point[a]
    if chunk.flags[a] & PREFIX != 0:
        return 1
    if c == DOT:
        run = dots_from(chunk.point, a, b)
        return run if run > 1 else 0
    if c == PLUS:
        return 0 if a + 1 < b and chunk.flags[a + 1] & DIGIT != 0 else 1
    if a + 1 < b and chunk.point[a + 1] == DOLLAR and (c == 65 or c == 67):
        return 2
    if a + 2 < b and c == 85 and chunk.point[a + 1] == 83 and chunk.point[a + 2] == DOLLAR:
        return 3
    return 0


@step
def full_stop_suffix(chunk: Any, a: int, b: int) -> int:
    """Full stops to split off the end of [a, b), which has one: a run of two or more, or one after certain characters."""
    i = b - 1
    while i > a and chunk.point[i - 1] == DOT:
        i -= 1
    if b - i > 1:
        return b - i
    if b - 2 < a:
        return 0
    if chunk.flags[b - 2] & BEFORE_FULL_STOP != 0:
        return 1
    if b - 3 < a:
        return 0
    if chunk.flags[b - 2] & UPPER != 0 and chunk.flags[b - 3] & UPPER != 0:
        return 1
    c = chunk.point[b - 2] | 32
    return 1 if chunk.point[b - 3] == DEGREE and (c == 99 or c == 102 or c == 107) else 0


@step
def measure_suffix(data: Any, chunk: Any, a: int, b: int, units: Any) -> int:
    """Characters of the currency or unit after a digit that ends [a, b): the longest, 0 for none."""
    most = 0
    flags = chunk.flags
    if flags[b - 1] & CURRENCY != 0:
        if b - 2 >= a and flags[b - 2] & DIGIT != 0:
            most = 1
        if chunk.point[b - 1] == DOLLAR and b - 3 >= a:
            c = chunk.point[b - 2]
            if (c == 65 or c == 67) and flags[b - 3] & DIGIT != 0:
                most = 2
            elif b - 4 >= a and c == 83 and chunk.point[b - 3] == 85 and flags[b - 4] & DIGIT != 0:
                most = 3
    if flags[b - 1] & UNIT_END != 0:
        for length in range(1, min(MAX_UNIT_CHARS, b - a - 1) + 1):
            s = chunk.at[b - length]
            if flags[b - length - 1] & DIGIT != 0:
                hashed = hash_bytes(data, s, chunk.at[b] - s)
                if units[find_slot(hashed, units)] == hashed:
                    most = max(most, length)
    return most


@step
def suffix_chars(data: Any, chunk: Any, a: int, b: int, units: Any) -> int:
    """Characters of the suffix of [a, b), 0 for none. spaCy searches from the left, so that the longest wins."""
    if b <= a:
        return 0
    c = chunk.point[b - 1]
    if c == DOT:
        return full_stop_suffix(chunk, a, b)
    before = chunk.point[b - 2] if b - 2 >= a else 0
    if (c == 115 or c == 83) and (before == APOSTROPHE or before == CURLY_APOSTROPHE):
        return 2
    if c == ELLIPSIS and before == ELLIPSIS:
        return 2
    if c == PLUS:
        return 1 if b - 2 >= a and chunk.flags[b - 2] & DIGIT != 0 else 0
    most = measure_suffix(data, chunk, a, b, units)
    return max(most, 1) if chunk.flags[b - 1] & SUFFIX != 0 else most


@step
def hyphen_chars(point: Any, flags: Any, i: int, b: int) -> int:
    """Characters of the dash at i that has a letter behind it: - – — -- --- —— or ~, 0 for none."""
    c = point[i]
    if c != HYPHEN and c != EN_DASH and c != EM_DASH and c != TILDE:
        return 0
    most = 3 if c == HYPHEN else 2 if c == EM_DASH else 1
    for length in range(1, most + 1):
        if i + length >= b:
            return 0
        if flags[i + length] & ALPHA != 0:
            return length
        if point[i + length] != c:
            return 0
    return 0


@step
def infix_chars(point: Any, flags: Any, i: int, a: int, b: int) -> int:
    """Characters of the infix at i of [a, b), 0 for none."""
    c = point[i]
    if c == DOT:
        run = dots_from(point, i, b)
        if run > 1:
            return run
    if flags[i] & INFIX != 0:
        return 1
    if i == a or i + 1 == b:
        return 0
    before = flags[i - 1]
    after = flags[i + 1]
    if c == PLUS or c == HYPHEN or c == STAR or c == CARET:
        if before & DIGIT != 0 and (after & DIGIT != 0 or point[i + 1] == HYPHEN):
            return 1
    if c == DOT:
        return 1 if before & LOWER_OR_QUOTE != 0 and after & UPPER_OR_QUOTE != 0 else 0
    if c == COMMA:
        return 1 if before & ALPHA != 0 and after & ALPHA != 0 else 0
    if before & (ALPHA | DIGIT) == 0:
        return 0
    if c == 58 or 60 <= c <= 62 or c == 47:
        return 1 if after & ALPHA != 0 else 0
    return hyphen_chars(point, flags, i, b)


@step
def cut_affixes(data: Any, chunk: Any, m: int, exceptions: Any) -> tuple[int, int]:
    """Cut prefixes and suffixes off [0, m); the [a, b) that is left."""
    a = 0
    b = m
    last = -1
    at = chunk.at
    while a < b and b - a != last and exception_slot(data, at[a], at[b], exceptions) < 0:
        last = b - a
        front = prefix_chars(chunk, a, b)
        if front > 0 and exception_slot(data, at[a + front], at[b], exceptions) >= 0:
            chunk.cut[a + front] = 1
            return a + front, b
        back = suffix_chars(data, chunk, a + front, b, exceptions.units)
        if back > 0 and exception_slot(data, at[a], at[b - back], exceptions) >= 0:
            chunk.cut[b - back] = 1
            return a, b - back
        a += front
        b -= back
        chunk.cut[a] = 1
        chunk.cut[b] = 1
    return a, b


@step
def cut_at_bits(chunk: Any, first: int, last: int, cuts: Any) -> None:
    """Replace the cuts inside characters [first, last) by those of an exception's pieces."""
    for i in range(first + 1, last):
        byte = chunk.at[i] - chunk.at[first]
        chunk.cut[i] = (cuts >> np.uint32(byte)) & np.uint32(1)


@step
def cut_middle(data: Any, chunk: Any, a: int, b: int, exceptions: Any) -> None:
    """Cut what affixes left: an exception into its pieces, a URL not at all, anything else at infixes."""
    slot = exception_slot(data, chunk.at[a], chunk.at[b], exceptions)
    if slot >= 0:
        cut_at_bits(chunk, a, b, exceptions.cuts[slot])
        return
    if is_url(chunk.point, chunk.flags, a, b):
        return
    i = a
    while i < b:
        length = infix_chars(chunk.point, chunk.flags, i, a, b)
        if length > 0 and i > a:
            chunk.cut[i] = 1
            chunk.cut[i + length] = 1
        i += max(length, 1)


@step
def rejoin(data: Any, chunk: Any, k: int, exceptions: Any) -> None:
    """spaCy's last pass: k tokens (their first characters in chunk.starts) that spell an exception become its pieces;
    the longest first, then the leftmost, and a token once looked at is taken."""
    starts = chunk.starts
    chunk.taken[:k] = 0
    for pieces in range(min(k, MAX_PIECES), 0, -1):
        for j in range(k - pieces + 1):
            first = starts[j]
            last = starts[j + pieces]
            s = chunk.at[first]
            slot = exception_slot(data, s, chunk.at[last], exceptions)
            if slot < 0:
                continue
            here = np.uint32(0)
            for t in range(pieces):
                here |= np.uint32(1) << np.uint32(chunk.at[starts[j + t]] - s)
            if here != exceptions.seen[slot]:
                continue
            if chunk.taken[j] == 0 and chunk.taken[j + pieces - 1] == 0:
                cut_at_bits(chunk, first, last, exceptions.cuts[slot])
            chunk.taken[j : j + pieces] = 1


@step
def token_starts(chunk: Any, m: int) -> int:
    """Write the characters where tokens start, and m after them, to chunk.starts; how many tokens."""
    k = 0
    for i in range(m):
        if chunk.cut[i] != 0:
            chunk.starts[k] = i
            k += 1
    chunk.starts[k] = m
    return k


@step
def cut_chunk(data: Any, s: int, e: int, classes: Any, exceptions: Any, chunk: Any) -> int:
    """Write the bytes within data[s:e] where its words start to chunk.starts; how many words."""
    m = 0
    i = s
    while i < e:
        c = code_point(data, i)
        chunk.point[m] = c
        chunk.flags[m] = classes[c]
        chunk.at[m] = i
        chunk.cut[m] = 0
        m += 1
        i += 1 if c < 0x80 else 2 if c < 0x800 else 3 if c < 0x10000 else 4
    chunk.at[m] = e
    chunk.cut[0] = 1
    a, b = cut_affixes(data, chunk, m, exceptions)
    if a < b:
        cut_middle(data, chunk, a, b, exceptions)
    k = token_starts(chunk, m)
    # an exception of two tokens that is the whole chunk was met at once
    if k > 2:
        rejoin(data, chunk, k, exceptions)
        k = token_starts(chunk, m)
    for j in range(k):
        chunk.starts[j] = chunk.at[chunk.starts[j]] - s
    return k
