"""Chunks of a plain shape, cut without a copy: marks, parts of letters and digits with one mark between two, marks.

"(word", "42,", "time-consuming", "mother's", "7,000" are of that shape, in any script, and spaCy's rules (english_rules)
then see each mark alone. What holds an exception's first part, two marks that may start an emoticon, a unit or a full
stop that may belong to a URL is left to those rules: here 0 is "look closer".
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scorers.kernels.char_classes import (
    ALPHA,
    BEFORE_FULL_STOP,
    CURRENCY,
    DIGIT,
    INFIX,
    PREFIX,
    SUFFIX,
    UNIT_END,
    UPPER,
    WORD,
)
from scorers.kernels.english_exceptions import EMOTICONS, maybe_part
from scorers.kernels.english_marks import (
    APOSTROPHE,
    CARET,
    COLON,
    COMMA,
    CURLY_APOSTROPHE,
    DOLLAR,
    DOT,
    ELLIPSIS,
    EM_DASH,
    EN_DASH,
    EQUALS,
    GREATER,
    HYPHEN,
    LESS,
    PLUS,
    SLASH,
    STAR,
    TILDE,
)
from scorers.kernels.jit import inline, leaf, load64
from scorers.kernels.words import code_point, first_bytes, width_of

AFFIX = PREFIX | SUFFIX | INFIX
SMALL_S, LOWER_CASE = 115, 32
MAX_DOTS = 2
"""Three full stops between digits may be an IPv4 address."""


@inline
def is_plain(flags: Any) -> bool:
    """A letter, digit or the like that no rule takes for a mark."""
    return bool(flags & (WORD | AFFIX) == WORD)


@inline
def character(data: Any, i: Any) -> Any:
    """The code point at data[i], the most frequent width first."""
    return np.int64(data[i]) if data[i] < 0x80 else code_point(data, i)


@leaf
def may_join(before: Any, c: Any, tables: Any) -> bool:
    """Whether an emoticon may start with the marks `before` and c."""
    if before >= 0x80:
        return False
    if c >= 0x80:
        return bool(tables[EMOTICONS, 2 * before] | tables[EMOTICONS, 2 * before + 1] != 0)
    return bool(tables[EMOTICONS, 2 * before + (c >> 6)] >> np.uint64(c & 63) & np.uint64(1) != 0)


@leaf
def cuts_at(c: Any, before: Any, after: Any) -> int:
    """Whether the mark c between plain characters with these flags is an infix: 1, 0, or -1 where that takes more than
    the two. See english_marks.infix_chars."""
    if c == DOLLAR:
        return -1
    if c < STAR:
        return 0
    if c == DOT:
        return 0 if before & after & DIGIT != 0 else -1
    if c == COMMA:
        return 1 if before & after & ALPHA != 0 else 0
    if before & after & DIGIT != 0:
        return 1 if c == PLUS or c == HYPHEN or c == STAR or c == CARET else 0
    if before & (ALPHA | DIGIT) == 0 or after & ALPHA == 0:
        return 0
    if c == COLON or c == LESS or c == EQUALS or c == GREATER or c == SLASH:
        return 1
    return 1 if c == HYPHEN or c == EN_DASH or c == EM_DASH or c == TILDE else 0


@leaf
def opening_marks(data: Any, s: int, e: int, classes: Any, tables: Any) -> tuple[Any, Any]:
    """Where the prefixes at the start of data[s:e] end, and the bits of the words they make; -1 for "look closer"."""
    i: Any = s
    bits: Any = np.uint64(1)
    before: Any = np.int64(0x80)
    while i < e:
        c = character(data, i)
        flags = classes[c]
        if is_plain(flags):
            return i, bits
        if flags & PREFIX == 0 or c == CURLY_APOSTROPHE or may_join(before, c, tables):
            return -1, bits
        i += width_of(c)
        bits |= np.uint64(1) << np.uint64(i - s)
        before = c
    return -1, bits


@leaf
def part_end(data: Any, i: Any, e: int, classes: Any) -> tuple[Any, Any, Any]:
    """Where the plain characters at data[i] end, the flags of any of them, and of the last two: last | last but one
    << 16."""
    some: Any = 0
    last: Any = 0
    while i < e:
        c = character(data, i)
        flags = np.int64(classes[c])
        if not is_plain(flags):
            break
        some |= flags
        last = (last & 0xFFFF) << 16 | flags
        i += width_of(c)
    return i, some, last


@leaf
def closing_marks(data: Any, s: int, i: Any, e: int, last: Any, classes: Any, tables: Any) -> Any:
    """The bits of the suffixes that fill data[i:e], of a chunk that starts at s; 0 for "look closer". last: the flags
    of the last two characters before."""
    bits: Any = np.uint64(0)
    before: Any = np.int64(0x80)
    while i < e:
        c = character(data, i)
        flags = np.int64(classes[c])
        if c == DOT:
            after_acronym = last & UPPER != 0 and last >> 16 & UPPER != 0
            closes = before != DOT and (last & BEFORE_FULL_STOP != 0 or after_acronym)
        else:
            closes = flags & (SUFFIX | UNIT_END | CURRENCY) == SUFFIX and c != CURLY_APOSTROPHE and c != ELLIPSIS
        if not closes or may_join(before, c, tables):
            return np.uint64(0)
        bits |= np.uint64(1) << np.uint64(i - s)
        last = (last & 0xFFFF) << 16 | flags
        before = c
        i += width_of(c)
    return bits


@leaf
def possessive(data: Any, i: Any, e: int, c: Any, classes: Any) -> Any:
    """Bytes of the 's (or of its like) whose apostrophe c is at data[i], if marks at most follow; else 0."""
    at = i + width_of(c)
    if (c != APOSTROPHE and c != CURLY_APOSTROPHE) or at >= e or data[at] | LOWER_CASE != SMALL_S:
        return 0
    return at + 1 - i if at + 1 == e or not is_plain(classes[character(data, at + 1)]) else 0


@leaf
def plain_cuts(data: Any, s: int, e: int, classes: Any, tables: Any) -> Any:
    """Bit b: a word starts at byte b of the chunk data[s:e] of at most 64; 0 where it is of another shape."""
    none = np.uint64(0)
    i, bits = opening_marks(data, s, e, classes, tables)
    if i < 0:
        return none
    dots, some = 0, 0
    width: Any = 0
    while True:
        p = i
        i, found, last = part_end(data, p, e, classes)
        some |= found
        if maybe_part(first_bytes(load64(data, p), min(i - p, 8)), tables):
            return none
        if i == e:
            break
        c = character(data, i)
        width = possessive(data, i, e, c, classes)
        after: Any = np.int64(classes[character(data, i + width_of(c))]) if i + width_of(c) < e else 0
        if width > 0 or not is_plain(after):
            break
        cut = cuts_at(c, last & 0xFFFF, after)
        dots += c == DOT
        if cut < 0 or classes[c] & INFIX != 0 or dots > MAX_DOTS:
            return none
        if cut > 0:
            bits |= (np.uint64(1) << np.uint64(i - s)) | (np.uint64(1) << np.uint64(i + width_of(c) - s))
        i += width_of(c)
    if some & DIGIT != 0 and last & UNIT_END != 0:
        return none
    if i < e:
        if width > 0:
            bits |= np.uint64(1) << np.uint64(i - s)
            i += width
            if i < e and data[i] == DOT:
                return none
        more = closing_marks(data, s, i, e, last, classes, tables)
        return bits | more if more != 0 or i == e else none
    return bits
