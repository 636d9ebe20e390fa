"""Text as a classifier was trained on it (lower case, marks set apart), and the segments that it is asked about."""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from scorers.kernels.characters import SENTENCE_END, code_point, space_bytes
from scorers.kernels.folding import LENGTH_MASK, LENGTH_SHIFT, OWN_WORD, SEPARATOR, TABLE_SIZE, case_table
from scorers.kernels.jit import kernel

SPACE = np.uint8(ord(" "))
NEWLINE = np.uint8(ord("\n"))
GROWTH = 3
"""Normalised text is at most this many times as long: a mark of one byte gets two spaces."""


@cache
def apart_table() -> npt.NDArray[np.uint64]:
    """folding.case_table() -> u64[TABLE_SIZE], with OWN_WORD on punctuation and symbols (categories P and S of Unicode
    3.2, which is frozen inside every Python)."""
    category = unicodedata.ucd_3_2_0.category
    marks = [n for n in range(TABLE_SIZE) if category(chr(n))[0] in "PS"]
    table = case_table().copy()
    table[marks] |= OWN_WORD
    return table


@kernel
def normalise_texts(data: Any, starts: Any, ends: Any, table: Any, out: Any, offsets: Any) -> None:
    """T texts starts[t]..ends[t] of data: u8[B], one after the other into out: u8[GROWTH * their bytes], offsets: i64[T+1].

    Every character becomes its entry in table (u64[TABLE_SIZE], folding.py); a separator becomes a space, and what has
    OWN_WORD gets a space before and after.
    """
    o: Any = 0
    offsets[0] = 0
    for t in range(len(starts)):
        i = starts[t]
        while i < ends[t]:
            c = code_point(data, i)
            width = 1 if c < 0x80 else 2 if c < 0x800 else 3 if c < 0x10000 else 4
            if c >= TABLE_SIZE:
                for b in range(width):
                    out[o + b] = data[i + b]
                o += width
                i += width
                continue
            entry = table[c]
            i += width
            if entry == SEPARATOR:
                out[o] = SPACE
                o += 1
                continue
            apart = entry & OWN_WORD != 0
            if apart:
                out[o] = SPACE
                o += 1
            length = np.int64((entry >> LENGTH_SHIFT) & LENGTH_MASK)
            for b in range(length):
                out[o + b] = np.uint8((entry >> np.uint64(8 * b)) & np.uint64(0xFF))
            o += length
            if apart:
                out[o] = SPACE
                o += 1
        offsets[t + 1] = o


@kernel
def split_segments(data: Any, offsets: Any, classes: Any, least_bytes: int, bounds: Any, starts: Any) -> int:
    """D texts cut into segments: after every newline, and after the whitespace that follows a mark which ends a sentence,
    the segment having at least least_bytes by then. classes: characters.character_classes().

    bounds: i64[D+1], starts: i64[N] in data; segment s ends where s + 1 starts, the last of a text with it. Returns how
    many, which may be more than N: then none past N is written.
    """
    n = 0
    for d in range(len(offsets) - 1):
        bounds[d] = n
        i, end, ended = offsets[d], offsets[d + 1], False
        start = i
        if i < end:
            if n < len(starts):
                starts[n] = i
            n += 1
        while i < end:
            c = code_point(data, i)
            width = 1 if c < 0x80 else 2 if c < 0x800 else 3 if c < 0x10000 else 4
            space = space_bytes(data, i) > 0
            newline = data[i] == NEWLINE
            i += width
            if (newline or (ended and space)) and i < end and (newline or i - start >= least_bytes):
                start = i
                if n < len(starts):
                    starts[n] = i
                n += 1
            ended = classes[c] & SENTENCE_END != 0
    bounds[len(offsets) - 1] = n
    return n
