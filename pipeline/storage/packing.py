"""What goes together into one unit or one output file. Cut by what the things are, so that a change touches those around it and
no others."""

from __future__ import annotations

from collections.abc import Sequence

FILES_PER_CORPUS = 64
LEAST_FILE_BYTES = 8_000_000
"""A corpus too small for many files of `shard_bytes` is cut finer, so that several workers can write it, and a change to one
document writes little again."""
CHANCE = 4
"""Half a file of shards holds about CHANCE / 2 places to cut: few files grow to their limit."""
KEY_VALUES = 1 << 32


def packs(keys: Sequence[str], sizes: Sequence[int], kept_bytes: float, most_bytes: int) -> list[list[int]]:
    """Runs of consecutive shards, each for one file. keys: of each shard, hexadecimal digits that are as good as random; sizes:
    bytes of text; kept_bytes: of all of them together, what is kept; most_bytes: of a file, at most.

    A file ends where it would grow beyond its limit, and from half of that on where a shard's key says so. Shards before a
    change end their files where they did, and a few files behind it they do again. All that is asked of the whole corpus is
    taken to a power of two, so that it seldom changes.
    """
    total = sum(sizes)
    kept_frac = _power_below(kept_bytes / total) if total and kept_bytes > 0 else 1.0
    wanted = _power_below(kept_bytes / FILES_PER_CORPUS) if kept_bytes > 0 else 0.0
    limit = min(float(most_bytes), max(float(LEAST_FILE_BYTES), wanted))
    return runs(keys, [size * kept_frac for size in sizes], limit)


def runs(keys: Sequence[str], sizes: Sequence[float], limit: float) -> list[list[int]]:
    """Runs of consecutive things, each of `limit` bytes at most, or of one thing that is larger. keys, sizes: of each, as for `packs`."""
    made: list[list[int]] = []
    run: list[int] = []
    gathered = 0.0
    for i, (key, size) in enumerate(zip(keys, sizes, strict=True)):
        if run and gathered + size > limit:
            made.append(run)
            run, gathered = [], 0.0
        run.append(i)
        gathered += size
        if gathered >= limit / 2 and int(key[:8], 16) * limit < CHANCE * size * KEY_VALUES:
            made.append(run)
            run, gathered = [], 0.0
    return [*made, run] if run else made


def _power_below(value: float) -> float:
    """The largest power of two that is not above a positive value."""
    power = 1.0
    while power > value:
        power /= 2
    while power * 2 <= value:
        power *= 2
    return power
