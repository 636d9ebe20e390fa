"""Shingle sets as units of `pairs` read them: of a shard's part the sections of a unit alone, some megabytes at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.storage.sections import SectionWriter, bytes_under, read_sections
from pipeline.storage.store import Store

SECTION_BYTES = 2_000_000
"""Sets that are read as one at most, or a single one."""

Rows = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Block:
    """N documents by row. rows: i64[N]; bounds: i64[N+1]; hashes: u64[S], those of document n sorted and distinct in
    hashes[bounds[n]:bounds[n+1]]."""

    rows: Rows
    bounds: Rows
    hashes: Hashes

    @property
    def nbytes(self) -> int:
        """Bytes of the sets; what else there is, is little beside them."""
        return self.hashes.nbytes

    def between(self, low: int, high: int) -> Block:
        """The documents of rows low..high-1."""
        chosen = np.flatnonzero((self.rows >= low) & (self.rows < high))
        return self if len(chosen) == len(self.rows) else self.at(chosen, self.rows[chosen])

    def at(self, places: Rows, rows: Rows) -> Block:
        """The documents at these places, as those of other rows."""
        starts, ends = self.bounds[places], self.bounds[places + 1]
        # slices put together, not an index of every hash: 8 bytes at a time took five times as long
        sets = [self.hashes[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
        return Block(rows, _bounds(ends - starts), np.concatenate([np.zeros(0, np.uint64), *sets]))


def joined(blocks: Sequence[Block]) -> Block:
    """One block of all, in order."""
    if len(blocks) == 1:
        return blocks[0]
    rows = np.concatenate([np.zeros(0, np.int64), *(b.rows for b in blocks)])
    sizes = np.concatenate([np.zeros(0, np.int64), *(np.diff(b.bounds) for b in blocks)])
    return Block(rows, _bounds(sizes), np.concatenate([np.zeros(0, np.uint64), *(b.hashes for b in blocks)]))


def read_held(store: Store, parts: Sequence[tuple[str, int]], unit: int, low: int, high: int) -> Block:
    """The documents of rows low..high-1 for a unit, as one block. parts: of some shards in order, each with the global row of
    its first. Hashes are put where they stay as they come: joined at the end they would be there twice."""
    hashes = np.empty(sum(bytes_under(store, path, unit) for path, _ in parts) // 8, np.uint64)
    rows, sizes, filled = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], 0
    for path, first_row in parts:
        for block in read_blocks(store, path, unit, first_row):
            found = block.between(low, high)
            rows.append(found.rows.copy())  # else all that was read would be kept for it
            sizes.append(np.diff(found.bounds))
            hashes[filled : filled + len(found.hashes)] = found.hashes
            filled += len(found.hashes)
    return Block(np.concatenate(rows), _bounds(np.concatenate(sizes)), hashes[:filled])


def write_blocks(writer: SectionWriter, held: Block, unit: Rows, place: Rows) -> None:
    """Write sets for the units that need them: unit: i64[N], place: i64[N] in `held`, by unit and row."""
    set_bytes = 8 * np.diff(held.bounds)[place]
    for start, end in section_ends(unit, set_bytes):
        block = held.at(place[start:end], held.rows[place[start:end]])
        words = np.concatenate([[end - start], block.rows, block.bounds, block.hashes.view(np.int64)])
        writer.add(int(unit[start]), words.data, end - start)


def section_ends(unit: Rows, set_bytes: Rows) -> list[tuple[int, int]]:
    """(start, end) of sections of sets that are in order of their unit: [N], [N]. A section is of one unit, and holds one set
    or SECTION_BYTES of them at most."""
    total = np.concatenate([[0], np.cumsum(set_bytes)])
    found, start = [], 0
    for stop in (np.flatnonzero(np.diff(unit, append=-1)) + 1).tolist():  # where each unit's sets end
        while start < stop:
            most = int(np.searchsorted(total, total[start] + SECTION_BYTES, side="right")) - 1
            end = min(stop, max(start + 1, most))
            found.append((start, end))
            start = end
    return found


def read_blocks(store: Store, path: str, unit: int, first_row: int) -> Iterator[Block]:
    """What a shard's part holds for a unit. first_row: global row of the shard's first."""
    for content in read_sections(store, path, unit):
        words = np.frombuffer(content, np.int64)
        rows_end = 1 + int(words[0])
        bounds_end = 2 * rows_end
        yield Block(first_row + words[1:rows_end], words[rows_end:bounds_end], words[bounds_end:].view(np.uint64))


def _bounds(sizes: Rows) -> Rows:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
