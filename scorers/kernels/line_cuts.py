"""Which lines of a shard go: one look-up a line in a table of the lines that the corpus repeats."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from scorers.kernels.jit import kernel, prefetch

NONE = np.int32(-1)
AHEAD = 8


def slots_for(entries: int) -> npt.NDArray[np.int32]:
    """A free table of twice as many places, a power of two: i32[P], NONE where free."""
    return np.full(1 << (2 * max(entries, 4) - 1).bit_length(), NONE, np.int32)


@kernel
def mark_again(hashes: Any, rows: Any, slots: Any, again: Any) -> None:
    """hashes: u64[N], 0 where a line takes no part; rows: i32[N] ascending -> again: bool[N], whether the same hash stands
    earlier in the same row. slots: slots_for(N), of the latest line with a hash."""
    mask = np.uint64(slots.size - 1)
    for i in range(hashes.size):
        prefetch(slots, hashes[min(i + AHEAD, hashes.size - 1)] & mask)
        if hashes[i] == 0:
            again[i] = False
            continue
        place = hashes[i] & mask
        while slots[place] != NONE and hashes[slots[place]] != hashes[i]:
            place = (place + np.uint64(1)) & mask
        again[i] = slots[place] != NONE and rows[slots[place]] == rows[i]
        slots[place] = i


@kernel
def cut_lines(hashes: Any, again: Any, often: Any, stays: Any, slots: Any, seen: Any, entry: Any, goes: Any) -> None:
    """hashes: u64[N], again: bool[N], lines that go without being counted; often: u64[K], the repeated lines, and stays:
    i64[K], how many of each stay -> entry: i64[N], the place in `often` or -1; goes: bool[N]. seen: i64[K] of zeros, slots:
    slots_for(K)."""
    mask = np.uint64(slots.size - 1)
    for k in range(often.size):
        place = often[k] & mask
        while slots[place] != NONE:
            place = (place + np.uint64(1)) & mask
        slots[place] = k
    for i in range(hashes.size):
        prefetch(slots, hashes[min(i + AHEAD, hashes.size - 1)] & mask)
        place = hashes[i] & mask
        while slots[place] != NONE and often[slots[place]] != hashes[i]:
            place = (place + np.uint64(1)) & mask
        k = slots[place]
        entry[i] = k
        goes[i] = again[i]
        if k != NONE and not again[i]:
            goes[i] = seen[k] >= stays[k]
            seen[k] += 1
