"""Words as byte ranges of UTF-8 text: str.split(), and what is measured of every word."""

from __future__ import annotations

from typing import Any

import numpy as np

from scorers.kernels.characters import code_points
from scorers.kernels.jit import (
    MIX_1,
    MIX_2,
    MIX_3,
    equal_bytes,
    hash_bytes,
    inline,
    kernel,
    leaf,
    load64,
    mix,
    trailing_zeros,
)

HIGH = np.uint64(0x8080808080808080)
LOW_7 = np.uint64(0x7F7F7F7F7F7F7F7F)
CASE = np.uint64(0x2020202020202020)
ALL = np.uint64(0xFFFFFFFFFFFFFFFF)

# added to seven bits, they set the high bit from the character in their name on
FROM_0 = np.uint64(0x5050505050505050)
FROM_COLON = np.uint64(0x4646464646464646)
FROM_A = np.uint64(0x1F1F1F1F1F1F1F1F)
FROM_BRACE = np.uint64(0x0505050505050505)


@inline
def first_bytes(v: Any, n: int) -> Any:
    """The first n of the eight bytes of v, 1 <= n <= 8; the rest 0."""
    return v & (ALL >> np.uint64(64 - 8 * n))


@inline
def first_marked(found: Any) -> Any:
    """Position of the first byte whose high bit is set, of at least one."""
    return np.int64(trailing_zeros(found) >> np.uint64(3))


@inline
def letters(v: Any) -> Any:
    """The high bit of every byte of v that is an ASCII letter."""
    x = (v | CASE) & LOW_7
    return (x + FROM_A) & ~(x + FROM_BRACE) & ~v & HIGH


@inline
def digits(v: Any) -> Any:
    """The high bit of every byte of v that is an ASCII digit."""
    x = v & LOW_7
    return (x + FROM_0) & ~(x + FROM_COLON) & ~v & HIGH


@leaf
def space_mask(data: Any, i: Any) -> Any:
    """Bit k: data[i+k] is ASCII whitespace (9 to 13, 28 to 32). Reads 64 bytes."""
    found = equal_bytes(data, i, 9) | equal_bytes(data, i, 10) | equal_bytes(data, i, 11) | equal_bytes(data, i, 12)
    found |= equal_bytes(data, i, 13) | equal_bytes(data, i, 28) | equal_bytes(data, i, 29) | equal_bytes(data, i, 30)
    return found | equal_bytes(data, i, 31) | equal_bytes(data, i, 32)


@inline
def letters_end(data: Any, s: int, e: int) -> int:
    """Where the run of ASCII letters that starts at s ends, at most e."""
    found = ~letters(load64(data, s)) & HIGH
    while found == 0 and s + 8 < e:
        s += 8
        found = ~letters(load64(data, s)) & HIGH
    return min(s + first_marked(found), e) if found != 0 else e


@leaf
def wide_space_bytes(data: Any, i: Any, stop: int) -> int:
    """Bytes of the whitespace character (str.isspace) beyond ASCII at data[i], 0 where there is none."""
    c = data[i]
    if i + 1 >= stop:
        return 0
    b = data[i + 1]
    if c == 0xC2:
        return 2 if b == 0x85 or b == 0xA0 else 0
    if i + 2 >= stop:
        return 0
    a = data[i + 2]
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
def block_spaces(data: Any, i: int, stop: int, spilt: Any) -> tuple[Any, Any]:
    """Bit k: data[i+k] is a byte of whitespace, or past stop; and the same, `spilt`, for the 64 bytes behind, as far as
    whitespace that begins here reaches there. Reads 64 bytes."""
    spaces = spilt | space_mask(data, i)
    spilt = np.uint64(0)
    leads = equal_bytes(data, i, 0xC2) | equal_bytes(data, i, 0xE1) | equal_bytes(data, i, 0xE2)
    leads |= equal_bytes(data, i, 0xE3)
    while leads != 0:
        at = np.int64(trailing_zeros(leads))
        width = wide_space_bytes(data, i + at, stop)
        wide = (np.uint64(1) << np.uint64(width)) - np.uint64(1)
        spaces |= wide << np.uint64(at)
        if at > 61:
            spilt |= wide >> np.uint64(64 - at)
        leads &= leads - np.uint64(1)
    if stop - i < 64:
        spaces |= ALL << np.uint64(stop - i)
    return spaces, spilt


@leaf
def split_chunks(data: Any, i: int, stop: int, n: int, start: Any, end: Any) -> int:
    """Write where the chunks between whitespace of data[i:stop] start and end, from entry n on; n after them.

    Whole blocks become bit masks first: a branch at every word's end, guessed wrong, was half the time."""
    ended = n
    inside = np.uint64(0)
    spilt = np.uint64(0)
    while i < stop:
        spaces, spilt = block_spaces(data, i, stop, spilt)
        before = (~spaces << np.uint64(1)) | inside
        starts = ~(spaces | before)
        ends = before & spaces
        inside = ~spaces >> np.uint64(63)
        while starts != 0:
            start[n] = i + np.int64(trailing_zeros(starts))
            n += 1
            starts &= starts - np.uint64(1)
        while ends != 0:
            end[ended] = i + np.int64(trailing_zeros(ends))
            ended += 1
            ends &= ends - np.uint64(1)
        i += 64
    if ended < n:
        end[ended] = stop
    return n


@kernel
def split_on_whitespace(data: Any, offsets: Any, bounds: Any, start: Any, end: Any) -> int:
    """B bytes, D documents, W words. data: u8[B+], offsets: i64[D+1]; writes bounds: i64[D+1], start and end: i64[W],
    the bytes of each word -> W. str.split() of every document; whitespace is Unicode's."""
    n = 0
    bounds[0] = 0
    for d in range(offsets.size - 1):
        n = split_chunks(data, offsets[d], offsets[d + 1], n, start, end)
        bounds[d + 1] = n
    return n


@leaf
def code_point(data: Any, i: int) -> Any:
    """The code point whose first byte is data[i]."""
    c = np.int64(data[i])
    if c < 0x80:
        return c
    b = np.int64(data[i + 1]) & 0x3F
    if c < 0xE0:
        return (c & 0x1F) << 6 | b
    a = np.int64(data[i + 2]) & 0x3F
    if c < 0xF0:
        return (c & 0x0F) << 12 | b << 6 | a
    return (c & 0x07) << 18 | b << 12 | a << 6 | np.int64(data[i + 3]) & 0x3F


@inline
def width_of(c: int) -> int:
    """Bytes of a code point in UTF-8."""
    return 1 if c < 0x80 else 2 if c < 0x800 else 3 if c < 0x10000 else 4


@leaf
def describe_any(data: Any, s: int, e: int, classes: Any) -> tuple[int, int]:
    """Code points and flags of the word data[s:e], whatever its characters."""
    chars = code_points(data, s, e)
    flags = 0
    # a letter says it all, and mostly comes first
    while s < e and flags & 3 != 3:
        c = code_point(data, s)
        flags |= classes[c]
        s += width_of(c)
    return chars, flags & 3


@inline
def ascii_flags(letter: Any, digit: Any) -> Any:
    """The flags of ASCII text with these letters and digits: all its other characters are punctuation."""
    return (letter != 0) | ((letter | digit) != 0) << 1


@kernel
def describe(data: Any, start: Any, end: Any, classes: Any, chars: Any, hashes: Any, flags: Any) -> None:
    """W words. data: u8[B+], start and end: i64[W], classes: u16[CODE_POINTS]; writes chars: i32[W], code points,
    hashes: u64[W], jit.hash_bytes of each, and flags: u8[W], char_classes.ALPHABETIC | NOT_PUNCTUATION."""
    for k in range(start.size):
        s = start[k]
        n = end[k] - s
        v = first_bytes(load64(data, s), min(n, 8))
        if n <= 8 and v & HIGH == 0:
            # hash_bytes and the flags without a branch: most words end here, and a wrong guess costs 5 ns
            h = ((np.uint64(n) * MIX_1) ^ v) * (MIX_3 if n < 8 else MIX_2)
            hashes[k] = mix(h ^ (h >> np.uint64(32)))
            chars[k] = n
            flags[k] = ascii_flags(letters(v), digits(v))
            continue
        hashes[k] = hash_bytes(data, s, n)
        rest = first_bytes(load64(data, s + 8), n - 8) if 8 < n <= 16 else np.uint64(0)
        if n <= 16 and (v | rest) & HIGH == 0:
            chars[k] = n
            flags[k] = ascii_flags(letters(v) | letters(rest), digits(v) | digits(rest))
        else:
            chars[k], flags[k] = describe_any(data, s, s + n, classes)
