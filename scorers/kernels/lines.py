"""FineWeb's line counts. Penedo et al., arXiv:2406.17557, section 3.6."""

from __future__ import annotations

from typing import Any

from scorers.kernels.characters import TERMINAL_PUNCTUATION, character_start, code_point
from scorers.kernels.jit import kernel


@kernel
def line_ends(
    data: Any, bounds: Any, end: Any, bare_start: Any, bare_end: Any, chars: Any, short: int, classes: Any, out: Any
) -> None:
    """out: i64[D, 3]: lines that are not blank, those whose last character is terminal punctuation, those of at most
    `short` characters. Lines as in kernels.line_table."""
    for d in range(bounds.size - 1):
        n, terminal, brief = 0, 0, 0
        for k in range(bounds[d], bounds[d + 1]):
            if bare_start[k] == bare_end[k]:
                continue
            n += 1
            last = code_point(data, character_start(data, end[k]))
            terminal += classes[last] & TERMINAL_PUNCTUATION != 0
            brief += chars[k] <= short
        out[d, 0] = n
        out[d, 1] = terminal
        out[d, 2] = brief
