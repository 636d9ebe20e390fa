"""Draws without state: a hash of (seed, what for, number), so that any document can be made alone, on any machine."""

from __future__ import annotations

import hashlib
import random

import numpy as np
import numpy.typing as npt

U64 = npt.NDArray[np.uint64]
GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def mixed(x: U64) -> U64:
    """splitmix64's finaliser: u64[N] -> u64[N]."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def draw(seed: int, purpose: str, numbers: npt.NDArray[np.int64]) -> U64:
    """One draw a number: i64[N] -> u64[N]."""
    key = int.from_bytes(hashlib.blake2b(f"{seed} {purpose}".encode(), digest_size=8).digest(), "little")
    return mixed(numbers.astype(np.uint64) * GOLDEN + np.uint64(key))


def below(draws: U64, bounds: npt.NDArray[np.int64] | int) -> npt.NDArray[np.int64]:
    """Draws as numbers from 0 to bound - 1, which may be one bound or one each; bounds are below 2^32."""
    return ((draws >> np.uint64(32)) * np.asarray(bounds, dtype=np.uint64) >> np.uint64(32)).astype(np.int64)


def seeded(*parts: object) -> random.Random:
    """A generator for one document's small changes."""
    return random.Random(hashlib.sha256(repr(parts).encode()).digest())
