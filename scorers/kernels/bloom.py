"""Bloom filters over 64-bit hashes. Bloom, CACM 13(7), 1970."""

from __future__ import annotations

from typing import Any

import numpy as np

from scorers.kernels.jit import MIX_1, inline, kernel, mix


@inline
def place(h: np.uint64, probe: int, n_bits: np.uint64) -> np.uint64:
    """Which bit the probe of a hash is."""
    return mix(h + np.uint64(probe) * MIX_1) % n_bits


@kernel
def remember(hashes: Any, bits: Any, probes: int, known: Any) -> None:
    """hashes: u64[N], bits: u64[W] -> known: bool[N], whether the filter held a hash when its turn came; after that it
    does. One after the other: the order of the hashes is the order of what comes first."""
    n_bits = np.uint64(bits.size) * np.uint64(64)
    for i in range(hashes.size):
        held = True
        for probe in range(probes):
            at = place(hashes[i], probe, n_bits)
            mask = np.uint64(1) << (at & np.uint64(63))
            word = bits[at >> np.uint64(6)]
            held = held and word & mask != 0
            bits[at >> np.uint64(6)] = word | mask
        known[i] = held


@kernel
def holds(hashes: Any, bits: Any, probes: int, known: Any) -> None:
    """hashes: u64[N], bits: u64[W] -> known: bool[N]; changes nothing."""
    n_bits = np.uint64(bits.size) * np.uint64(64)
    for i in range(hashes.size):
        held = True
        probe = 0
        while held and probe < probes:
            at = place(hashes[i], probe, n_bits)
            held = (bits[at >> np.uint64(6)] >> (at & np.uint64(63))) & np.uint64(1) != 0
            probe += 1
        known[i] = held
