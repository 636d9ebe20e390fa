"""Reading the n-gram sections of an ARPA file: log10 probability, tab, words, and a tab and back-off where there is one."""

from __future__ import annotations

from typing import Any

import numpy as np

from scorers.kernels.jit import MIX_1, hash_bytes, kernel, leaf
from scorers.kernels.ngram_table import extend, stored

TAB, LINE_FEED, RETURN, BLANK = 9, 10, 13, 32
ZERO, NINE, POINT, MINUS, PLUS, LETTER_E = 48, 57, 46, 45, 43, 101
MAX_DIGITS = 17


@leaf
def exponent_at(data: Any, i: int, end: int) -> Any:
    """(exponent, position after it) of 'e-05' at i; (0, i) where there is none."""
    if i >= end or data[i] | 32 != LETTER_E:
        return 0, i
    i += 1
    negative = i < end and data[i] == MINUS
    if i < end and (data[i] == MINUS or data[i] == PLUS):
        i += 1
    found: Any = 0
    while i < end and ZERO <= data[i] <= NINE and found < 400:
        found = 10 * found + (np.int64(data[i]) - ZERO)
        i += 1
    return -found if negative else found, i


@leaf
def number_at(data: Any, i: int, end: int) -> Any:
    """(the decimal number at i, position after it); position -1 where there is none."""
    negative = i < end and data[i] == MINUS
    if negative:
        i += 1
    mantissa, scale, digits, point = np.int64(0), 0, 0, False
    while i < end and (ZERO <= data[i] <= NINE or (data[i] == POINT and not point)):
        if data[i] == POINT:
            point = True
        elif digits < MAX_DIGITS:
            mantissa = 10 * mantissa + (np.int64(data[i]) - ZERO)
            digits += 1
            scale -= 1 if point else 0
        else:
            digits += 1
            scale += 0 if point else 1
        i += 1
    if digits == 0:
        return 0.0, -1
    power, i = exponent_at(data, i, end)
    scale += power
    value = np.float64(mantissa)
    value = value / 10.0**-scale if scale < 0 else value * 10.0**scale
    return (-value if negative else value), i


@kernel
def read_entries(
    data: Any, start: int, end: int, n: int, mask: np.uint64, places: Any, keys: Any, suffixes: Any, values: Any
) -> int:
    """Read len(keys) lines of n words from data[start:end]. keys: u64[N] stored keys, suffixes: u64[N] those without the
    first word (0 for one word), values: f32[N, 2] log10 probability and back-off, places: i64[N, 2] the words' bytes.
    -> where the section ends, or -1 - (the byte) of the first line that is not an entry."""
    i = start
    bounds = np.zeros((16, 2), np.int64)
    for entry in range(len(keys)):
        line = i
        number, i = number_at(data, i, end)
        if i < 0 or i >= end or (data[i] != TAB and data[i] != BLANK) or not number <= 1e-4 or not number >= -1e4:
            return -1 - line
        places[entry, 0] = i + 1
        for k in range(n):
            i += 1
            bounds[k, 0] = i
            while i < end and data[i] != TAB and data[i] != BLANK and data[i] != LINE_FEED and data[i] != RETURN:
                i += 1
            bounds[k, 1] = i
            if i == bounds[k, 0] or i >= end or (k < n - 1 and data[i] != BLANK):
                return -1 - line
        places[entry, 1] = i
        key = MIX_1
        for k in range(n - 1, -1, -1):
            if k == 0 and n > 1:
                suffixes[entry] = stored(key, mask)
            key = extend(key, hash_bytes(data, bounds[k, 0], bounds[k, 1] - bounds[k, 0]))
        keys[entry] = stored(key, mask)
        values[entry, 0], values[entry, 1] = number, 0.0
        if data[i] == TAB or data[i] == BLANK:
            number, i = number_at(data, i + 1, end)
            if i < 0 or not abs(number) <= 1e4:
                return -1 - line
            values[entry, 1] = number
        i += 1 if i < end and data[i] == RETURN else 0
        if i >= end or data[i] != LINE_FEED:
            return -1 - line
        i += 1
    return i
