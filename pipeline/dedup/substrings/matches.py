"""Which windows of different runs are equal, and where each lies first and last, as arrays: no disk, no engine."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.dedup.sorted_rows import begin_of
from pipeline.dedup.substrings.substrings import TOKEN, Bytes, Hashes, Keys, Rows, Whole, ordered, piece_of
from scorers.kernels.radix import order_of_hashes
from scorers.kernels.substrings import hash_sides, hash_windows, link_windows

WINDOWS_AT_ONCE = 2_000_000
"""Windows compared at once, about 60 bytes each; those that share an anchor are never apart."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where windows lie: i32[N] shard, i32[N] row, i64[N] element of the document."""

    shard: Rows
    row: Rows
    start: Whole

    def take(self, chosen: npt.NDArray[np.generic]) -> Places:
        """Some of them, by mask or position."""
        return Places(self.shard[chosen], self.row[chosen], self.start[chosen])


@dataclass(frozen=True, slots=True)
class Groups:
    """N (shard, run) of runs that may repeat something, by shard, anchor and context. number: i32[N], of the different run
    in its range of anchors; mixed: bool[N], other runs share its anchor, so that single windows are to be compared; source:
    bool[N], the place where a mixed run's context is read. first, last: where the run lies in the corpus."""

    shard: Rows
    anchor: Hashes
    context: Hashes
    windows: Rows
    number: Rows
    mixed: npt.NDArray[np.bool_]
    source: npt.NDArray[np.bool_]
    first: Places
    last: Places

    def take(self, chosen: npt.NDArray[np.generic]) -> Groups:
        """Some of them, by mask or position."""
        return Groups(
            self.shard[chosen], self.anchor[chosen], self.context[chosen], self.windows[chosen], self.number[chosen], self.mixed[chosen],
            self.source[chosen], self.first.take(chosen), self.last.take(chosen),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Intervals:
    """M stretches begin..end of a run's windows that lie elsewhere, too, each as one piece. number: i32[M], the run; first,
    last: where the stretch lies first and last in the corpus."""

    number: Rows
    begin: Rows
    end: Rows
    first: Places
    last: Places


@dataclass(frozen=True, slots=True)
class Matches:
    """M stretches of a shard's runs that lie elsewhere, too, by anchor and context. begin, end: i32[M], windows of the run;
    first, last: where the stretch lies first and last in the corpus."""

    anchor: Hashes
    context: Hashes
    begin: Rows
    end: Rows
    first: Places
    last: Places

    def take(self, chosen: npt.NDArray[np.generic]) -> Matches:
        """Some of them, by mask or position."""
        return Matches(
            self.anchor[chosen], self.context[chosen], self.begin[chosen], self.end[chosen], self.first.take(chosen), self.last.take(chosen)
        )  # fmt: skip


def groups_of(shard: Rows, keys: Keys) -> Groups:
    """What the keys of several shards, in shard order, say together; what is certainly there once is left out."""
    order = ordered(keys.anchor, keys.context)
    anchor, context = keys.anchor[order], keys.context[order]
    begins_run = begin_of(anchor, context)
    begins, number = np.flatnonzero(begins_run), np.cumsum(begins_run) - 1
    ends = np.append(begins[1:], len(order)) - 1 if len(begins) else begins
    anchors = np.cumsum(begin_of(anchor[begins])) - 1
    mixed = (np.bincount(anchors)[anchors] if len(anchors) else anchors) > 1
    twice = (keys.first_row != keys.last_row) | (keys.first_start != keys.last_start)
    again = (ends > begins) | twice[order[begins]]
    # most runs are there once: only of the others anything else is looked up
    chosen = np.flatnonzero((mixed | again)[number])
    chosen = chosen[np.argsort(shard[order[chosen]], kind="stable")]
    key, run = order[chosen], number[chosen]
    head, tail = order[begins[run]], order[ends[run]]
    return Groups(
        shard[key], anchor[chosen], context[chosen], keys.windows[key], run.astype(np.int32), mixed[run], begins_run[chosen] & mixed[run],
        Places(shard[head], keys.first_row[head], keys.first_start[head]), Places(shard[tail], keys.last_row[tail], keys.last_start[tail]),
    )  # fmt: skip


def whole_runs(groups: Groups) -> Intervals:
    """Runs that share their anchor with no other: all of their windows lie where the run does."""
    alone = groups.take(~groups.mixed)
    alone = alone.take(np.unique(alone.number, return_index=True)[1])
    return Intervals(alone.number, np.zeros(len(alone.number), np.int32), alone.windows, alone.first, alone.last)


def equal_windows(sources: Groups, text: Bytes, bounds: Whole, width: int, size: int) -> Iterator[Intervals]:
    """The stretches of mixed runs that lie elsewhere. sources: K of them, by anchor; text: u8, their contexts one after the
    other and 8 more bytes, at bounds: i64[K+1], bytes."""
    values = text[: len(text) // width * width].view(np.uint64) if width == TOKEN else text
    begin = bounds[:-1] // width
    low, high = _compared_windows(sources, begin, values, text, width, size)
    yield from _left_out(sources, low, high)
    chosen = np.flatnonzero(high > low)
    sources, begin = _narrowed(sources.take(chosen), low[chosen], high[chosen]), (begin + low)[chosen]
    skipped = low[chosen].astype(np.int32)
    anchors = np.append(np.flatnonzero(begin_of(sources.anchor)), len(sources.anchor))
    windows_before = np.append(0, np.cumsum(sources.windows, dtype=np.int64))[anchors]
    at = 0
    while at < len(anchors) - 1:
        upto = int(np.searchsorted(windows_before, windows_before[at] + WINDOWS_AT_ONCE, side="right")) - 1
        upto = max(upto, at + 1)
        some = np.arange(anchors[at], anchors[upto])
        yield _compared(sources.take(some), begin[some], skipped[some], values, text, width, size)
        at = upto


def _compared_windows(
    sources: Groups, begin: Whole, values: npt.NDArray[np.generic], text: Bytes, width: int, size: int
) -> tuple[Whole, Whole]:
    """(low i64[K], high i64[K]) the windows of each run that may lie in another. A window holds, besides its anchor's piece, half
    of the rest before or behind it: where no other run has that half, it lies in none."""
    piece = piece_of(size)
    side = (size - piece + 1) // 2
    windows = sources.windows.astype(np.int64)
    at = np.empty(len(begin), np.int64)
    left, right = np.empty(len(begin), np.uint64), np.empty(len(begin), np.uint64)
    hash_sides(values, text, width, begin, windows - 1 + size, sources.anchor, piece, side, at, left, right)
    shares_left, shares_right = _shared(left), _shared(right)
    from_right = np.clip(at - (size - piece - side), 0, windows)
    upto_left = np.clip(at - side + 1, 0, windows)
    low = np.where(shares_left, 0, np.where(shares_right, from_right, windows))
    high = np.where(shares_right, windows, np.where(shares_left, upto_left, windows))
    return low, high


def _shared(hashes: Hashes) -> npt.NDArray[np.bool_]:
    """bool[K]: another one is the same; 0 is none."""
    _, where, count = np.unique(hashes, return_inverse=True, return_counts=True)
    made: npt.NDArray[np.bool_] = (count[where] > 1) & (hashes != 0)
    return made


def _left_out(sources: Groups, low: Whole, high: Whole) -> Iterator[Intervals]:
    """The windows that are not compared, of runs that lie in the corpus twice themselves."""
    last, first = sources.last, sources.first
    again = (first.shard != last.shard) | (first.row != last.row) | (first.start != last.start)
    for begin, end in ((np.zeros_like(low), low), (high, sources.windows.astype(np.int64))):
        chosen = np.flatnonzero(again & (end > begin))
        part = _narrowed(sources.take(chosen), begin[chosen], end[chosen])
        yield Intervals(
            part.number, begin[chosen].astype(np.int32), end[chosen].astype(np.int32), part.first, part.last
        )


def _narrowed(sources: Groups, low: Whole, high: Whole) -> Groups:
    """The runs with windows low..high of each alone."""
    first, last = (dataclasses.replace(p, start=p.start + low) for p in (sources.first, sources.last))
    return dataclasses.replace(sources, windows=(high - low).astype(np.int32), first=first, last=last)


def _compared(
    sources: Groups,
    begin: Whole,
    low: Rows,
    values: npt.NDArray[np.generic],
    text: Bytes,
    width: int,
    size: int,
) -> Intervals:
    order = np.lexsort((sources.first.start, sources.first.row, sources.first.shard))
    sources, begin, low = sources.take(order), begin[order], low[order]
    head = np.append(0, np.cumsum(sources.windows, dtype=np.int64))
    total = int(head[-1])
    owner = np.repeat(np.arange(len(begin), dtype=np.int32), sources.windows)
    hashed = np.empty(total, np.uint64)
    hash_windows(values, begin, head, size, hashed)
    document = _documents(sources.last)
    first, last = np.full(total, -1, np.int64), np.full(total, -1, np.int64)
    by_hash, upper_bits = order_of_hashes(hashed)
    link_windows(text, width, begin, head, owner, upper_bits, by_hash, size, document, sources.last.start, first, last)
    return _stretches(sources, low, head, owner, first, last)


def _stretches(sources: Groups, low: Rows, head: Whole, owner: Rows, first: Whole, last: Whole) -> Intervals:
    """Neighbouring windows that go on together where they lie first and where they lie last."""
    place = np.arange(len(first))
    begins = begin_of(owner, owner[first], owner[last], first - place, last - place)
    heads = np.flatnonzero(begins)
    ends = np.append(heads[1:], len(first)) if len(heads) else heads
    at_first, at_last = first[heads], last[heads]
    k, f, z = owner[heads], owner[at_first], owner[at_last]
    lies_first = Places(sources.first.shard[f], sources.first.row[f], sources.first.start[f] + at_first - head[f])
    lies_last = Places(sources.last.shard[z], sources.last.row[z], sources.last.start[z] + at_last - head[z])
    again = (lies_first.shard != lies_last.shard) | (lies_first.row != lies_last.row)
    again |= lies_first.start != lies_last.start
    begin, end = (heads - head[k]).astype(np.int32) + low[k], (ends - head[k]).astype(np.int32) + low[k]
    return Intervals(sources.number[k][again], begin[again], end[again], lies_first.take(again), lies_last.take(again))


def _documents(places: Places) -> Whole:
    """A number for each place's document that rises in the corpus's order."""
    made: Whole = np.unique(places.shard.astype(np.int64) << 32 | places.row, return_inverse=True)[1]
    return made


def told_to_shards(groups: Groups, intervals: list[Intervals]) -> tuple[Rows, Matches]:
    """(shard i32[M], M matches): every stretch for each shard that has its run; by shard, anchor and context."""
    number, begin, end = (np.concatenate([getattr(i, n) for i in intervals]) for n in ("number", "begin", "end"))
    order = np.lexsort((begin, number))
    first, last = (_all_places([getattr(i, n) for i in intervals]).take(order) for n in ("first", "last"))
    number, begin, end = number[order], begin[order], end[order]
    low, high = (np.searchsorted(number, groups.number, side=s) for s in ("left", "right"))
    many = high - low
    group = np.repeat(np.arange(len(many)), many)
    which = np.repeat(low, many) + np.arange(int(many.sum())) - np.repeat(np.cumsum(many) - many, many)
    matches = Matches(
        groups.anchor[group], groups.context[group], begin[which], end[which], first.take(which), last.take(which)
    )
    return groups.shard[group], matches


def _all_places(found: list[Places]) -> Places:
    return Places(*(np.concatenate([getattr(p, n) for p in found]) for n in ("shard", "row", "start")))
