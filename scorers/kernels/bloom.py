"""Bloom filters over 64-bit hashes, all bits of a hash within one cache line. Bloom, CACM 13(7), 1970; Putze, Sanders,
Singler, Cache-, Hash- and Space-Efficient Bloom Filters, 2007."""

from __future__ import annotations

from typing import Any

import numpy as np

from scorers.kernels.jit import MIX_1, inline, kernel, mix, prefetch

BLOCK_BITS, BLOCK_WORDS = 512, 8
PROBES_A_DRAW = 7
"""Places of 9 bits in 64."""
AHEAD = 8


@inline
def first_word(drawn: np.uint64, n_blocks: np.uint64) -> np.uint64:
    """Where the block of a hash begins, by bits that no cut of a corpus by its hashes makes alike."""
    return (((drawn >> np.uint64(32)) * n_blocks) >> np.uint64(32)) * np.uint64(BLOCK_WORDS)


@kernel
def remember(hashes: Any, bits: Any, probes: int, known: Any) -> None:
    """hashes: u64[N], bits: u64[W], W a multiple of BLOCK_WORDS -> known: bool[N], whether the filter held a hash when its
    turn came; after that it does. One after the other: the order of the hashes is the order of what comes first."""
    n_blocks = np.uint64(bits.size // BLOCK_WORDS)
    for i in range(hashes.size):
        prefetch(bits, first_word(mix(hashes[min(i + AHEAD, hashes.size - 1)]), n_blocks))
        drawn = seed = mix(hashes[i])
        word = first_word(seed, n_blocks)
        held = True
        for probe in range(probes):
            if probe % PROBES_A_DRAW == 0:
                drawn = seed = mix(seed + MIX_1)
            place = word + ((drawn >> np.uint64(6)) & np.uint64(7))
            mask = np.uint64(1) << (drawn & np.uint64(63))
            held = held and bits[place] & mask != 0
            bits[place] |= mask
            drawn >>= np.uint64(9)
        known[i] = held


@kernel
def holds(hashes: Any, bits: Any, probes: int, known: Any) -> None:
    """hashes: u64[N], bits: u64[W] -> known: bool[N]; changes nothing."""
    n_blocks = np.uint64(bits.size // BLOCK_WORDS)
    for i in range(hashes.size):
        prefetch(bits, first_word(mix(hashes[min(i + AHEAD, hashes.size - 1)]), n_blocks))
        drawn = seed = mix(hashes[i])
        word = first_word(seed, n_blocks)
        held = True
        probe = 0
        while held and probe < probes:
            if probe % PROBES_A_DRAW == 0:
                drawn = seed = mix(seed + MIX_1)
            held = (bits[word + ((drawn >> np.uint64(6)) & np.uint64(7))] >> (drawn & np.uint64(63))) & np.uint64(
                1
            ) != 0
            drawn >>= np.uint64(9)
            probe += 1
        known[i] = held
