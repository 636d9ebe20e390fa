"""The lines of a batch, at newlines or at every line break: found once, shared by every scorer that measures them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scorers.kernels.line_table import NEWLINE, split_on_breaks, split_on_newlines
from scorers.text import TextBatch


@dataclass(frozen=True, slots=True)
class Lines:
    """L lines of D documents: text.split("\\n"), or text.splitlines().

    bounds: i64[D+1], the lines of document d are bounds[d]..bounds[d+1]. start, end: i64[L], byte positions in
    `batch.data`; bare_start, bare_end: the same of the line after str.strip() (a blank line's are equal); after:
    i64[L], where the line's break ends.
    """

    bounds: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    bare_start: npt.NDArray[np.int64]
    bare_end: npt.NDArray[np.int64]
    after: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class HashedLines(Lines):
    """Lines and what they hold. chars: i64[L], code points of the line unstripped. hash: u64[L] of its exact bytes
    (jit.hash_bytes)."""

    chars: npt.NDArray[np.int64]
    hash: npt.NDArray[np.uint64]

    def document_chars(self) -> npt.NDArray[np.int64]:
        """i64[D]: len(text), newlines included."""
        before = np.concatenate([np.zeros(1, np.int64), np.cumsum(self.chars + 1)])
        return np.diff(before[self.bounds]) - 1


def newline_lines(batch: TextBatch) -> HashedLines:
    """text.split("\\n") of every document, computed by the first scorer that asks; n newlines make n + 1 lines."""
    return batch.derive("newline_lines", _at_newlines)


def break_lines(batch: TextBatch) -> Lines:
    """text.splitlines() of every document, computed by the first scorer that asks."""
    return batch.derive("break_lines", _at_breaks)


def _at_newlines(batch: TextBatch) -> HashedLines:
    text = batch.data[batch.offsets[0] : batch.offsets[-1]]
    room = int(np.count_nonzero(text == NEWLINE)) + len(batch)
    bounds = np.zeros(len(batch) + 1, np.int64)
    positions = np.empty((4, room), np.int64)
    chars, hashes = np.empty(room, np.int64), np.empty(room, np.uint64)
    split_on_newlines(batch.data, batch.offsets, bounds, positions, chars, hashes)
    start, end, bare_start, bare_end = positions
    return HashedLines(bounds, start, end, bare_start, bare_end, end + 1, chars, hashes)


def _at_breaks(batch: TextBatch) -> Lines:
    # room for a line per byte: only the pages that are written ever take memory, and no counting pass is needed
    bounds, positions = np.zeros(len(batch) + 1, np.int64), np.empty((5, batch.text_bytes), np.int64)
    n = split_on_breaks(batch.data, batch.offsets, bounds, positions)
    return Lines(bounds, *positions[:, :n])
