"""What spaCy leaves whole as a URL or an e-mail address (lang/tokenizer_exceptions.py, URL_PATTERN; MIT).

chars: i64[m], a code point << 16 with its flags of char_classes below.
"""

from __future__ import annotations

from typing import Any

from scorers.kernels.char_classes import DIGIT, HOST, LOWER, WORD
from scorers.kernels.jit import leaf

HASH, PLUS, HYPHEN, DOT, SLASH, COLON, QUESTION, AT, UNDERSCORE, ZERO = 35, 43, 45, 46, 47, 58, 63, 64, 95, 48
MAX_LABEL_CHARS, MAX_TLD_CHARS = 64, 63


@leaf
def scheme_chars(chars: Any, a: int, b: int) -> int:
    """Characters of a scheme and its :// at a, 0 for none."""
    i = a
    while i < b and (
        chars[i] & WORD != 0 or chars[i] >> 16 == PLUS or chars[i] >> 16 == HYPHEN or chars[i] >> 16 == DOT
    ):
        i += 1
    if i - a < 2 or i + 2 >= b or chars[i] >> 16 != COLON or chars[i + 1] >> 16 != SLASH or chars[i + 2] >> 16 != SLASH:
        return 0
    return i + 3 - a


@leaf
def ends_url(chars: Any, i: int, b: int) -> bool:
    """Whether [i, b) is an optional port and an optional path."""
    if i < b and chars[i] >> 16 == COLON:
        digits = i + 1
        while digits < b and chars[digits] & DIGIT != 0:
            digits += 1
        if not 2 <= digits - i - 1 <= 5:
            return False
        i = digits
    return i == b or chars[i] >> 16 == SLASH or chars[i] >> 16 == QUESTION or chars[i] >> 16 == HASH


@leaf
def host_end(chars: Any, i: int, b: int) -> int:
    """Where the host that starts at i ends: labels with full stops, then two or more lower-case letters; -1: none."""
    labels = 0
    while True:
        first = i
        lower = True
        while i < b and (chars[i] & (HOST | LOWER) != 0 or chars[i] >> 16 == HYPHEN or chars[i] >> 16 == UNDERSCORE):
            lower = lower and chars[i] & LOWER != 0
            i += 1
        if i == b or chars[i] >> 16 != DOT:
            return i if labels > 0 and lower and 2 <= i - first <= MAX_TLD_CHARS else -1
        if not 1 <= i - first <= MAX_LABEL_CHARS or chars[first] & HOST == 0 or chars[i - 1] & HOST == 0:
            return -1
        labels += 1
        i += 1


@leaf
def octet(chars: Any, i: int, b: int) -> int:
    """1,000 times the digits and the value of the number of at most three digits at i."""
    digits = 0
    value = 0
    while digits < 3 and i + digits < b and chars[i + digits] & DIGIT != 0:
        value = value * 10 + (chars[i + digits] >> 16) - ZERO
        digits += 1
    return digits * 1000 + value


@leaf
def address_end(chars: Any, i: int, b: int) -> int:
    """Where the public IPv4 address that starts at i ends, -1 for none."""
    packed = 0
    for k in range(4):
        found = octet(chars, i, b)
        digits = found // 1000
        value = found % 1000
        outer = k == 0 or k == 3
        if digits == 0 or value > 255 or (outer and (value == 0 or chars[i] >> 16 == ZERO)):
            return -1
        packed = packed << 8 | value
        i += digits
        if k < 3:
            if i >= b or chars[i] >> 16 != DOT:
                return -1
            i += 1
    first = packed >> 24
    second = packed >> 16 & 255
    private = first == 10 or first == 127 or (first == 172 and 16 <= second <= 31)
    private = private or (first == 169 and second == 254) or (first == 192 and second == 168)
    return -1 if private or first > 223 or packed & 255 == 255 else i


@leaf
def is_url_from(chars: Any, i: int, b: int) -> bool:
    """Whether [i, b) is a host or public address, with port and path if any."""
    end = host_end(chars, i, b)
    if end >= 0 and ends_url(chars, end, b):
        return True
    if i >= b or chars[i] & DIGIT == 0:
        return False
    end = address_end(chars, i, b)
    return end >= 0 and ends_url(chars, end, b)


@leaf
def is_url(chars: Any, a: int, b: int) -> bool:
    """Whether [a, b) is a URL, with or without scheme and user, or an e-mail address."""
    dots = 0
    for i in range(a, b):
        dots += chars[i] >> 16 == DOT
    if dots == 0:
        return False
    if is_url_from(chars, a, b) or is_url_from(chars, a + scheme_chars(chars, a, b), b):
        return True
    for i in range(a + 1, b):
        if chars[i] >> 16 == AT and is_url_from(chars, i + 1, b):
            return True
    return False
