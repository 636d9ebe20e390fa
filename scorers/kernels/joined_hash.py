"""A hash of byte strings under which that of two joined follows from theirs: a number in base 251, modulo 2^64."""

from __future__ import annotations

from typing import Any

import numpy as np

from scorers.kernels.jit import inline, load64

BASE, BASE_TO_2, BASE_TO_4, BASE_TO_8 = (np.uint64(pow(251, k, 2**64)) for k in (1, 2, 4, 8))
POWERS = np.array([pow(251, k, 2**64) for k in range(1025)], np.uint64)
EVEN_BYTES, EVEN_PAIRS = np.uint64(0x00FF00FF00FF00FF), np.uint64(0x0000FFFF0000FFFF)
LOW_HALF = np.uint64(0x00000000FFFFFFFF)


@inline
def word_number(data: Any, s: int, e: int) -> Any:
    """The bytes of a word as digits of a number in base BASE, first byte first, modulo 2^64. Injective up to 8 bytes: a
    byte of UTF-8 is at most 244."""
    number = np.uint64(0)
    while e - s > 8:
        number = number * BASE_TO_8 + eight_digits(load64(data, s))
        s += 8
    if s < e:
        number = number * POWERS[e - s] + eight_digits(load64(data, s) << np.uint64(8 * (8 - e + s)))
    return number


@inline
def eight_digits(x: Any) -> Any:
    """The number whose digits in base BASE are the bytes of x, lowest byte first; three steps, in ever wider lanes."""
    x = (x & EVEN_BYTES) * BASE + ((x >> np.uint64(8)) & EVEN_BYTES)
    x = (x & EVEN_PAIRS) * BASE_TO_2 + ((x >> np.uint64(16)) & EVEN_PAIRS)
    return (x & LOW_HALF) * BASE_TO_4 + (x >> np.uint64(32))


@inline
def power(n: int) -> Any:
    """BASE to the n, modulo 2^64."""
    found = np.uint64(1)
    while n >= POWERS.size:
        found *= POWERS[POWERS.size - 1]
        n -= POWERS.size - 1
    return found * POWERS[n]
