"""spaCy's English exceptions ("don't" is do + n't, "Mr." is one word) and units, as hash tables of their bytes."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from scorers.kernels.char_classes import INFIX, PREFIX, SUFFIX, UNITS, WORD, classes
from scorers.kernels.jit import MIX_1, hash_bytes, inline, kernel

SLOTS = 1 << 12
MAX_BYTES = 32
"""No exception is longer, so that its cuts fit 32 bits."""
MAX_PIECES = 11

HASH, CUTS, SEEN, UNIT, MAYBE, MAYBE_FIRST, MAYBE_PART, PIECES_FROM, PIECES_TO, EMOTICONS = range(10)
"""Rows of the tables, u64[10, SLOTS]. HASH: of each exception's bytes. CUTS: bit b, a word starts at its byte b. SEEN:
the same for the tokens that spaCy's last pass puts together again (0: none). UNIT: hashes of units alone. MAYBE: 65,536
bits, one set by the first 16 bits of each exception's hash; MAYBE_FIRST: the same for a cheap hash of its first eight
bytes; MAYBE_PART: of the first eight bytes of its first run of plain characters. PIECES_FROM and PIECES_TO, by first
and last byte: bit k, an exception of k SEEN tokens has it there. EMOTICONS, by first character (128 bits each): those
that come second in an exception of marks alone."""


@inline
def maybe_exception(hashed: Any, tables: Any) -> Any:
    """Whether a hash is worth looking up; one load from 8 KB, no for 98 % of other words."""
    top = hashed >> np.uint64(48)
    return (tables[MAYBE, np.int64(top >> np.uint64(6))] >> (top & np.uint64(63))) & np.uint64(1) != 0


@inline
def maybe_first(first: Any, tables: Any) -> Any:
    """Whether an exception may start with these bytes (a u64: eight of them or, if it is shorter, all and zeros)."""
    top = (first * MIX_1) >> np.uint64(48)
    return (tables[MAYBE_FIRST, np.int64(top >> np.uint64(6))] >> (top & np.uint64(63))) & np.uint64(1) != 0


@inline
def maybe_part(first: Any, tables: Any) -> Any:
    """Whether the first plain characters of an exception may be those that start with these bytes."""
    top = (first * MIX_1) >> np.uint64(48)
    return (tables[MAYBE_PART, np.int64(top >> np.uint64(6))] >> (top & np.uint64(63))) & np.uint64(1) != 0


@inline
def find_slot(hashed: Any, tables: Any, row: int) -> Any:
    """The slot of the row that holds the hash, or the empty one where it would stand."""
    slot = np.int64(hashed & np.uint64(SLOTS - 1))
    while tables[row, slot] != 0 and tables[row, slot] != hashed:
        slot = (slot + 1) & (SLOTS - 1)
    return slot


@kernel
def hash_all(data: Any, offsets: Any, hashes: Any) -> None:
    """data: u8[B+8], offsets: i64[N+1]; writes hashes: u64[N], jit.hash_bytes of each."""
    for k in range(offsets.size - 1):
        hashes[k] = hash_bytes(data, offsets[k], offsets[k + 1] - offsets[k])


def hashes_of(texts: list[bytes]) -> npt.NDArray[np.uint64]:
    """u64[N], the hash of each text."""
    offsets = np.cumsum([0, *map(len, texts)], dtype=np.int64)
    hashes = np.zeros(len(texts), np.uint64)
    hash_all(np.frombuffer(b"".join(texts) + bytes(8), np.uint8), offsets, hashes)
    return hashes


@cache
def listed() -> list[tuple[list[str], list[str]]]:
    """Every exception: its pieces, and the tokens that spaCy's last pass recognises it by (none: it does not look)."""
    text = Path(__file__).with_name("english_exceptions.tsv").read_text(encoding="utf-8")
    lines = [line.partition("\t") for line in text.split("\n")[1:] if line]
    return [(pieces.split(" "), tokens.split()) for pieces, _, tokens in lines]


def _cuts(pieces: list[str]) -> int:
    cuts = at = 0
    for piece in pieces:
        cuts |= 1 << at
        at += len(piece.encode())
    return cuts


def _place(hashes: npt.NDArray[np.uint64], row: npt.NDArray[np.uint64]) -> list[int]:
    slots = []
    for h in hashes:
        slot = int(h) & (SLOTS - 1)
        while row[slot]:
            slot = (slot + 1) & (SLOTS - 1)
        row[slot] = h
        slots.append(slot)
    return slots


def _set_bit(row: npt.NDArray[np.uint64], hashed: int) -> None:
    row[hashed >> 54] |= np.uint64(1 << (hashed >> 48 & 63))


def _set_first(row: npt.NDArray[np.uint64], text: bytes) -> None:
    _set_bit(row, int.from_bytes(text[:8], "little") * int(MIX_1) % (1 << 64))


def first_part(text: str) -> str:
    """The first run of characters that are letters, digits or the like and no marks; empty in an emoticon of marks."""
    marks = classes()
    plain = [marks[ord(c)] & (WORD | PREFIX | SUFFIX | INFIX) == WORD for c in text]
    first = plain.index(True) if True in plain else len(text)
    return text[first : plain.index(False, first) if False in plain[first:] else len(text)]


@cache
def exceptions() -> npt.NDArray[np.uint64]:
    """The tables, u64[10, SLOTS], made at first use."""
    tables = np.zeros((10, SLOTS), np.uint64)
    texts = ["".join(pieces).encode() for pieces, _ in listed()]
    hashes = hashes_of(texts)
    slots = _place(hashes, tables[HASH])
    for slot, h, text, (pieces, tokens) in zip(slots, hashes, texts, listed(), strict=True):
        tables[CUTS, slot], tables[SEEN, slot] = _cuts(pieces), _cuts(tokens)
        _set_bit(tables[MAYBE], int(h))
        _set_first(tables[MAYBE_FIRST], text)
        part = first_part(text.decode())
        if part:
            _set_first(tables[MAYBE_PART], part.encode())
        elif len(text) > 1 and max(text[:2]) < 128:
            tables[EMOTICONS, 2 * text[0] + (text[1] >> 6)] |= np.uint64(1 << (text[1] & 63))
        if tokens:
            tables[PIECES_FROM, text[0]] |= np.uint64(1 << len(tokens))
            tables[PIECES_TO, text[-1]] |= np.uint64(1 << len(tokens))
    _place(hashes_of([unit.encode() for unit in UNITS]), tables[UNIT])
    tables.flags.writeable = False
    return tables
