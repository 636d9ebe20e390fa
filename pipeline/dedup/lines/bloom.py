"""How large a Bloom filter must be, and how often it is wrong."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from scorers.kernels.bloom import BLOCK_BITS, BLOCK_WORDS

MOST_PROBES = 32
STEPS = 200
ROUNDS = 40
"""Each brings an estimate nearer by the false-positive rate, which is a half at most."""


@dataclass(frozen=True, slots=True)
class Bloom:
    """A filter of blocks of 512 bits, in which each hash sets `probes` bits."""

    blocks: int
    probes: int

    @property
    def words(self) -> int:
        """Of 64 bits."""
        return self.blocks * BLOCK_WORDS

    @staticmethod
    def of(hashes: int, rate: float) -> Bloom:
        """The smallest filter whose false-positive rate is at most `rate` once it holds so many distinct hashes."""
        best = Bloom(2**40, 1)
        for probes in range(1, MOST_PROBES + 1):
            if Bloom(best.blocks - 1, probes).rate(hashes) > rate:
                continue  # no smaller than what is there already
            low, high = 0, best.blocks - 1
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (low, middle) if Bloom(middle, probes).rate(hashes) <= rate else (middle, high)
            best = Bloom(max(1, high), probes)
        return best

    def rate(self, hashes: float) -> float:
        """The false-positive rate once it holds so many distinct hashes: of a block with j of them, the probability that
        all bits of another are set, over the Poisson distribution of j (Putze et al., equation 3)."""
        if self.blocks < 1:
            return 1.0
        mean = hashes / self.blocks
        spread = 12 * math.sqrt(mean) + 30
        j = np.arange(max(0, int(mean - spread)), int(mean + spread) + 1)
        log_share = j * math.log(mean) - mean - _log_factorial(j) if mean > 0 else np.where(j == 0, 0.0, -np.inf)
        set_bits = 1.0 - (1.0 - 1.0 / BLOCK_BITS) ** (self.probes * j)
        return min(1.0, float((np.exp(log_share) * set_bits**self.probes).sum()))

    def wrong(self, hashes: int) -> float:
        """Expected false positives while so many distinct hashes go in one after the other: the integral of the rate."""
        return sum(self.rate(hashes * (i + 0.5) / STEPS) for i in range(STEPS)) * hashes / STEPS

    def distinct(self, new: int) -> int:
        """How many distinct hashes went in, where `new` of them were new to the filter: as many more as it is expected to have been
        wrong about."""
        hashes = float(new)
        for _ in range(ROUNDS):
            before, hashes = hashes, new + self.wrong(round(hashes))
            if abs(hashes - before) < 0.5:
                break
        return round(hashes)


def _log_factorial(n: np.ndarray[tuple[int], np.dtype[np.int64]]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Of a run of consecutive numbers."""
    steps = np.log(np.maximum(n, 1).astype(np.float64))
    steps[0] = math.lgamma(int(n[0]) + 1)
    return np.cumsum(steps)
