"""Records of n-grams on disk: read in blocks, sorted in bounded memory, joined. A record is u64[3]: see ngram_sort."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scorers.kernels.ngram_sort import add_equal, count_upto, join, sort_records

Records = npt.NDArray[np.uint64]
F64 = npt.NDArray[np.float64]

RECORD_BYTES = 24
BLOCK = 1 << 16
"""Records that are read, adjusted or joined at once."""


def stored(path: Path, block: int = BLOCK) -> Iterator[Records]:
    """The records of a file, block by block."""
    if not path.exists():
        return
    with path.open("rb") as file:
        while len(found := np.fromfile(file, np.uint64, 3 * block)):
            yield found.reshape(-1, 3)


def append(path: Path, records: Records) -> None:
    """Add records to a file."""
    with path.open("ab") as file:
        np.ascontiguousarray(records).tofile(file)


def in_order(blocks: Iterator[Records], bits: int, memory_bytes: int, folder: Path, adding: bool) -> Iterator[Records]:
    """The records of all blocks, sorted by keys of so many bits; adding: those of one key become one, with the sum of
    their third columns. At most memory_bytes for buffers: what does not fit is sorted in runs in `folder`
    (of this sort alone), then merged."""
    capacity = max(2 * BLOCK, memory_bytes // (2 * RECORD_BYTES))  # as much again is the sort's scratch
    buffer, scratch, filled = np.empty((0, 3), np.uint64), np.empty((0, 3), np.uint64), 0
    runs: list[Path] = []
    for block in blocks:
        for start in range(0, len(block), capacity):
            piece = block[start : start + capacity]
            if filled + len(piece) > capacity:
                runs.append(_run(_sorted(buffer[:filled], scratch[:filled], bits, adding), folder, len(runs)))
                filled = 0
            if filled + len(piece) > len(buffer):
                buffer = _grown(buffer, filled, min(capacity, 2 * (filled + len(piece))))
                scratch = np.empty_like(buffer)
            buffer[filled : filled + len(piece)] = piece
            filled += len(piece)
    last = _sorted(buffer[:filled], scratch[:filled], bits, adding)
    if not runs:
        yield from (last[i : i + BLOCK] for i in range(0, len(last), BLOCK))
        return
    runs.append(_run(last, folder, len(runs)))
    del buffer, scratch, last
    yield from _merged(runs, bits, capacity, adding)
    for run in runs:
        run.unlink()


def _grown(buffer: Records, filled: int, size: int) -> Records:
    larger = np.empty((size, 3), np.uint64)
    larger[:filled] = buffer[:filled]
    return larger


def _sorted(records: Records, scratch: Records, bits: int, adding: bool) -> Records:
    found = scratch if sort_records(records, scratch, bits) else records
    return found[: add_equal(found)] if adding else found


def _run(records: Records, folder: Path, number: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"run-{number}"
    append(path, records)
    return path


def _merged(runs: list[Path], bits: int, capacity: int, adding: bool) -> Iterator[Records]:
    """Of every run a block is in memory. All records up to the least of the blocks' last keys can go out."""
    readers = [stored(run, max(64, capacity // (2 * len(runs)))) for run in runs]
    heads = [next(reader, None) for reader in readers]
    while any(head is not None for head in heads):
        here = [h for h in heads if h is not None]
        high, low = min((int(h[-1, 0]), int(h[-1, 1])) for h in here)
        pieces = []
        for i, head in enumerate(heads):
            if head is None:
                continue
            ready = count_upto(head, np.uint64(high), np.uint64(low))
            pieces.append(head[:ready])
            heads[i] = head[ready:] if ready < len(head) else next(readers[i], None)
        together = np.concatenate(pieces)
        merged = _sorted(together, np.empty_like(together), bits, adding)
        yield from (merged[i : i + BLOCK] for i in range(0, len(merged), BLOCK))


def joined(
    blocks: Iterator[Records], others: Iterator[Records], bits: int, missing: float
) -> Iterator[tuple[Records, F64]]:
    """Every block with, for each record, the third column (f64) of the other record whose key is its own shifted right by
    `bits`; `missing` where there is none. Both are sorted by key."""
    empty = np.empty((0, 3), np.uint64)
    other: Records | None = next(others, None)
    j = 0
    for block in blocks:
        found = np.full(len(block), missing)
        i = 0
        while i < len(block):
            here = empty if other is None else other
            i, j = join(block, i, here, here.view(np.float64), j, bits, other is None, found)
            if i < len(block):
                other, j = next(others, None), 0
        yield block, found
