"""The phrases by which C4 drops lines and documents, and the citation marks it cuts out.

Raffel et al., JMLR 21(140), 2020.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scorers.kernels.characters import DECIMAL_DIGIT, code_point, next_byte
from scorers.kernels.jit import equal_bytes, inline, leaf, trailing_zeros

SCRIPT, LOREM_IPSUM, CURLY_BRACKET, POLICY, WIDE_LETTER = 1, 2, 4, 8, 16

# phrase, the place of a rare letter in it, what it means; looked for from that letter: few bytes are looked at twice
_PHRASES = (
    ("{", 0, CURLY_BRACKET),
    ("javascript", 8, SCRIPT),
    ("lorem ipsum", 7, LOREM_IPSUM),
    ("privacy policy", 8, POLICY),
    ("cookie policy", 7, POLICY),
    ("terms of use", 7, POLICY),
    ("uses cookies", 8, POLICY),
    ("use of cookies", 10, POLICY),
    ("use cookies", 7, POLICY),
)
_BYTES = np.frombuffer(b"".join(p.encode().ljust(16, b"\0") for p, _, _ in _PHRASES), np.uint8).reshape(-1, 16)
_WIDTHS = np.array([len(p) for p, _, _ in _PHRASES], np.int64)
_RARE_AT = np.array([at for _, at, _ in _PHRASES], np.int64)
_NEXT = np.array([ord((p + "\0")[at + 1]) for p, at, _ in _PHRASES], np.uint8)
"""The byte after the rare letter, 0 at the end of a phrase."""
_MEANINGS = np.array([meaning for _, _, meaning in _PHRASES], np.int64)

# byte -> one past the last phrase with that rare letter, 0 for most bytes; and the first of them
_TO = np.zeros(256, np.uint8)
_FROM = np.zeros(256, np.uint8)
for _k, (_phrase, _at, _) in enumerate(_PHRASES):
    for _letter in {_phrase[_at], _phrase[_at].upper()}:
        _FROM[ord(_letter)] = _k if _TO[ord(_letter)] == 0 else _FROM[ord(_letter)]
        _TO[ord(_letter)] = _k + 1
# the last byte of the Kelvin sign, and the first of 'ſ', 'ı' and 'İ': letters whose other case is ASCII
_WIDE = len(_PHRASES) + 1
_TO[[0xAA, 0xC4, 0xC5]] = _WIDE

# the rare letters, and those behind them
LETTER_F, LETTER_K, LETTER_P, CURLY = b"fkp{"
LETTER_I, LETTER_O, LETTER_S, LETTER_T, SPACE = b"iost "

_EDIT = np.frombuffer(b"edit]", np.uint8)
_CITATION_NEEDED = np.frombuffer(b"citation needed]", np.uint8)
OPEN_BRACKET, CLOSE_BRACKET = 91, 93


@leaf
def phrases(text: Any, s: int, e: int) -> int:
    """The meanings of the phrases in text[s:e], ASCII letters in either case; WIDE_LETTER where fold_wide would find
    something to fold. Reads up to 7 bytes past e."""
    found = 0
    i = s
    while i < e:
        rare = rare_bytes(text, i)
        while rare != 0:
            ahead: Any = np.int64(trailing_zeros(rare))
            at = i + ahead
            rare &= rare - np.uint64(1)
            if at >= e:
                break
            to = _TO[text[at]]
            if to == _WIDE:
                found |= WIDE_LETTER if is_wide(text, s, at) else 0
                continue
            for k in range(_FROM[text[at]], to):
                # most rare letters fail here already
                if _NEXT[k] != 0 and text[at + 1] | 32 != _NEXT[k]:
                    continue
                start = at - _RARE_AT[k]
                if start >= s and start + _WIDTHS[k] <= e and matches(text, start, k):
                    found |= _MEANINGS[k]
        i += 64
    return found


@inline
def either_case(text: Any, i: Any, letter: Any) -> Any:
    """Bit k: text[i+k] is the small letter or its capital."""
    return equal_bytes(text, i, letter) | equal_bytes(text, i, letter - 32)


@leaf
def rare_bytes(text: Any, i: Any) -> Any:
    """Bit k: text[i+k] has an entry in _TO and, where it is a letter, a byte behind it as in one of the phrases."""
    p, k = either_case(text, i, LETTER_P), either_case(text, i, LETTER_K)
    f = either_case(text, i, LETTER_F) & equal_bytes(text, i + 1, SPACE)
    if p != 0:
        p &= (
            either_case(text, i + 1, LETTER_T) | either_case(text, i + 1, LETTER_S) | either_case(text, i + 1, LETTER_O)
        )
    if k != 0:
        k &= either_case(text, i + 1, LETTER_I)
    wide = equal_bytes(text, i, 0xAA) | equal_bytes(text, i, 0xC4) | equal_bytes(text, i, 0xC5)
    return p | k | f | wide | equal_bytes(text, i, CURLY)


@leaf
def matches(text: Any, at: int, k: int) -> bool:
    """Phrase k at text[at], ASCII letters in either case."""
    for j in range(_WIDTHS[k]):
        c = text[at + j]
        if (c + 32 if 65 <= c <= 90 else c) != _BYTES[k, j]:
            return False
    return True


@leaf
def is_wide(text: Any, s: int, i: int) -> bool:
    """text[i] is the last byte of a Kelvin sign or the first of 'ſ', 'ı' or 'İ'."""
    if text[i] == 0xAA:
        return bool(i >= s + 2 and text[i - 2] == 0xE2 and text[i - 1] == 0x84)
    if text[i] == 0xC5:
        return bool(text[i + 1] == 0xBF)
    return bool(text[i + 1] == 0xB0 or text[i + 1] == 0xB1)


@leaf
def fold_wide(text: Any, n: int, any_case: bool) -> int:
    """Write in text[:n] 'k' for the Kelvin sign, whose str.lower() it is, and with any_case, as re.IGNORECASE has it,
    's' for 'ſ' and 'i' for 'ı' and 'İ'; the new length."""
    out, i = 0, 0
    while i < n:
        c = text[i]
        if c == 0xE2 and text[i + 1] == 0x84 and text[i + 2] == 0xAA:
            c = 107
            i += 2
        elif any_case and (c == 0xC4 or c == 0xC5) and is_wide(text, 0, i):
            c = 115 if c == 0xC5 else 105
            i += 1
        text[out] = c
        out += 1
        i += 1
    return out


@leaf
def citation_bytes(data: Any, i: int, e: int, classes: Any) -> int:
    """Bytes of the citation mark at data[i] == '[' (regular expression \\[\\d*]|\\[edit]|\\[citation needed]), or 0."""
    j = i + 1
    if j < e and data[j] == _EDIT[0]:
        return 6 if follows(data, j, e, _EDIT) else 0
    if j < e and data[j] == _CITATION_NEEDED[0]:
        return 17 if follows(data, j, e, _CITATION_NEEDED) else 0
    while j < e and data[j] != CLOSE_BRACKET:
        if classes[code_point(data, j)] & DECIMAL_DIGIT == 0:
            return 0
        j += 1
        while j < e and data[j] & 0xC0 == 0x80:
            j += 1
    return j + 1 - i if j < e else 0


@leaf
def follows(data: Any, i: int, e: int, expected: Any) -> bool:
    """data[i:e] starts with `expected`."""
    if i + expected.size > e:
        return False
    for j in range(expected.size):
        if data[i + j] != expected[j]:
            return False
    return True


@leaf
def next_citation(data: Any, i: int, e: int, classes: Any) -> tuple[int, int]:
    """Where the first citation mark from i on starts, and its bytes; (e, 0) where there is none."""
    i = next_byte(data, i, e, OPEN_BRACKET)
    while i < e:
        width = citation_bytes(data, i, e, classes)
        if width > 0:
            return i, width
        i = next_byte(data, i + 1, e, OPEN_BRACKET)
    return e, 0


@leaf
def copy_without_citations(data: Any, s: int, e: int, classes: Any, out: Any, n: int) -> int:
    """Write data[s:e] less its citation marks to out[n:]; where it ends."""
    while s < e:
        at, width = next_citation(data, s, e, classes)
        for i in range(s, at):
            out[n] = data[i]
            n += 1
        s = at + width
    return n
