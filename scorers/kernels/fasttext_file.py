"""The entries of a fastText dictionary: one after the other, each a word that ends with a zero, a count and a kind."""

from __future__ import annotations

from typing import Any

import numpy as np

from scorers.kernels.jit import kernel, load64

WORD = 0
LABEL = 1


@kernel
def scan_entries(data: Any, at: int, bounds: Any, counts: Any, kinds: Any) -> int:
    """E entries from data[at] on. data: u8[B]. bounds: i64[E, 2] gets start and end of each word, counts: i64[E],
    kinds: i8[E]. Returns where the next byte lies, -1 where the data ends before the entries do."""
    size = len(data)
    for e in range(len(bounds)):
        start = at
        while at < size and data[at] != 0:
            at += 1
        if at + 10 > size:
            return -1
        bounds[e, 0], bounds[e, 1] = start, at
        counts[e] = np.int64(load64(data, at + 1))
        kinds[e] = np.int8(data[at + 9])
        at += 10
    return at
