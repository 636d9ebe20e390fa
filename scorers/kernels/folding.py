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
SEPARATING = [c.encode() for c in "Pc Pd Ps Pe Pi Pf Po Zs Zl Zp Sm Sc Sk So Cc Cs".split()]
"""General categories between words."""
ACCENTS = range(0x300, 0x370)
VARIATION_SELECTORS = range(0xFE00, 0xFE10)
SUBSCRIPT = "\u0345"
"""The Greek iota below a letter: str.casefold makes it a letter of its own, for `word_table` it is an accent."""
GREEK_EXTENDED = range(0x1F00, 0x2000)
TURNED_F = 0x2132
"""It separates words, being a symbol in Unicode 3.2; its small form does not."""
SOFT_HYPHEN = 0xAD
"""Punctuation in Unicode 3.2, a format character since."""


def packed(text: str) -> int:
    """The entry of a folding: its UTF-8, at most seven bytes, and their number."""
    encoded = text.encode()
    return int.from_bytes(encoded, "little") | len(encoded) << int(LENGTH_SHIFT)


def utf8_entries(code_points: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Entries of the code points as they are: u64[N], all below TABLE_SIZE."""
    c, tail, mark = code_points, np.uint64(0x3F), np.uint64(0x80)
    one = c
    two = (c >> 6) | 0xC0 | ((c & tail | mark) << 8)
    three = (c >> 12) | 0xE0 | ((c >> 6 & tail | mark) << 8) | ((c & tail | mark) << 16)
    four = (
        (c >> 18) | 0xF0 | ((c >> 12 & tail | mark) << 8) | ((c >> 6 & tail | mark) << 16) | ((c & tail | mark) << 24)
    )
    more = (c >= 0x80).astype(np.int64) + (c >= 0x800) + (c >= 0x10000)
    packed: npt.NDArray[np.uint64] = np.choose(more, [one, two, three, four])
    return packed | (more + 1).astype(np.uint64) << LENGTH_SHIFT


def _word_entry(character: str) -> int:
    # Unicode 3.2 is frozen inside every Python, so that a newer one cannot move a word boundary of an old corpus;
    # what was not assigned then counts as a letter
    decomposed = unicodedata.ucd_3_2_0.normalize("NFD", character)
    if len(decomposed) > 1 and all(ord(mark) in ACCENTS for mark in decomposed[1:]):
        character = decomposed[0]
    elif len(decomposed) == 1:
        character = decomposed
    return packed(character.casefold())


@cache
def word_table() -> npt.NDArray[np.uint64]:
    """Fold for shingles -> u64[TABLE_SIZE]. A word is a run of letters, marks, digits and private characters (general
    category L, M, N or Co of Unicode 3.2, or unassigned there); everything else separates words. Letters lose case and
    Latin, Greek and Cyrillic accents (U+0300 to U+036F); digits stay. About 0.04 s, once a process."""
    frozen = unicodedata.ucd_3_2_0
    characters = list(map(chr, range(TABLE_SIZE)))
    table = utf8_entries(np.arange(TABLE_SIZE, dtype=np.uint64))
    # one character in fifty folds to another: only those are asked one by one
    for i, character in enumerate(characters):
        if character.casefold() != character or frozen.decomposition(character):
            table[i] = _word_entry(character)
    categories = np.frombuffer("".join(map(frozen.category, characters)).encode(), dtype="S2")
    table[np.isin(categories, SEPARATING)] = SEPARATOR
    table[categories == b"Cf"] = SKIPPED
    for known in (ACCENTS, VARIATION_SELECTORS, SOFT_HYPHEN):
        table[known] = SKIPPED
    for low, high in WITHOUT_SPACES:
        entries = table[low : high + 1]
        entries[(entries != SEPARATOR) & (entries != SKIPPED)] |= OWN_WORD
    return table


@cache
def case_table() -> npt.NDArray[np.uint64]:
    """Fold of case alone -> u64[TABLE_SIZE]. str.casefold; SEPARATOR where str.isspace holds."""
    table = utf8_entries(np.arange(TABLE_SIZE, dtype=np.uint64))
    table[0xD800:0xE000] = SEPARATOR
    for i, character in enumerate(map(chr, range(TABLE_SIZE))):
        folded = character.casefold()
        if folded != character:
            table[i] = packed(folded)
        elif character.isspace():
            table[i] = SEPARATOR
    return table


@cache
def exact_table() -> npt.NDArray[np.uint64]:
    """Fold for exact matching -> u64[TABLE_SIZE]: `case_table`, but that TURNED_F stays and Greek letters lose their iota subscript,
    so that what folds alike has the same words."""
    frozen, table = unicodedata.ucd_3_2_0, case_table().copy()
    table[TURNED_F] = packed(chr(TURNED_F))
    for i in (ord(SUBSCRIPT), *GREEK_EXTENDED):
        decomposed = frozen.normalize("NFD", chr(i))
        if SUBSCRIPT in decomposed:
            bare = frozen.normalize("NFC", decomposed.replace(SUBSCRIPT, ""))
            table[i] = packed(bare.casefold()) or SKIPPED
    return table
