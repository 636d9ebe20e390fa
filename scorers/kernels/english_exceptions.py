"""spaCy's English exceptions ("don't" is do + n't, "Mr." is one word) and units, as hash tables of their bytes."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from scorers.kernels.char_classes import UNITS
from scorers.kernels.jit import hash_bytes, inline, kernel

SLOTS = 1 << 12
MAX_BYTES = 32
"""No exception is longer, so that its cuts fit 32 bits."""
MAX_PIECES = 11


class Exceptions(NamedTuple):
    """hash: u64[SLOTS]. cuts: u32[SLOTS], bit b: a word starts at byte b. seen: u32[SLOTS], the same for the tokens
    that spaCy's last pass puts together again (0: none). maybe: u64[1024], a bit set by the hash's first 16 bits.
    units: u64[SLOTS], hashes alone."""

    hash: Any
    cuts: Any
    seen: Any
    maybe: Any
    units: Any


@inline
def maybe_exception(hashed: Any, maybe: Any) -> bool:
    """Whether a hash is worth looking up; one load from 8 KB, no for 98 % of other words."""
    top = hashed >> np.uint64(48)
    return (maybe[np.int64(top >> np.uint64(6))] >> (top & np.uint64(63))) & np.uint64(1) != 0


@inline
def find_slot(hashed: Any, table: Any) -> int:
    """The slot that holds the hash, or the empty one where it would stand."""
    slot = np.int64(hashed & np.uint64(SLOTS - 1))
    while table[slot] != 0 and table[slot] != hashed:
        slot = (slot + 1) & (SLOTS - 1)
    return slot


@kernel
def hash_all(data: Any, offsets: Any, hashes: Any) -> None:
    """data: u8[B+8], offsets: i64[N+1]; writes hashes: u64[N], each of its bytes."""
    for k in range(offsets.size - 1):
        hashes[k] = hash_bytes(data, offsets[k], offsets[k + 1] - offsets[k])


def hashes_of(texts: list[str]) -> npt.NDArray[np.uint64]:
    """u64[N], the hash of each text's bytes."""
    encoded = [t.encode() for t in texts]
    offsets = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
    hashes = np.zeros(len(texts), np.uint64)
    hash_all(np.frombuffer(b"".join(encoded) + bytes(8), np.uint8), offsets, hashes)
    return hashes


@cache
def listed() -> list[tuple[list[str], list[str]]]:
    """Every exception: its pieces, and the tokens that spaCy's last pass recognises it by (none: it does not look)."""
    text = Path(__file__).with_name("english_exceptions.tsv").read_text(encoding="utf-8")
    lines = [line.partition("\t") for line in text.splitlines() if not line.startswith("#")]
    return [(pieces.split(" "), tokens.split()) for pieces, _, tokens in lines]


def _cuts(pieces: list[str]) -> int:
    lengths = [0, *(len(p.encode()) for p in pieces)]
    return sum(1 << int(at) for at in np.cumsum(lengths)[:-1]) if pieces else 0


def _place(hashes: npt.NDArray[np.uint64]) -> tuple[npt.NDArray[np.uint64], list[int]]:
    table = np.zeros(SLOTS, np.uint64)
    slots = []
    for h in hashes:
        slot = int(h) & (SLOTS - 1)
        while table[slot]:
            slot = (slot + 1) & (SLOTS - 1)
        table[slot] = h
        slots.append(slot)
    return table, slots


@cache
def exceptions() -> Exceptions:
    """The tables, made at first use."""
    hashes = hashes_of(["".join(pieces) for pieces, _ in listed()])
    table, slots = _place(hashes)
    cuts, seen, maybe = np.zeros(SLOTS, np.uint32), np.zeros(SLOTS, np.uint32), np.zeros(1024, np.uint64)
    for slot, h, (pieces, tokens) in zip(slots, hashes, listed(), strict=True):
        cuts[slot], seen[slot] = _cuts(pieces), _cuts(tokens)
        maybe[int(h) >> 54] |= np.uint64(1 << (int(h) >> 48 & 63))
    return Exceptions(table, cuts, seen, maybe, _place(hashes_of(UNITS))[0])
