"""Tables put together, so that what is written at once is neither small nor large."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa


def gathered(tables: Iterable[pa.Table], least_bytes: int) -> Iterator[pa.Table]:
    """The same rows in the same order, in tables of at least so many bytes but for the last."""
    held: list[pa.Table] = []
    held_bytes = 0
    for table in tables:
        held.append(table)
        held_bytes += table.nbytes
        if held_bytes >= least_bytes:
            yield pa.concat_tables(held)
            held, held_bytes = [], 0
    if held:
        yield pa.concat_tables(held)
