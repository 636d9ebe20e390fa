"""From lines to what goes of them, as arrays: no disk, no engine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.dedup.sorted_rows import begin_of
from pipeline.recipe.dedup import Lines
from scorers.kernels.line_characters import ccnet_table
from scorers.kernels.line_cuts import cut_lines, mark_again, slots_for
from scorers.kernels.line_hashes import BLANK, BLANKS, CCNET, LAST, NO_HASH, PARAGRAPHS, hash_lines
from scorers.kernels.normal_characters import character_table
from scorers.text import TextBatch

FOLDED_GROWTH = 3
NO_TABLE, NO_MARKS = np.zeros(1, np.uint64), np.zeros(1, np.uint32)

Flags = npt.NDArray[np.bool_]
Hashes = npt.NDArray[np.uint64]
Whole = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Found:
    """N lines (or paragraphs) of a shard, in its order. row: i32[N]; start: i64[N], first byte in the document; size:
    i32[N], bytes with the line break behind; hash: u64[N], NO_HASH where a line takes no part; flags: u8[N]."""

    row: npt.NDArray[np.int32]
    start: Whole
    size: npt.NDArray[np.int32]
    hash: Hashes
    flags: npt.NDArray[np.uint8]

    def take(self, chosen: npt.NDArray[np.generic]) -> Found:
        """Some of the lines, by mask or position."""
        return Found(self.row[chosen], self.start[chosen], self.size[chosen], self.hash[chosen], self.flags[chosen])


@dataclass(frozen=True, slots=True)
class Keys:
    """K distinct hashes of a shard, ascending. count: i64[K], occurrences (or documents); first_row: i32[K]."""

    hash: Hashes
    count: Whole
    first_row: npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Repeated:
    """K (shard, hash) of lines that are in the corpus more than `max_count` times, by shard and hash. stays: i64[K], how
    many of the shard's occurrences stay, its first ones; count: i64[K], in the corpus; first_shard: i32[K], first_row:
    i32[K]: where the first one lies."""

    shard: npt.NDArray[np.int32]
    hash: Hashes
    stays: Whole
    count: Whole
    first_shard: npt.NDArray[np.int32]
    first_row: npt.NDArray[np.int32]

    def take(self, chosen: npt.NDArray[np.generic]) -> Repeated:
        """Some of them, by mask or position."""
        return Repeated(
            self.shard[chosen], self.hash[chosen], self.stays[chosen], self.count[chosen], self.first_shard[chosen], self.first_row[chosen]
        )  # fmt: skip


def find_lines(batch: TextBatch, settings: Lines) -> Found:
    """The lines of a batch; rows count from its first document."""
    ccnet = settings.normalise == "ccnet"
    options = (PARAGRAPHS if settings.unit == "paragraph" else 0) | (CCNET if ccnet else 0)
    options |= 0 if settings.skip_blank else BLANKS
    longest = int(np.diff(batch.offsets).max(initial=0)) if ccnet else 0
    # room for a line a byte: only the pages that are written ever take memory, and no counting pass is needed
    room = batch.text_bytes + len(batch)
    scratch = np.empty(FOLDED_GROWTH * longest + 8, np.uint8)
    rows, start, size = np.empty(room, np.int32), np.empty(room, np.int64), np.empty(room, np.int32)
    hashes, flags = np.empty(room, np.uint64), np.empty(room, np.uint8)
    table, marks = (ccnet_table(), character_table("none")[0]) if ccnet else (NO_TABLE, NO_MARKS)
    n = hash_lines(
        batch.data, batch.offsets, options, settings.min_bytes, settings.min_words, table, marks,
        scratch, rows, start, size, hashes, flags,
    )  # fmt: skip
    return Found(rows[:n], start[:n], size[:n], hashes[:n], flags[:n])


def again_in_document(lines: Found) -> Flags:
    """bool[N]: the same hash stands earlier in the same document."""
    again = np.empty(len(lines.hash), np.bool_)
    mark_again(lines.hash, lines.row, slots_for(len(lines.hash)), again)
    return again


def keys_of(lines: Found, per_document: bool) -> Keys:
    """The distinct hashes of a shard's lines. per_document: a document counts once, however often it says a line."""
    taking_part = lines.hash != NO_HASH
    if per_document:
        taking_part &= ~again_in_document(lines)
    hashes, rows = lines.hash[taking_part], lines.row[taking_part]
    order = np.argsort(hashes)
    ordered = hashes[order]
    begins = np.flatnonzero(begin_of(ordered))
    if len(begins) == 0:
        return Keys(ordered, np.zeros(0, np.int64), np.zeros(0, np.int32))
    first = np.minimum.reduceat(rows[order], begins)
    return Keys(ordered[begins], np.diff(np.append(begins, len(ordered))), first)


def repeated(
    shard: npt.NDArray[np.int32], hashes: Hashes, count: Whole, first_row: npt.NDArray[np.int32], max_count: int, keep: int
) -> Repeated:  # fmt: skip
    """What keys of several shards, in shard order, say together: which lines are in the corpus more than max_count times,
    and how many of each shard's occurrences stay so that the first `keep` of all do."""
    order = np.argsort(hashes, kind="stable")
    shard, hashes, count, first_row = shard[order], hashes[order], count[order], first_row[order]
    is_begin = begin_of(hashes)
    begins, group = np.flatnonzero(is_begin), np.cumsum(is_begin) - 1
    totals = np.add.reduceat(count, begins) if len(begins) else np.zeros(0, np.int64)
    before = np.cumsum(count) - count
    before -= before[begins][group] if len(begins) else 0
    stays = np.clip(keep - before, 0, count)
    found = Repeated(shard, hashes, stays, totals[group], shard[begins][group], first_row[begins][group])
    often = np.flatnonzero(found.count > max_count)
    return found.take(often[np.lexsort((hashes[often], shard[often]))])


def cut(lines: Found, often: Repeated, per_document: bool) -> tuple[Flags, Whole]:
    """(bool[N] which lines of a shard go, i64[N] the entry of `often` that a line is, -1 for none). often: of this shard
    alone; lines: those of documents that take part, in the shard's order."""
    again = again_in_document(lines) if per_document else np.zeros(len(lines.hash), np.bool_)
    entry, goes = np.empty(len(lines.hash), np.int64), np.empty(len(lines.hash), np.bool_)
    seen = np.zeros(len(often.hash), np.int64)
    cut_lines(lines.hash, again, often.hash, often.stays, slots_for(len(often.hash)), seen, entry, goes)
    return goes, entry


def bounds(lines: Found, goes: Flags) -> tuple[Whole, Whole]:
    """(start, end) of the lines that go, as bytes of their document. What is left is its other lines joined by their line
    breaks: where the last line goes, the line break before it goes as well."""
    gone = np.flatnonzero(goes)
    start, end = lines.start[gone].copy(), lines.start[gone] + lines.size[gone]
    row = lines.row[gone]
    follows = np.zeros(len(gone), np.bool_)
    follows[1:] = (row[1:] == row[:-1]) & (start[1:] == end[:-1])
    run_begins = np.flatnonzero(~follows)
    last = np.flatnonzero(lines.flags[gone] & LAST)
    head = run_begins[np.searchsorted(run_begins, last, side="right") - 1] if len(last) else last
    start[head] -= start[head] > 0
    return start, end


def emptied(lines: Found, goes: Flags) -> npt.NDArray[np.int32]:
    """Rows of which nothing but whitespace is left, ascending."""
    size = int(lines.row.max(initial=-1)) + 1
    left = np.bincount(lines.row[~goes & (lines.flags & BLANK == 0)], minlength=size)
    lost = np.bincount(lines.row[goes], minlength=size)
    return np.flatnonzero((lost > 0) & (left == 0)).astype(np.int32)
