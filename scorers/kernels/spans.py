"""Documents less spans of their bytes."""

from __future__ import annotations

from typing import Any

from scorers.kernels.jit import kernel


@kernel
def copy_without_spans(data: Any, offsets: Any, bounds: Any, start: Any, end: Any, out: Any, out_offsets: Any) -> None:
    """offsets: i64[D+1] into data; bounds: i64[D+1], the spans of document d are bounds[d]..bounds[d+1], start and end:
    i64[S] relative to its start, in order and apart. Writes out: u8 and out_offsets: i64[D+1]."""
    n = 0
    for d in range(offsets.size - 1):
        at = offsets[d]
        for k in range(bounds[d], bounds[d + 1] + 1):
            until = offsets[d] + start[k] if k < bounds[d + 1] else offsets[d + 1]
            out[n : n + until - at] = data[at:until]
            n += until - at
            at = offsets[d] + end[k] if k < bounds[d + 1] else until
        out_offsets[d + 1] = n
