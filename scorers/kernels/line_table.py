"""The lines of a batch, text.split("\\n") of every document: found once, shared by every scorer that measures them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from scorers.kernels.characters import code_points, next_byte, strip_left, strip_right
from scorers.kernels.jit import hash_bytes, kernel
from scorers.text import TextBatch

NEWLINE = 10


@dataclass(frozen=True, slots=True)
class Lines:
    """L lines of D documents; a document of n newlines has n + 1 lines.

    bounds: i64[D+1], the lines of document d are bounds[d]..bounds[d+1]. start, end: i64[L], byte positions in
    `batch.data`; bare_start, bare_end: the same of the line after str.strip() (a blank line's are equal). chars:
    i64[L], code points of the line unstripped. hash: u64[L] of its exact bytes (jit.hash_bytes).
    """

    bounds: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    bare_start: npt.NDArray[np.int64]
    bare_end: npt.NDArray[np.int64]
    chars: npt.NDArray[np.int64]
    hash: npt.NDArray[np.uint64]

    def document_chars(self) -> npt.NDArray[np.int64]:
        """i64[D]: len(text), newlines included."""
        before = np.concatenate([np.zeros(1, np.int64), np.cumsum(self.chars + 1)])
        return np.diff(before[self.bounds]) - 1


def newline_lines(batch: TextBatch) -> Lines:
    """The lines of every document, computed by the first scorer that asks."""
    return batch.derive("newline_lines", _split)


def _split(batch: TextBatch) -> Lines:
    text = batch.data[batch.offsets[0] : batch.offsets[-1]]
    room = int(np.count_nonzero(text == NEWLINE)) + len(batch)
    bounds = np.zeros(len(batch) + 1, np.int64)
    positions = np.empty((4, room), np.int64)
    chars, hashes = np.empty(room, np.int64), np.empty(room, np.uint64)
    split_on_newlines(batch.data, batch.offsets, bounds, positions, chars, hashes)
    return Lines(bounds, positions[0], positions[1], positions[2], positions[3], chars, hashes)


@kernel
def split_on_newlines(data: Any, offsets: Any, bounds: Any, positions: Any, chars: Any, hashes: Any) -> None:
    """positions: i64[4, L] (start, end, bare start, bare end), chars: i64[L], hashes: u64[L]; bounds: i64[D+1]."""
    n = 0
    for d in range(offsets.size - 1):
        s = offsets[d]
        stop = offsets[d + 1]
        while True:
            e = next_byte(data, s, stop, NEWLINE)
            positions[0, n] = s
            positions[1, n] = e
            positions[2, n] = strip_left(data, s, e)
            positions[3, n] = strip_right(data, positions[2, n], e)
            chars[n] = code_points(data, s, e)
            hashes[n] = hash_bytes(data, s, e - s)
            n += 1
            if e >= stop:
                break
            s = e + 1
        bounds[d + 1] = n
