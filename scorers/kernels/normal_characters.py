"""What n-gram models know of a character: its kind, and what normalisation makes of it. One u32 a code point.

Bits 0 to 2: kind; 3: stays as it is; 4: cased, 5: ignorable (both for the final sigma); 6 to 9: bytes of what it
becomes; 10 to 31: where those start in the pool.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

Normalisation = Literal["ccnet", "none"]

NOTHING, SPACE, WORD, MARK, ALONE, MIXED = range(6)
"""Kinds: leaves no trace; separates tokens; part of a word; punctuation or symbol; a letter of a script without
spaces; becomes characters of several kinds."""
KIND = 7
SAME, CASED, IGNORABLE = 8, 16, 32
LENGTH_SHIFT, PLACE_SHIFT = 6, 10
CODE_POINTS = 0x110000
CONTROLS = (*range(32), *range(127, 160))
FIRST_HANGUL, LAST_HANGUL = 0xAC00, 0xD7A3

U32 = npt.NDArray[np.uint32]
U8 = npt.NDArray[np.uint8]


@cache
def named() -> dict[str, list[str]]:
    """The lines of normal_characters.tsv by name, as words."""
    text = Path(__file__).with_name("normal_characters.tsv").read_text(encoding="utf-8")
    lines = [line.partition("\t") for line in text.splitlines() if not line.startswith("#")]
    return {name: listed.split() for name, _, listed in lines}


def _kinds() -> U32:
    table = np.full(CODE_POINTS, WORD, np.uint32)
    for name, kind in (("mark", MARK), ("alone", ALONE), ("space", SPACE)):
        for written in named()[name]:
            first, _, last = written.partition("-")
            table[int(first, 16) : int(last or first, 16) + 1] = kind
    for name, flag in (("cased", CASED), ("ignorable", IGNORABLE)):
        for written in named()[name]:
            first, _, last = written.partition("-")
            table[int(first, 16) : int(last or first, 16) + 1] |= flag
    return table


@cache
def character_table(normalisation: Normalisation) -> tuple[U32, U8]:
    """u32[CODE_POINTS] as above, and the pool of UTF-8 bytes. 'none' drops control characters and changes nothing."""
    kinds = _kinds()
    table: U32 = kinds | np.uint32(SAME)
    for code_point in CONTROLS:
        if normalisation == "ccnet" or kinds[code_point] & KIND != SPACE:
            table[code_point] = NOTHING | kinds[code_point] & (CASED | IGNORABLE)
    if normalisation == "none":
        return table, np.zeros(1, np.uint8)
    pool = bytearray()
    for written in named()["dropped"]:
        first, _, last = written.partition("-")
        span = slice(int(first, 16), int(last or first, 16) + 1)
        table[span] = table[span] & (CASED | IGNORABLE) | NOTHING
    becomes = {int(a, 16): bytes.fromhex(b) for a, _, b in (w.partition("=") for w in named()["becomes"])}
    for written in named()["digit"]:
        first, _, last = written.partition("-")
        becomes |= dict.fromkeys(range(int(first, 16), int(last or first, 16) + 1), b"0")
    for code_point in range(FIRST_HANGUL, LAST_HANGUL + 1):
        becomes[code_point] = unicodedata.normalize("NFD", chr(code_point)).encode()
    places: dict[bytes, int] = {}
    for code_point, made in becomes.items():
        if made not in places:
            places[made] = len(pool)
            pool += made
        flags = int(table[code_point]) & (CASED | IGNORABLE)
        table[code_point] = _entry(made, places[made], kinds) | flags
    return table, np.array(pool, np.uint8)


def _entry(made: bytes, place: int, kinds: U32) -> int:
    characters = made.decode()
    found = {int(kinds[ord(c)]) & KIND for c in characters}
    kind = found.pop() if len(found) == 1 else MIXED
    if len(characters) > 1 and kind in (MARK, ALONE):
        kind = MIXED  # each is a token of its own
    return kind | len(made) << LENGTH_SHIFT | place << PLACE_SHIFT
