"""Lines of a byte stream with their offsets, in batches; a range of bytes owns the lines that begin in it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import accumulate

Line = tuple[int, bytes | int]
"""(offset, the line without its newline), or (offset, its length) where it is longer than allowed."""


def line_batches(blocks: Iterable[bytes], start: int, end: int | None, max_line_bytes: int) -> Iterator[list[Line]]:
    """The lines that begin in [start, end), a batch per block. blocks: the stream from byte max(0, start - 1) on; the
    byte before the range tells whether a line begins right at its start. A line may end far beyond the range."""
    at = max(0, start - 1)
    pieces: list[bytes] = []
    held = 0
    for block in blocks:
        last = block.rfind(b"\n")
        if last < 0:
            held += len(block)
            # a line too long to be taken is only counted, so that memory stays bounded
            pieces = [*pieces, block] if held <= max_line_bytes else []
        else:
            yield _within(_lines(pieces, held, block[:last], at, max_line_bytes), start, end)
            at += held + last + 1
            pieces, held = [block[last + 1 :]], len(block) - last - 1
        if end is not None and at >= end:
            return
        if end is not None and at < start and at + held >= end:
            return  # still in a line that began before the range
    if held:
        yield _within([(at, b"".join(pieces) if held <= max_line_bytes else held)], start, end)


def _lines(pieces: list[bytes], held: int, block: bytes, at: int, max_line_bytes: int) -> list[Line]:
    """The lines of what was held back and of a block that ends at a newline."""
    dropped = held - sum(map(len, pieces))
    first_bytes = held + (n if (n := block.find(b"\n")) >= 0 else len(block))
    lines = (b"".join(pieces) + block).split(b"\n")
    lengths = list(map(len, lines))
    if dropped:
        lengths[0] = first_bytes
    offsets = accumulate((n + 1 for n in lengths[:-1]), initial=at)
    return [(o, line if n <= max_line_bytes else n) for o, line, n in zip(offsets, lines, lengths, strict=True)]


def _within(lines: list[Line], start: int, end: int | None) -> list[Line]:
    """Without the line that began before the range, and those that begin after it."""
    first = 1 if start > 0 and lines and lines[0][0] < start else 0
    last = len(lines) if end is None else bisect_left(lines, end, key=lambda line: line[0])
    return lines[first:last]
