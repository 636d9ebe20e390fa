"""Writing the n-gram sections of an ARPA file."""

from __future__ import annotations

from typing import Any

import numpy as np

from scorers.kernels.jit import kernel, leaf

DECIMALS = 7
SCALE = 10**DECIMALS
NUMBER_BYTES = 16
"""At most, of a number as written here."""
ZERO, POINT, MINUS, TAB, BLANK, LINE_FEED = 48, 46, 45, 9, 32, 10


@leaf
def put_number(value: Any, out: Any, at: int) -> int:
    """Write a number between -10^6 and 10^6 with up to seven decimals, none of them a closing zero; where it ends."""
    scaled = np.int64(np.rint(abs(value) * SCALE))
    if value < 0 and scaled > 0:
        out[at] = MINUS
        at += 1
    whole, part = scaled // SCALE, scaled % SCALE
    power = 1
    while power * 10 <= whole:
        power *= 10
    while power > 0:
        out[at] = ZERO + whole // power % 10
        at += 1
        power //= 10
    if part > 0:
        out[at] = POINT
        at += 1
        power = SCALE // 10
        while part > 0:
            out[at] = ZERO + part // power
            part %= power
            power //= 10
            at += 1
    return at


@kernel
def write_entries(ids: Any, values: Any, words: Any, word_ends: Any, with_backoff: bool, out: Any) -> int:
    """N lines of ids: u32[N, n] with values: f32[N, 2]; word w is words[word_ends[w-1]:word_ends[w]]. -> bytes written.
    out needs 2 NUMBER_BYTES + 2 and the words' bytes and a blank each, a line."""
    at = 0
    for i in range(len(ids)):
        at = put_number(np.float64(values[i, 0]), out, at)
        for k in range(ids.shape[1]):
            out[at] = TAB if k == 0 else BLANK
            at += 1
            word = np.int64(ids[i, k])
            start = word_ends[word - 1] if word > 0 else 0
            for j in range(start, word_ends[word]):
                out[at] = words[j]
                at += 1
        if with_backoff:
            out[at] = TAB
            at = put_number(np.float64(values[i, 1]), out, at + 1)
        out[at] = LINE_FEED
        at += 1
    return at
