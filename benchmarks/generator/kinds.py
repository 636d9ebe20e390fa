"""Which document is what, told by its number alone, and which original a copy is of."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from benchmarks.generator.chance import below, draw

I64 = npt.NDArray[np.int64]
WHOLE = 10_000


@dataclass(frozen=True, slots=True)
class Shares:
    """Documents of each kind among 10,000; the rest is plain. A document is of one kind."""

    exact: int = 300
    near: int = 500
    contaminated: int = 100
    boilerplate: int = 1_000
    toxic: int = 100
    personal: int = 300

    def __post_init__(self) -> None:
        given = [getattr(self, f.name) for f in fields(self)]
        if min(given) < 0 or sum(given) > WHOLE // 2:
            raise ValueError(f"shares are parts of {WHOLE:,}, none negative, {WHOLE // 2:,} together at most: {self}")


PLAIN = 0
KINDS = ("plain", *(f.name for f in fields(Shares)))
COPIES = (KINDS.index("exact"), KINDS.index("near"))


def kinds(seed: int, shares: Shares, numbers: I64) -> npt.NDArray[np.int8]:
    """i64[N] -> i8[N] into KINDS. Document 0 is plain: there is nothing before it to copy."""
    bounds = np.cumsum([getattr(shares, f.name) for f in fields(shares)])
    found = np.searchsorted(bounds, below(draw(seed, "kind", numbers), WHOLE), side="right") + 1
    return np.where((found == len(KINDS)) | (numbers <= 0), PLAIN, found).astype(np.int8)


def originals(seed: int, shares: Shares, numbers: I64) -> I64:
    """For each document a plain one before it: i64[N] of 1 and more -> i64[N].

    Early documents have more copies than late ones (as the square of a draw), so that clusters of all sizes come about.
    """
    once = below(draw(seed, "original", numbers), 2**31)
    found = (numbers * (once * once >> 31)) >> 31
    while True:
        planted = kinds(seed, shares, found) != PLAIN
        if not planted.any():
            return found
        found = np.where(planted, found - 1, found)
