"""From what lies elsewhere to spans of documents, as arrays: no disk, no engine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.dedup.sorted_rows import begin_of
from pipeline.dedup.substrings.matches import Matches, Places
from pipeline.dedup.substrings.substrings import Elements, Hashes, Rows, Runs, Whole
from scorers.kernels.substring_ends import move_ends
from scorers.kernels.word_breaks import word_breaks
from scorers.text import TextBatch

SPREAD = 8
"""Places for each known hash, a byte each, among which those that are not known are told."""


@dataclass(frozen=True, slots=True)
class Spans:
    """S spans of a shard's documents, by row and start, none touching another. row: i32[S]; start, end: i64[S], elements or
    bytes; shard, other: i32[S], another place where the span's first window lies."""

    row: Rows
    start: Whole
    end: Whole
    shard: Rows
    other: Rows

    def take(self, chosen: npt.NDArray[np.generic]) -> Spans:
        """Some of them, by mask or position."""
        return Spans(self.row[chosen], self.start[chosen], self.end[chosen], self.shard[chosen], self.other[chosen])


def repeated_spans(runs: Runs, matches: Matches, index: int, size: int, later: bool) -> Spans:
    """What of shard `index` lies earlier in the corpus, in elements; later: or later, too. Within a document only what does
    not overlap counts: of a text of one letter the first `size` elements stay."""
    run, match = _joined(runs, matches)
    base = runs.start[run] + matches.begin[match]
    length = (matches.end[match] - matches.begin[match]).astype(np.int64) - 1 + size
    row, count, step = runs.row[run], runs.repeats[run], np.maximum(runs.step[run], 1)
    here = (matches.first.shard[match] == index) & (matches.first.row[match] == row)
    # the first of the run's repetitions that does not overlap the first occurrence
    k = np.where(here, np.maximum(0, -(-(matches.first.start[match] + size - base) // step)), 0)
    found = [_spans(row, base + k * step, base + count * step + length, matches.first.take(match), k <= count)]
    if later:
        here = (matches.last.shard[match] == index) & (matches.last.row[match] == row)
        k = np.where(here, np.minimum(count, (matches.last.start[match] - size - base) // step), count)
        found.append(_spans(row, base, base + k * step + length, matches.last.take(match), k >= 0))
    return joined(found)


def _spans(row: Rows, start: Whole, end: Whole, place: Places, chosen: npt.NDArray[np.bool_]) -> Spans:
    return Spans(row, start, end, place.shard, place.row).take(chosen)


def _joined(runs: Runs, matches: Matches) -> tuple[Whole, Whole]:
    """(i64[P], i64[P]): every run with every stretch of it."""
    group = begin_of(matches.anchor, matches.context)
    heads = np.append(np.flatnonzero(group), len(group))
    anchor, context = matches.anchor[heads[:-1]], matches.context[heads[:-1]]
    run = _in_any(anchor, runs.anchor)
    low, high = (np.searchsorted(anchor, runs.anchor[run], side=s) for s in ("left", "right"))
    wanted = runs.context[run]
    while (open_ := high - low > 1).any():  # all runs at once: the contexts of an anchor rise
        middle = (low + high) // 2
        right = open_ & (context[np.minimum(middle, len(context) - 1)] <= wanted)
        low, high = np.where(right, middle, low), np.where(open_ & ~right, middle, high)
    same = context[low] == wanted
    run, at = run[same], low[same]
    many = heads[at + 1] - heads[at]
    which = np.arange(int(many.sum())) - np.repeat(np.cumsum(many) - many, many)
    return np.repeat(run, many), np.repeat(heads[at], many) + which


def _in_any(known: Hashes, asked: Hashes) -> Whole:
    """Which of the hashes asked for are among those that are known, and rising; i64[P]. By their upper bits first: most are not
    there, and a look into the middle of many known ones is one into memory that is far away."""
    shift = np.uint64(64 - max(1, (SPREAD * len(known)).bit_length()))
    taken = np.zeros(1 << (64 - int(shift)), np.bool_)
    taken[known >> shift] = True
    maybe = np.flatnonzero(taken[asked >> shift])
    at = np.searchsorted(known, asked[maybe])
    found: Whole = maybe[known[np.minimum(at, len(known) - 1)] == asked[maybe]] if len(known) else maybe
    return found


def joined(found: list[Spans]) -> Spans:
    """All spans in order; those that touch are one, which tells the other place of its first."""
    row, start, end, shard, other = (
        np.concatenate([getattr(s, n) for s in found]) for n in ("row", "start", "end", "shard", "other")
    )
    order = np.lexsort((start, row))
    made = Spans(row, start, end, shard, other).take(order)
    # ends so far within a document, as one rising line over all: documents lie further apart than any is long
    apart = made.row.astype(np.int64) * (int(made.end.max(initial=0)) + 1)
    reach = np.maximum.accumulate(made.end + apart)
    begins = begin_of(made.row)
    begins[1:] |= made.start[1:] + apart[1:] > reach[:-1]
    heads = np.flatnonzero(begins)
    tails = np.append(heads[1:], len(begins)) - 1 if len(heads) else heads
    merged = made.take(heads)
    return Spans(merged.row, merged.start, (reach - apart)[tails], merged.shard, merged.other)


def in_bytes(spans: Spans, batch: TextBatch, elements: Elements, words: bool) -> Spans:
    """The spans of a batch's documents as bytes, moved inward so that no character (words: no word) is cut; what is empty
    then is left out."""
    start, end = spans.start, spans.end
    if len(elements.start):
        first = elements.bounds[spans.row]
        start, end = elements.start[first + start], elements.end[first + end - 1]
    start, end = start.copy(), end.copy()
    breaks = word_breaks() if words else np.zeros(0, np.uint8)
    move_ends(batch.data, batch.offsets, spans.row, breaks, start, end)
    return Spans(spans.row, start, end, spans.shard, spans.other).take(start < end)
