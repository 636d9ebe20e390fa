"""Tables put together, so that what is written at once is neither small nor large."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa


def gathered(tables: Iterable[pa.Table], least_bytes: int) -> Iterator[pa.Table]:
    """The same rows in the same order, in tables of at least so many bytes but for the last. Who takes one lets go of it before
    asking for the next, which is gathered meanwhile: two at once would be twice the memory."""
    held: list[pa.Table] = []
    held_bytes = 0
    for table in tables:
        held.append(table)
        held_bytes += table.nbytes
        del table
        if held_bytes >= least_bytes:
            yield _all_of(held)
            held_bytes = 0
    if held:
        yield _all_of(held)


def _all_of(held: list[pa.Table]) -> pa.Table:
    """What is held, and nothing held any more."""
    made = pa.concat_tables(held).combine_chunks()
    held.clear()
    return made
