"""What RedPajama-v2's signals know of a character: its classes, and what normalisation makes of it.

Both come from this Python's own Unicode (str methods, unicodedata), as the published signals did.
"""

from __future__ import annotations

import re
import string
import unicodedata
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

CODE_POINTS = 0x110000
FOLDED_CODE_POINTS = 0x30000
"""Code points from here on have neither case nor decomposition nor combining class."""

WORD, SPACE, UPPER, LOWER, LETTER, SENTENCE_END, NUMERIC, BULLET = 1, 2, 4, 8, 16, 32, 64, 128
BULLETS = "\u2022\u2023\u25b6\u25c0\u25e6\u25a0\u25a1\u25aa\u25ab\u2013"
CAPITAL_SIGMA = 0x3A3
REMOVED, LOOK_CLOSER = 0, 1
KEEPS_ITSELF, DEPENDS = -1, -2


class Folding(NamedTuple):
    """What a character becomes. ascii: u8[256], by byte (REMOVED; LOOK_CLOSER: whitespace, part of a longer character,
    or a byte that would read as one of these two). Code points from 128 to FOLDED_CODE_POINTS: start: i32 into pool: u8
    (or KEEPS_ITSELF, DEPENDS), width: u8 bytes, chars and numeric: u8 code points of it, first_mark and last_mark: u8
    combining class of its first and last code point."""

    ascii: Any
    start: Any
    width: Any
    chars: Any
    numeric: Any
    first_mark: Any
    last_mark: Any
    pool: Any


@cache
def signal_classes() -> npt.NDArray[np.uint8]:
    """u8[CODE_POINTS]: the classes above as bits. LOWER holds title case too: neither is upper case."""
    every = "".join(map(chr, range(CODE_POINTS)))
    table = np.zeros(CODE_POINTS, np.uint8)
    for pattern, bit in ((r"\w+", WORD), (r"\s+", SPACE), ("[a-zA-Z]+", LETTER), ("[.!?]+", SENTENCE_END)):
        for run in re.finditer(pattern, every):
            table[run.start() : run.end()] |= bit
    for i, character in enumerate(every[:FOLDED_CODE_POINTS]):
        if character.isupper():
            table[i] |= UPPER
        elif character.islower() or character.istitle():
            table[i] |= LOWER
    table[[i for i, character in enumerate(every) if character.isnumeric()]] |= NUMERIC
    table[[ord(character) for character in BULLETS]] |= BULLET
    table.flags.writeable = False
    return table


@cache
def lower_and_decompose() -> Folding:
    """ASCII punctuation removed, str.lower, NFD; about 0.2 s, once a process. A capital sigma's lower case depends on
    its neighbours."""
    found = _empty_folding()
    for i in range(33, 128):
        found.ascii[i] = REMOVED if chr(i) in string.punctuation else ord(chr(i).lower())
    pool = bytearray()
    for i in range(128, FOLDED_CODE_POINTS):
        folded = chr(i) if 0xD800 <= i < 0xE000 else unicodedata.normalize("NFD", chr(i).lower())
        found.first_mark[i] = unicodedata.combining(folded[0])
        found.last_mark[i] = unicodedata.combining(folded[-1])
        if folded == chr(i):
            continue
        written = folded.encode()
        found.start[i] = len(pool)
        found.width[i], found.chars[i] = len(written), len(folded)
        found.numeric[i] = sum(map(str.isnumeric, folded))
        pool += written
    found.start[CAPITAL_SIGMA] = DEPENDS
    return found._replace(pool=np.frombuffer(pool, np.uint8))


@cache
def leave_alone() -> Folding:
    """For text that is normalised already."""
    return _empty_folding()


def _empty_folding() -> Folding:
    ascii_bytes = np.arange(256, dtype=np.uint8)
    ascii_bytes[[0, 1, *(i for i in range(256) if i >= 128 or chr(i).isspace())]] = LOOK_CLOSER
    width, chars, numeric, first_mark, last_mark = np.zeros((5, FOLDED_CODE_POINTS), np.uint8)
    start = np.full(FOLDED_CODE_POINTS, KEEPS_ITSELF, np.int32)
    return Folding(ascii_bytes, start, width, chars, numeric, first_mark, last_mark, np.zeros(1, np.uint8))


def normalised(text: str) -> str:
    """RedPajama-v2's normalisation, line by line: for texts in which a character depends on its neighbours."""
    bare = text.translate(str.maketrans("", "", string.punctuation)).lower()
    return "\n".join(unicodedata.normalize("NFD", line) for line in bare.split("\n"))
