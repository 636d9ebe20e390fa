"""What is said of some rows, laid beside all of them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def by_row(rows: int, at: pa.ChunkedArray, values: pa.ChunkedArray) -> pa.Array:
    """values[k] in row at[k] (int64, each once), null in every other of `rows` rows."""
    place = np.full(rows, -1, np.int64)
    place[at.to_numpy()] = np.arange(len(at))
    return values.take(pa.array(place, mask=place < 0)).combine_chunks()


def first_of_each(lists: pa.ListArray) -> pa.Array:
    """The first element of each list, null where it is empty."""
    some = np.flatnonzero(pc.greater(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False))
    firsts = pc.list_element(lists.take(pa.array(some)), 0)
    return by_row(len(lists), pa.chunked_array([pa.array(some)]), pa.chunked_array([firsts]))
