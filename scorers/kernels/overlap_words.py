"""Words as published decontaminations normalise them, with where they stand: tables of folded characters, one cutter.

A table is `folding`'s (bytes, length, OWN_WORD, SKIPPED) with three marks more, for numbers that count as one and for HTML, and one entry more:
the marks of all characters beyond it.
"""

from __future__ import annotations

import string
import unicodedata
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from scorers.kernels.folding import (
    BYTES_MASK,
    LENGTH_MASK,
    LENGTH_SHIFT,
    OWN_WORD,
    SEPARATOR,
    SKIPPED,
    TABLE_SIZE,
    packed,
    utf8_entries,
    word_table,
)
from scorers.kernels.jit import MIX_1, MIX_2, kernel, leaf, mix
from scorers.kernels.shingles import decode

DIGIT = np.uint64(1 << 61)
"""Digits in a row are one 0, a decimal point and digits behind it included."""
POINT = np.uint64(1 << 62)
"""A decimal point where digits stand on both sides; else what the entry says without this mark."""

TAG = np.uint64(1 << 63)
"""Where a tag or an entity of HTML begins, if one does: all of it separates words."""
TAG_BYTES = 256
"""A longer tag is text."""
ENTITY_BYTES = 10

Table = npt.NDArray[np.uint64]

DATATROVE_PUNCTUATION = (
    "!/—”:％１〈&(、━\\【#%「」，】；+^]~“《„';’{|∶´[=-`*．（–？！：$～«〉,><》)?）。…@_.\"}►»"
    + "".join(map(chr, (*range(9), *range(11, 32), *range(127, 160))))
)
"""datatrove 0.10.1, utils/text.py: these become spaces."""
DATATROVE_POINTS = ".,،٫⎖⎗⎘"
SPLIT_OFF = "‘"
"""spaCy's tokenizer makes it a word; nearly every other mark it looks at is gone before."""


@cache
def gpt3_table() -> Table:
    """str.split() of text in small ASCII letters without ASCII punctuation, as the EleutherAI harness's janitor follows
    GPT-3 (arXiv:2005.14165, appendix C) -> u64[TABLE_SIZE + 1]."""
    table = _as_they_are()
    for capital in string.ascii_uppercase:
        table[ord(capital)] = packed(capital.lower())
    table[[ord(c) for c in string.punctuation]] = SKIPPED
    table[[i for i in range(TABLE_SIZE) if chr(i).isspace()]] = SEPARATOR
    return table


@cache
def datatrove_table() -> Table:
    """datatrove 0.10.1's simplify_text: small letters, numbers as 0, punctuation and whitespace apart, accents (Mn) gone
    -> u64[TABLE_SIZE + 1]. A character that decomposes into more than seven bytes stands for itself: Hangul does."""
    frozen = unicodedata.ucd_3_2_0
    table = _as_they_are()
    for i, character in enumerate(map(chr, range(TABLE_SIZE))):
        lower = character.lower()
        category = frozen.category(character)
        if category == "Nd":
            table[i] = packed("0") | int(DIGIT)
        elif character in DATATROVE_PUNCTUATION or character.isspace():
            table[i] = SEPARATOR
        elif category == "Mn":
            table[i] = SKIPPED
        elif lower != character or frozen.decomposition(character):
            left = "".join(c for c in frozen.normalize("NFD", lower) if frozen.category(c) != "Mn")
            if 0 < len(left.encode()) <= 7:
                table[i] = packed(left)
    table[[ord(c) for c in DATATROVE_POINTS]] |= POINT
    table[ord(SPLIT_OFF)] |= OWN_WORD
    return table


@cache
def letters_table() -> Table:
    """The words of near-duplicate detection, `folding.word_table` -> u64[TABLE_SIZE + 1]."""
    return np.append(word_table(), OWN_WORD)


@cache
def unmarked_table() -> Table:
    """letters_table, and no word comes of HTML's tags and entities -> u64[TABLE_SIZE + 1]."""
    table = letters_table().copy()
    table[[ord("<"), ord("&")]] |= TAG
    return table


def _as_they_are() -> Table:
    return np.append(utf8_entries(np.arange(TABLE_SIZE, dtype=np.uint64)), np.uint64(0))


@leaf
def entry_at(data: Any, i: int, table: Any) -> tuple[Any, int]:
    """The table's entry of the character at data[i], and its bytes."""
    code_point, width = decode(data, i)
    if code_point < TABLE_SIZE:
        return table[code_point], width
    if 0xE0000 <= code_point <= 0xE0FFF and table[TABLE_SIZE] != 0:
        return SKIPPED, width
    packed_bytes = np.uint64(data[i]) | np.uint64(data[i + 1]) << np.uint64(8)
    packed_bytes |= np.uint64(data[i + 2]) << np.uint64(16) | np.uint64(data[i + 3]) << np.uint64(24)
    return packed_bytes | np.uint64(4) << LENGTH_SHIFT | table[TABLE_SIZE], width


@leaf
def is_digit(data: Any, i: int, stop: int, table: Any) -> bool:
    """Whether a digit stands at data[i]."""
    if i >= stop:
        return False
    entry = table[data[i]] if data[i] < 0x80 else entry_at(data, i, table)[0]
    return bool((entry & DIGIT) != 0)


@leaf
def past_number(data: Any, i: int, stop: int, table: Any) -> int:
    """Where the number that begins at data[i] ends: digits, and once a decimal point and digits."""
    points = 0
    while i < stop:
        entry, width = (table[data[i]], 1) if data[i] < 0x80 else entry_at(data, i, table)
        if entry & DIGIT == 0:
            if entry & POINT == 0 or points == 1 or not is_digit(data, i + width, stop, table):
                return i
            points += 1
        i += width
    return i


@leaf
def is_letter(c: Any) -> bool:
    """Whether a byte is an ASCII letter."""
    return bool(97 <= c | 0x20 <= 122)


@leaf
def past_tag(data: Any, i: int, stop: int) -> int:
    """Where the tag <a ...>, </a>, <!-- > or the entity &amp; &#39; that begins at data[i] ends; i itself if none does."""
    last = min(stop, i + (TAG_BYTES if data[i] == 60 else ENTITY_BYTES))
    j = i + 1
    if j < last and (data[j] == 47 or data[j] == 35):
        j += 1
    if j >= last:
        return i
    if data[i] == 60:
        if not is_letter(data[j]) and data[j] != 33:
            return i
        while j < last and data[j] != 62 and data[j] != 60:
            j += 1
        return j + 1 if j < last and data[j] == 62 else i
    while j < last and (is_letter(data[j]) or 48 <= data[j] <= 57):
        j += 1
    return j + 1 if j < last and data[j] == 59 and j > i + 1 else i


@leaf
def absorbed(h: Any, entry: Any) -> Any:
    """The hash with an entry's bytes, one by one: ß and ss are the same."""
    folded = entry & BYTES_MASK
    for _ in range((entry >> LENGTH_SHIFT) & LENGTH_MASK):
        h = (h ^ (folded & np.uint64(0xFF))) * MIX_2
        folded >>= np.uint64(8)
    return h


@leaf
def next_word(data: Any, i: int, stop: int, table: Any) -> tuple[int, int, Any, int]:
    """The first word at or behind i -> (where it starts, ends, its hash, where to go on); it starts at `stop` where there
    is none."""
    h = MIX_1
    start, end = stop, stop
    while i < stop:
        c = data[i]
        if c < 0x80:
            entry, width = table[c], 1
            # nearly every character: a folded ASCII letter without any mark
            if entry >> LENGTH_SHIFT == 1:
                if start == stop:
                    start = i
                h = (h ^ (entry & np.uint64(0xFF))) * MIX_2
                i += 1
                end = i
                continue
        else:
            entry, width = entry_at(data, i, table)
        plain = entry & ~(POINT | TAG)
        if entry & TAG != 0:
            width = max(1, past_tag(data, i, stop) - i)
        if plain & SKIPPED != 0:
            i += width
            continue
        alone = plain & OWN_WORD != 0
        if plain == SEPARATOR or (alone and start != stop):
            if start != stop:
                return start, end, mix(h), i
            i += width
            continue
        if start == stop:
            start = i
        h = absorbed(h, plain)
        i = past_number(data, i, stop, table) if plain & DIGIT != 0 else i + width
        end = i
        if alone:
            break
    return start, end, mix(h), i


@kernel
def cut_words(data: Any, offsets: Any, table: Any, bounds: Any, start: Any, end: Any, hashes: Any) -> int:
    """B bytes, D documents, W words. data: u8[B+], offsets: i64[D+1], table: u64[TABLE_SIZE + 1]; writes bounds: i64[D+1],
    start and end: i64[W], bytes of `data`, and hashes: u64[W] of the folded words -> W."""
    n = 0
    bounds[0] = 0
    for d in range(offsets.size - 1):
        stop = offsets[d + 1]
        i = offsets[d]
        while i < stop:
            s, e, h, i = next_word(data, i, stop, table)
            if s < stop:
                start[n], end[n], hashes[n] = s, e, h
                n += 1
        bounds[d + 1] = n
    return n
