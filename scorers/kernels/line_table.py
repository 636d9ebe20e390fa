"""Where the lines of documents start and end, at newlines or at every line break."""

from __future__ import annotations

from typing import Any

from scorers.kernels.characters import break_bytes, code_points, next_break, next_byte, strip_left, strip_right
from scorers.kernels.jit import hash_bytes, kernel

NEWLINE = 10


@kernel
def split_on_newlines(data: Any, offsets: Any, bounds: Any, positions: Any, chars: Any, hashes: Any) -> None:
    """positions: i64[4, L] (start, end, bare start, bare end), chars: i64[L], hashes: u64[L]; bounds: i64[D+1]."""
    n = 0
    for d in range(offsets.size - 1):
        s = offsets[d]
        stop = offsets[d + 1]
        while True:
            e = next_byte(data, s, stop, NEWLINE)
            positions[0, n] = s
            positions[1, n] = e
            positions[2, n] = strip_left(data, s, e)
            positions[3, n] = strip_right(data, positions[2, n], e)
            chars[n] = code_points(data, s, e)
            hashes[n] = hash_bytes(data, s, e - s)
            n += 1
            if e >= stop:
                break
            s = e + 1
        bounds[d + 1] = n


@kernel
def split_on_breaks(data: Any, offsets: Any, bounds: Any, positions: Any) -> int:
    """positions: i64[5, >= L] (start, end, bare start, bare end, after the break); bounds: i64[D+1]; the number of
    lines."""
    n = 0
    for d in range(offsets.size - 1):
        s, stop = offsets[d], offsets[d + 1]
        while s < stop:
            e = next_break(data, s, stop)
            positions[0, n] = s
            positions[1, n] = e
            positions[2, n] = strip_left(data, s, e)
            positions[3, n] = strip_right(data, positions[2, n], e)
            s = e + break_bytes(data, e, stop) if e < stop else stop
            positions[4, n] = s
            n += 1
        bounds[d + 1] = n
    return n
