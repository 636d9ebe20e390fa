"""Characters in UTF-8 bytes: whitespace, line breaks, code points and their classes, as Python's str sees them.

The bytes are valid UTF-8 (a TextBatch holds nothing else), so that a lead byte promises its continuation bytes.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from scorers.kernels.jit import equal_bytes, leaf, load64, trailing_zeros

ALPHANUMERIC = 1
DECIMAL_DIGIT = 2
PUNCTUATION = 4
TERMINAL_PUNCTUATION = 8
SENTENCE_END = 16
_BITS = {
    "alphanumeric": ALPHANUMERIC,
    "decimal_digit": DECIMAL_DIGIT,
    "punctuation": PUNCTUATION,
    "terminal_punctuation": TERMINAL_PUNCTUATION,
    "sentence_end": SENTENCE_END,
}

LOW_BITS = np.uint64(0x0101010101010101)
HIGH_BITS = np.uint64(0x8080808080808080)
SPACES = np.uint64(0x2020202020202020)
LEADS_E2 = np.uint64(0xE2E2E2E2E2E2E2E2)


@cache
def character_classes() -> npt.NDArray[np.uint8]:
    """u8[0x110000]: the classes of every code point, as bits; from the frozen table beside this file."""
    table = np.zeros(0x110000, np.uint8)
    for line in (Path(__file__).parent / "mark_classes.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        name, _, ranges = line.partition("\t")
        for span in ranges.split():
            first, _, last = span.partition("-")
            table[int(first, 16) : int(last or first, 16) + 1] |= _BITS[name]
    return table


@leaf
def space_bytes(data: Any, i: int) -> int:
    """Bytes of the whitespace character (str.isspace) that starts at data[i], 0 where there is none."""
    c = data[i]
    if c <= 32:
        return 1 if c == 32 or 9 <= c <= 13 or 28 <= c <= 31 else 0
    if c < 0xC2 or c > 0xE3:
        return 0
    b, a = data[i + 1], data[i + 2]
    if c == 0xC2:
        return 2 if b == 0x85 or b == 0xA0 else 0
    if c == 0xE1:
        return 3 if b == 0x9A and a == 0x80 else 0
    if c == 0xE3:
        return 3 if b == 0x80 and a == 0x80 else 0
    if c != 0xE2:
        return 0
    if b == 0x80:
        return 3 if a <= 0x8A or a == 0xA8 or a == 0xA9 or a == 0xAF else 0
    return 3 if b == 0x81 and a == 0x9F else 0


@leaf
def character_start(data: Any, end: int) -> int:
    """Where the character whose last byte is data[end - 1] starts."""
    i = end - 1
    while data[i] & 0xC0 == 0x80:
        i -= 1
    return i


@leaf
def strip_left(data: Any, start: int, end: int) -> int:
    """The start of data[start:end] after str.lstrip()."""
    while start < end:
        c = data[start]
        if 32 < c < 0x80:
            break
        width = 1 if c == 32 else space_bytes(data, start)
        if width == 0:
            break
        start += width
    return start


@leaf
def strip_right(data: Any, start: int, end: int) -> int:
    """The end of data[start:end] after str.rstrip()."""
    while start < end:
        c = data[end - 1]
        if 32 < c < 0x80:
            break
        at = end - 1 if c <= 32 else character_start(data, end)
        if c != 32 and space_bytes(data, at) == 0:
            break
        end = at
    return end


@leaf
def break_bytes(data: Any, i: int, end: int) -> int:
    """Bytes of the line break (str.splitlines) at data[i], a CR LF being one break; 0 where there is none."""
    c = data[i]
    if c < 32:
        if c == 13:
            return 2 if i + 1 < end and data[i + 1] == 10 else 1
        return 1 if 10 <= c <= 12 or 28 <= c <= 30 else 0
    if c == 0xC2:
        return 2 if data[i + 1] == 0x85 else 0
    if c == 0xE2:
        return 3 if data[i + 1] == 0x80 and (data[i + 2] == 0xA8 or data[i + 2] == 0xA9) else 0
    return 0


@leaf
def maybe_breaks(data: Any, i: Any) -> Any:
    """Bit k: a line break may start at data[i+k]. Reads 64 bytes."""
    found = equal_bytes(data, i, 10) | equal_bytes(data, i, 11) | equal_bytes(data, i, 12) | equal_bytes(data, i, 13)
    found |= equal_bytes(data, i, 28) | equal_bytes(data, i, 29) | equal_bytes(data, i, 30)
    return found | equal_bytes(data, i, 0xC2) | equal_bytes(data, i, 0xE2)


@leaf
def next_break(data: Any, i: int, end: int) -> int:
    """The first position from i on where break_bytes is not 0, or end. Reads up to 63 bytes past end."""
    while i < end:
        found = maybe_breaks(data, i)
        while found != 0:
            ahead: Any = np.int64(trailing_zeros(found))
            if i + ahead >= end:
                return end
            if break_bytes(data, i + ahead, end) > 0:
                return int(i + ahead)
            found &= found - np.uint64(1)
        i += 64
    return end


@leaf
def next_byte(data: Any, i: int, end: int, byte: int) -> int:
    """The first position from i on that holds `byte`, or end. Reads up to 63 bytes past end."""
    while i < end:
        found = equal_bytes(data, i, byte)
        if found != 0:
            ahead: Any = np.int64(trailing_zeros(found))
            return int(min(i + ahead, end))
        i += 64
    return end


@leaf
def code_points(data: Any, start: int, end: int) -> int:
    """len() of data[start:end] as a str: bytes that are not continuation bytes. Reads up to 7 bytes past end."""
    n = end - start
    i = start
    while i < end:
        x = load64(data, i)
        if i + 8 > end:
            x &= np.uint64(0xFFFFFFFFFFFFFFFF) >> np.uint64(8 * (i + 8 - end))
        if x & HIGH_BITS != 0:
            continuation = (x >> np.uint64(7)) & ~(x >> np.uint64(6)) & LOW_BITS
            found: Any = np.int64((continuation * LOW_BITS) >> np.uint64(56))
            n -= found
        i += 8
    return n


@leaf
def code_point(data: Any, i: int) -> int:
    """The code point whose UTF-8 starts at data[i]."""
    c: int = np.int64(data[i])  # type: ignore[assignment]  # numba would keep u8, and shift bits out of it
    if c < 0x80:
        return c
    b: int = data[i + 1] & 0x3F
    if c < 0xE0:
        return (c & 0x1F) << 6 | b
    a: int = data[i + 2] & 0x3F
    if c < 0xF0:
        return (c & 0x0F) << 12 | b << 6 | a
    return (c & 0x07) << 18 | b << 12 | a << 6 | int(data[i + 3] & 0x3F)
