"""Words as byte ranges of UTF-8 text."""

from __future__ import annotations

from typing import Any

import numpy as np

from scorers.kernels.jit import hash_bytes, kernel, step


@step
def space_bytes(data: Any, i: int, end: int) -> int:
    """Bytes of the whitespace character (str.isspace) at data[i], 0 where there is none."""
    c = data[i]
    if c <= 32:
        return 1 if c == 32 or 9 <= c <= 13 or 28 <= c <= 31 else 0
    if c < 0xC2 or c > 0xE3:
        return 0
    if c == 0xC2:
        return 2 if i + 1 < end and (data[i + 1] == 0x85 or data[i + 1] == 0xA0) else 0
    if c < 0xE1 or i + 2 >= end:
        return 0
    b, a = data[i + 1], data[i + 2]
    if c == 0xE1:
        return 3 if b == 0x9A and a == 0x80 else 0
    if c == 0xE3:
        return 3 if b == 0x80 and a == 0x80 else 0
    if b == 0x80:
        return 3 if a <= 0x8A or a == 0xA8 or a == 0xA9 or a == 0xAF else 0
    return 3 if b == 0x81 and a == 0x9F else 0


@step
def is_punctuation(c: int) -> bool:
    """ASCII punctuation."""
    return 33 <= c <= 47 or 58 <= c <= 64 or 91 <= c <= 96 or 123 <= c <= 126


@step
def put(data: Any, s: int, e: int, n: int, start: Any, end: Any, chars: Any, hashes: Any, flags: Any) -> int:
    """Write word n = data[s:e]; the number of words after it."""
    start[n] = s
    end[n] = e
    k = 0
    f = 0
    for i in range(s, e):
        c = data[i]
        if c & 0xC0 != 0x80:
            k += 1
        if c >= 0x80 or 65 <= c <= 90 or 97 <= c <= 122:
            f |= 3
        elif 48 <= c <= 57:
            f |= 2
    chars[n] = k
    hashes[n] = hash_bytes(data, s, e - s)
    flags[n] = f
    return n + 1


@kernel
def split_on_whitespace(
    data: Any, offsets: Any, bounds: Any, start: Any, end: Any, chars: Any, hashes: Any, flags: Any
) -> int:
    """str.split() of every document."""
    n = 0
    for d in range(offsets.size - 1):
        i = offsets[d]
        stop = offsets[d + 1]
        while i < stop:
            w = space_bytes(data, i, stop)
            if w > 0:
                i += w
                continue
            s = i
            while i < stop and space_bytes(data, i, stop) == 0:
                i += 1
            n = put(data, s, i, n, start, end, chars, hashes, flags)
        bounds[d + 1] = n
    return n


@kernel
def split_on_punctuation(
    data: Any, offsets: Any, bounds: Any, start: Any, end: Any, chars: Any, hashes: Any, flags: Any
) -> int:
    """str.split() and each ASCII punctuation character a word of its own."""
    n = 0
    for d in range(offsets.size - 1):
        i = offsets[d]
        stop = offsets[d + 1]
        while i < stop:
            w = space_bytes(data, i, stop)
            if w > 0:
                i += w
                continue
            s = i
            if is_punctuation(data[i]):
                i += 1
            else:
                while i < stop and space_bytes(data, i, stop) == 0 and not is_punctuation(data[i]):
                    i += 1
            n = put(data, s, i, n, start, end, chars, hashes, flags)
        bounds[d + 1] = n
    return n
