"""Shingle sets as units of `pairs` read them: of a shard's part the documents that a unit asks for, some megabytes at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.storage.sections import Entries, Sections, SectionWriter, lots, open_sections
from pipeline.storage.store import Store

COPIED_BYTES = 2_000_000
"""Sets that are put together for their reader at once, or one more."""
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


def in_order(block: Block) -> Block:
    """The same documents by row."""
    order = np.argsort(block.rows, kind="stable")
    return block.at(order, block.rows[order])


def readers(store: Store, units: Rows) -> Rows:
    """Under whose number each unit finds its sets. In a bucket under its own: they lie side by side, and come by few requests; on a
    disk under that of all, so that what many units need lies there once."""
    return units if store.remote else np.zeros_like(units)


def write_blocks(writer: SectionWriter, blocks: Iterable[Block], row: Rows, reader: Rows) -> None:
    """Write sets, which come by row: a section for each reader. row, reader: i64[N], by row and reader, who needs which."""
    for block in blocks:
        here = slice(*np.searchsorted(row, [block.rows[0], block.rows[-1] + 1])) if len(block.rows) else slice(0)
        order = np.argsort(reader[here], kind="stable")
        rows = row[here][order]
        numbers = reader[here][order] << 32 | rows
        if np.array_equal(rows, block.rows):
            _add(writer, numbers, block)
        else:
            place = np.searchsorted(block.rows, rows)
            for first, end in lots(8 * np.diff(block.bounds)[place], COPIED_BYTES):
                _add(writer, numbers[first:end], block.at(place[first:end], rows[first:end]))
        del block  # the next ones are gathered first


def _add(writer: SectionWriter, numbers: Rows, block: Block) -> None:
    writer.add(numbers, 8 * block.bounds, block.hashes.view(np.uint8).data)


def read_blocks(store: Store, path: str, first_row: int, reader: int, rows: Rows) -> Iterator[Block]:
    """What a shard's part has of these documents (rising) for a reader, in order of their rows. first_row: the shard's first among
    all."""
    with open_sections(store, path) as sections:
        yield from _blocks(sections, sections.find(reader << 32 | rows - first_row), first_row)


def read_held(store: Store, reader: int, parts: Sequence[tuple[str, int, Rows]]) -> Block:
    """Documents of several shards as one block. parts: (path, first row, rows) as `read_blocks` takes them, in order. Hashes are
    put where they stay as they come: joined at the end they would be there twice."""
    asked = [_find(store, reader, *part) for part in parts]
    hashes = np.empty(sum(int(entries["bytes"].sum()) for entries in asked) // 8, np.uint64)
    found, sizes, filled = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], 0
    for (path, first_row, _), entries in zip(parts, asked, strict=True):
        with open_sections(store, path) as sections:
            for block in _blocks(sections, entries, first_row):
                found.append(block.rows)
                sizes.append(np.diff(block.bounds))
                hashes[filled : filled + len(block.hashes)] = block.hashes
                filled += len(block.hashes)
    return Block(np.concatenate(found), _bounds(np.concatenate(sizes)), hashes)


def _find(store: Store, reader: int, path: str, first_row: int, rows: Rows) -> Entries:
    with open_sections(store, path) as sections:
        return sections.find(reader << 32 | rows - first_row)


def _blocks(sections: Sections, entries: Entries, first_row: int) -> Iterator[Block]:
    for some, sets in sections.read(entries):
        row = first_row + (some["number"] & 0xFFFFFFFF)
        yield Block(row, _bounds(some["bytes"] // 8), np.frombuffer(sets, np.uint64))


def _bounds(sizes: Rows) -> Rows:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
