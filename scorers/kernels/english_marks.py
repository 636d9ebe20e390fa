"""What spaCy splits off English chunks: its prefixes, suffixes and infixes (lang/punctuation.py of spaCy 3.8, MIT).

Each function looks at characters [a, b) of chars: i64[m], a code point << 16 with its flags of char_classes below.
"""

from __future__ import annotations

from typing import Any

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
from scorers.kernels.english_exceptions import UNIT, find_slot
from scorers.kernels.jit import hash_bytes, leaf

APOSTROPHE, STAR, PLUS, COMMA, HYPHEN, DOT, SLASH, COLON, CARET, TILDE = 39, 42, 43, 44, 45, 46, 47, 58, 94, 126
LESS, EQUALS, GREATER, DOLLAR, DEGREE = 60, 61, 62, 36, 0xB0
EN_DASH, EM_DASH, CURLY_APOSTROPHE, ELLIPSIS = 0x2013, 0x2014, 0x2019, 0x2026
A, C, S, U, SMALL_S, SMALL_C, SMALL_F, SMALL_K = 65, 67, 83, 85, 115, 99, 102, 107
LOWER_CASE = 32
MAX_UNIT_CHARS = 6


@leaf
def dots_from(chars: Any, a: int, b: int) -> int:
    """Length of the run of full stops that starts at a."""
    i = a
    while i < b and chars[i] >> 16 == DOT:
        i += 1
    return i - a


@leaf
def prefix_chars(chars: Any, a: int, b: int) -> int:
    """Characters of the prefix of [a, b), 0 for none."""
    if chars[a] & PREFIX != 0:
        return 1
    c = chars[a] >> 16
    if c == DOT:
        run = dots_from(chars, a, b)
        return run if run > 1 else 0
    if c == PLUS:
        return 0 if a + 1 < b and chars[a + 1] & DIGIT != 0 else 1
    if a + 1 < b and chars[a + 1] >> 16 == DOLLAR and (c == A or c == C):
        return 2
    if a + 2 < b and c == U and chars[a + 1] >> 16 == S and chars[a + 2] >> 16 == DOLLAR:
        return 3
    return 0


@leaf
def full_stop_suffix(chars: Any, a: int, b: int) -> int:
    """Full stops to split off the end of [a, b), which has one: two or more, or one after certain characters."""
    i = b - 1
    while i > a and chars[i - 1] >> 16 == DOT:
        i -= 1
    if b - i > 1:
        return b - i
    if b - 2 < a:
        return 0
    if chars[b - 2] & BEFORE_FULL_STOP != 0:
        return 1
    if b - 3 < a:
        return 0
    if chars[b - 2] & UPPER != 0 and chars[b - 3] & UPPER != 0:
        return 1
    c = chars[b - 2] >> 16 | LOWER_CASE
    return 1 if chars[b - 3] >> 16 == DEGREE and (c == SMALL_C or c == SMALL_F or c == SMALL_K) else 0


@leaf
def currency_suffix(chars: Any, a: int, b: int) -> int:
    """Characters of the currency after a digit that ends [a, b): a sign, US$, C$ or A$; 0 for none."""
    if b - 2 < a or chars[b - 1] & CURRENCY == 0:
        return 0
    if chars[b - 2] & DIGIT != 0:
        return 1
    if chars[b - 1] >> 16 != DOLLAR or b - 3 < a:
        return 0
    c = chars[b - 2] >> 16
    if (c == A or c == C) and chars[b - 3] & DIGIT != 0:
        return 2
    if c == S and b - 4 >= a and chars[b - 3] >> 16 == U and chars[b - 4] & DIGIT != 0:
        return 3
    return 0


@leaf
def unit_suffix(data: Any, chars: Any, at: Any, a: int, b: int, tables: Any) -> int:
    """Characters of the longest unit after a digit that ends [a, b), 0 for none."""
    most = 0
    if chars[b - 1] & UNIT_END != 0:
        for length in range(1, min(MAX_UNIT_CHARS, b - a - 1) + 1):
            if chars[b - length - 1] & DIGIT != 0:
                hashed = hash_bytes(data, at[b - length], at[b] - at[b - length])
                if tables[UNIT, find_slot(hashed, tables, UNIT)] == hashed:
                    most = length
    return most


@leaf
def suffix_chars(data: Any, chars: Any, at: Any, a: int, b: int, tables: Any) -> int:
    """Characters of the suffix of [a, b), 0 for none. spaCy searches from the left, so that the longest wins."""
    if b <= a:
        return 0
    c = chars[b - 1] >> 16
    if c == DOT:
        return full_stop_suffix(chars, a, b)
    before = chars[b - 2] >> 16 if b - 2 >= a else 0
    if (c == SMALL_S or c == S) and (before == APOSTROPHE or before == CURLY_APOSTROPHE):
        return 2
    if c == ELLIPSIS and before == ELLIPSIS:
        return 2
    if c == PLUS:
        return 1 if b - 2 >= a and chars[b - 2] & DIGIT != 0 else 0
    most = max(currency_suffix(chars, a, b), unit_suffix(data, chars, at, a, b, tables))
    return max(most, 1) if chars[b - 1] & SUFFIX != 0 else most


@leaf
def hyphen_chars(chars: Any, i: int, b: int) -> int:
    """Characters of the dash at i that has a letter behind it: - – — -- --- —— or ~, 0 for none."""
    c = chars[i] >> 16
    if c != HYPHEN and c != EN_DASH and c != EM_DASH and c != TILDE:
        return 0
    most = 3 if c == HYPHEN else 2 if c == EM_DASH else 1
    for length in range(1, most + 1):
        if i + length >= b:
            return 0
        if chars[i + length] & ALPHA != 0:
            return length
        if chars[i + length] >> 16 != c:
            return 0
    return 0


@leaf
def infix_chars(chars: Any, i: int, a: int, b: int) -> int:
    """Characters of the infix at i of [a, b), 0 for none."""
    c = chars[i] >> 16
    if c == DOT:
        run = dots_from(chars, i, b)
        if run > 1:
            return run
    if chars[i] & INFIX != 0:
        return 1
    if i == a or i + 1 == b or c < STAR:
        return 0
    before = chars[i - 1]
    after = chars[i + 1]
    if c == PLUS or c == HYPHEN or c == STAR or c == CARET:
        if before & DIGIT != 0 and (after & DIGIT != 0 or after >> 16 == HYPHEN):
            return 1
    if c == DOT:
        return 1 if before & LOWER_OR_QUOTE != 0 and after & UPPER_OR_QUOTE != 0 else 0
    if c == COMMA:
        return 1 if before & ALPHA != 0 and after & ALPHA != 0 else 0
    if before & (ALPHA | DIGIT) == 0:
        return 0
    if c == COLON or c == LESS or c == EQUALS or c == GREATER or c == SLASH:
        return 1 if after & ALPHA != 0 else 0
    return hyphen_chars(chars, i, b)
