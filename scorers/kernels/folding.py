"""What a character becomes before it is hashed: tables of folded UTF-8, one 64-bit entry a code point.

An entry holds up to seven bytes of UTF-8 (low byte first), their number in bits 56 to 58 and two flags. Code points
from TABLE_SIZE up have neither case nor accents.
"""

from __future__ import annotations

import unicodedata
from functools import cache

import numpy as np
import numpy.typing as npt

TABLE_SIZE = 0x20000
LENGTH_SHIFT = np.uint64(56)
LENGTH_MASK = np.uint64(7)
BYTES_MASK = np.uint64((1 << 56) - 1)
OWN_WORD = np.uint64(1 << 59)
"""The character is a word of its own: its script is written without spaces."""
SKIPPED = np.uint64(1 << 60)
"""The character leaves no trace: a combining accent, a joiner, a soft hyphen."""
SEPARATOR = np.uint64(0)

# Thai, Lao, Myanmar, Khmer, Tai scripts; Kangxi radicals to the ideographs, without the CJK punctuation and without
# Hangul, which is written with spaces; Yi is written with spaces too
WITHOUT_SPACES = (
    (0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x1950, 0x19DF), (0x1A20, 0x1AAF), (0x2E80, 0x2FDF),
    (0x3005, 0x3007), (0x3021, 0x312F), (0x31A0, 0x31BF), (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF),
    (0xA9E0, 0xA9FF), (0xAA60, 0xAADF), (0xF900, 0xFAFF), (0xFF66, 0xFF9F), (0x1B000, 0x1B16F),
)  # fmt: skip
ACCENTS = range(0x300, 0x370)
VARIATION_SELECTORS = range(0xFE00, 0xFE10)
SOFT_HYPHEN = 0xAD
"""Punctuation in Unicode 3.2, a format character since."""


def _packed(text: str) -> int:
    encoded = text.encode()
    return int.from_bytes(encoded, "little") | len(encoded) << int(LENGTH_SHIFT)


def _word_entry(code_point: int) -> int:
    # Unicode 3.2 is frozen inside every Python, so that a newer one cannot move a word boundary of an old corpus;
    # what was not assigned then counts as a letter
    frozen = unicodedata.ucd_3_2_0
    character = chr(code_point)
    category = frozen.category(character)
    if code_point in ACCENTS or code_point in VARIATION_SELECTORS:
        return int(SKIPPED)
    if category == "Cf" or code_point == SOFT_HYPHEN:
        return int(SKIPPED)
    if category[0] in "PZS" or category in ("Cc", "Cs"):
        return int(SEPARATOR)
    decomposed = frozen.normalize("NFD", character)
    if len(decomposed) > 1 and all(ord(mark) in ACCENTS for mark in decomposed[1:]):
        character = decomposed[0]
    elif len(decomposed) == 1:
        character = decomposed
    return _packed(character.casefold())


def _case_entry(code_point: int) -> int:
    character = chr(code_point)
    if character.isspace() or 0xD800 <= code_point < 0xE000:
        return int(SEPARATOR)
    return _packed(character.casefold())


@cache
def word_table() -> npt.NDArray[np.uint64]:
    """Fold for shingles -> u64[TABLE_SIZE]. A word is a run of letters, marks, digits and private characters (general
    category L, M, N or Co of Unicode 3.2, or unassigned there); everything else separates words. Letters lose case and
    Latin, Greek and Cyrillic accents (U+0300 to U+036F); digits stay. About 0.1 s, once a process."""
    table = np.array([_word_entry(code_point) for code_point in range(TABLE_SIZE)], dtype=np.uint64)
    for low, high in WITHOUT_SPACES:
        entries = table[low : high + 1]
        entries[(entries != SEPARATOR) & (entries != SKIPPED)] |= OWN_WORD
    return table


@cache
def case_table() -> npt.NDArray[np.uint64]:
    """Fold for exact matching -> u64[TABLE_SIZE]. str.casefold; SEPARATOR where str.isspace holds."""
    return np.array([_case_entry(code_point) for code_point in range(TABLE_SIZE)], dtype=np.uint64)
