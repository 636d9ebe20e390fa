"""From text to runs of windows and their keys, as arrays: no disk, no engine. Words: scorers/kernels/substrings.py."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.dedup.sorted_rows import begin_of
from pipeline.recipe.dedup import Substrings
from scorers.kernels.radix import order_of_hashes
from scorers.kernels.substrings import find_runs
from scorers.text import TextBatch
from scorers.words import words

Hashes = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.int32]
Whole = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

BYTE, TOKEN = 1, 8
"""Bytes of an element: a byte itself, or the hash of a token."""


@dataclass(frozen=True, slots=True)
class Elements:
    """What is compared of D documents. values: u8[E] or u64[E]; view: the same as bytes; width: bytes of an element; bounds:
    i64[D+1] into values; start, end: i64[E], a token's bytes in its document, empty where an element is a byte."""

    values: npt.NDArray[np.generic]
    view: Bytes
    width: int
    bounds: Whole
    start: Whole
    end: Whole


@dataclass(frozen=True, slots=True)
class Runs:
    """R runs of windows of a shard, in its order. row: i32[R]; start: i64[R], the first window's element in its document;
    windows: i32[R]; anchor, context: u64[R]; repeats: i64[R] and step: i32[R], how often the same run follows, so far on."""

    row: Rows
    start: Whole
    windows: Rows
    anchor: Hashes
    context: Hashes
    repeats: Whole
    step: Rows

    def take(self, chosen: npt.NDArray[np.generic]) -> Runs:
        """Some of the runs, by mask or position."""
        return Runs(
            self.row[chosen], self.start[chosen], self.windows[chosen], self.anchor[chosen], self.context[chosen], self.repeats[chosen],
            self.step[chosen],
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Keys:
    """K different runs of a shard, by anchor and context; where each lies first and last: i32[K], i64[K]."""

    anchor: Hashes
    context: Hashes
    windows: Rows
    first_row: Rows
    first_start: Whole
    last_row: Rows
    last_start: Whole


def elements_of(batch: TextBatch, settings: Substrings) -> Elements:
    """The bytes of a batch, or the hashes of its tokens."""
    none = np.zeros(0, np.int64)
    if settings.min_tokens is None:
        return Elements(batch.data, batch.data, BYTE, batch.offsets, none, none)
    found = words(batch, "unicode")
    document = np.repeat(batch.offsets[:-1], np.diff(found.bounds))
    hashes = np.ascontiguousarray(found.hash)
    return Elements(hashes, hashes.view(np.uint8), TOKEN, found.bounds, found.start - document, found.end - document)


def piece_of(size: int) -> int:
    """Elements of the pieces that anchors are chosen among. Shorter ones make fewer runs, but more that share an anchor
    and nothing else: 0.4 of a window took the least time on real text."""
    return max(1, size * 2 // 5)


def runs_of(elements: Elements, size: int) -> Runs:
    """The runs of a batch; rows count from its first document."""
    piece = piece_of(size)
    # room for a run a window: only the pages that are written ever take memory, and no counting pass is needed
    room = int(elements.bounds[-1] - elements.bounds[0]) + 1
    recent = np.zeros(1 << (size - piece + 1).bit_length(), np.uint64)
    row, start, windows = np.empty(room, np.int32), np.empty(room, np.int64), np.empty(room, np.int32)
    anchor, context = np.empty(room, np.uint64), np.empty(room, np.uint64)
    repeats, step = np.empty(room, np.int64), np.empty(room, np.int32)
    n = find_runs(
        elements.values, elements.view, elements.width, elements.bounds, size, piece,
        recent, row, start, windows, anchor, context, repeats, step,
    )  # fmt: skip
    # copies, so that the room is given back
    made = Runs(row[:n], start[:n], windows[:n], anchor[:n], context[:n], repeats[:n], step[:n])
    return made.take(np.ones(n, np.bool_))


def keys_of(runs: Runs) -> Keys:
    """The different runs of a shard."""
    order = ordered(runs.anchor, runs.context)
    made = runs.take(order)
    begins = np.flatnonzero(begin_of(made.anchor, made.context))
    ends = np.append(begins[1:], len(order)) - 1 if len(begins) else begins
    last = made.start[ends] + made.repeats[ends] * made.step[ends]
    return Keys(
        made.anchor[begins], made.context[begins], made.windows[begins], made.row[begins], made.start[begins], made.row[ends], last
    )  # fmt: skip


def ordered(anchor: Hashes, context: Hashes) -> Whole:
    """The order by anchor and context, equal ones as they come. i64[N]. Only what shares the upper bits of its anchor is sorted
    twice."""
    order, upper_bits = order_of_hashes(anchor)
    again = np.zeros(len(order), np.bool_)
    again[1:] = upper_bits[1:] == upper_bits[:-1]
    again[:-1] |= again[1:]
    shared = np.flatnonzero(again)
    tied = order[shared]
    order[shared] = tied[np.lexsort((context[tied], anchor[tied]))]
    return order
