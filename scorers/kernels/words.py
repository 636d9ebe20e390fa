"""Words as byte ranges of UTF-8 text: the output arrays, whitespace, and str.split()."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from scorers.kernels.jit import hash_bytes, inline, kernel, load64, step, trailing_zeros

ONES = np.uint64(0x0101010101010101)
HIGH = np.uint64(0x8080808080808080)
LOW_7 = np.uint64(0x7F7F7F7F7F7F7F7F)
CASE = np.uint64(0x2020202020202020)
TO_A = np.uint64(0x1F1F1F1F1F1F1F1F)
TO_Z = np.uint64(0x0505050505050505)
TO_SPACE = np.uint64(0x2121212121212121)


class WordArrays(NamedTuple):
    """Where words are written, one entry a word: byte positions, code points, hash of the bytes, flags."""

    start: Any
    end: Any
    chars: Any
    hash: Any
    flags: Any


@inline
def not_letters(v: Any) -> Any:
    """The high bit of every byte of v that is no ASCII letter."""
    x = (v | CASE) & LOW_7
    return (~((x + TO_A) & ~(x + TO_Z)) | v) & HIGH


@inline
def letters_end(data: Any, i: int, stop: int) -> int:
    """Where the run of ASCII letters that starts at i ends."""
    found = not_letters(load64(data, i))
    while found == 0 and i < stop:
        i += 8
        found = not_letters(load64(data, i)) if i < stop else HIGH
    return min(i + np.int64(trailing_zeros(found) >> np.uint64(3)), stop)


@inline
def is_ascii_space(c: int) -> bool:
    """str.isspace below 128."""
    return c <= 32 and (c == 32 or 9 <= c <= 13 or 28 <= c <= 31)


@step
def space_bytes(data: Any, i: int, stop: int) -> int:
    """Bytes of the whitespace character (str.isspace) at data[i], 0 where there is none."""
    c = data[i]
    if c < 0x80:
        return 1 if is_ascii_space(c) else 0
    if c == 0xC2:
        return 2 if i + 1 < stop and (data[i + 1] == 0x85 or data[i + 1] == 0xA0) else 0
    if c < 0xE1 or c > 0xE3 or i + 2 >= stop:
        return 0
    b = data[i + 1]
    a = data[i + 2]
    if c == 0xE1:
        return 3 if b == 0x9A and a == 0x80 else 0
    if c == 0xE3:
        return 3 if b == 0x80 and a == 0x80 else 0
    if b == 0x80:
        return 3 if a <= 0x8A or a == 0xA8 or a == 0xA9 or a == 0xAF else 0
    return 3 if b == 0x81 and a == 0x9F else 0


@inline
def chunk_end(data: Any, i: int, stop: int) -> int:
    """Where the whitespace after i, or the document, begins or ends."""
    while i < stop:
        v = load64(data, i)
        found = (((v - TO_SPACE) & ~v) | v) & HIGH
        if found == 0:
            i += 8
            continue
        i += np.int64(trailing_zeros(found) >> np.uint64(3))
        if i < stop and space_bytes(data, i, stop) > 0:
            return i
        i += 1
    return stop


@step
def code_point(data: Any, i: int) -> int:
    """The code point whose first byte is data[i]."""
    c = np.int32(data[i])
    if c < 0x80:
        return c
    b = np.int32(data[i + 1]) & 0x3F
    if c < 0xE0:
        return (c & 0x1F) << 6 | b
    a = np.int32(data[i + 2]) & 0x3F
    if c < 0xF0:
        return (c & 0x0F) << 12 | b << 6 | a
    return (c & 0x07) << 18 | b << 12 | a << 6 | np.int32(data[i + 3]) & 0x3F


@inline
def put_letters(s: int, e: int, hashed: Any, n: int, out: Any) -> None:
    """Write word n, ASCII letters only."""
    out.start[n] = s
    out.end[n] = e
    out.chars[n] = e - s
    out.hash[n] = hashed
    out.flags[n] = 3


@step
def put_word(data: Any, s: int, e: int, n: int, classes: Any, out: Any) -> None:
    """Write word n = data[s:e]."""
    chars = 0
    flags = 0
    i = s
    while i < e:
        c = data[i]
        if c < 0x80:
            flags |= classes[c]
            i += 1
        else:
            flags |= classes[code_point(data, i)]
            i += 2 if c < 0xE0 else 3 if c < 0xF0 else 4
        chars += 1
    out.start[n] = s
    out.end[n] = e
    out.chars[n] = chars
    out.hash[n] = hash_bytes(data, s, e - s)
    out.flags[n] = flags & 3


@kernel
def split_on_whitespace(data: Any, offsets: Any, classes: Any, bounds: Any, out: Any) -> int:
    """B bytes, D documents, W words. data: u8[B+], offsets: i64[D+1], classes: u16[CODE_POINTS]; writes
    bounds: i64[D+1] and out -> W. str.split() of every document; whitespace is Unicode's."""
    n = 0
    bounds[0] = 0
    for d in range(offsets.size - 1):
        i = offsets[d]
        stop = offsets[d + 1]
        while i < stop:
            p = letters_end(data, i, stop)
            if p > i and (p == stop or is_ascii_space(data[p])):
                put_letters(i, p, hash_bytes(data, i, p - i), n, out)
                n += 1
                i = p + 1
                continue
            width = space_bytes(data, p, stop)
            if p == i and width > 0:
                i += width
                continue
            p = chunk_end(data, p, stop)
            put_word(data, i, p, n, classes, out)
            n += 1
            i = p
        bounds[d + 1] = n
    return n
