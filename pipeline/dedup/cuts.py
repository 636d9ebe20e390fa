"""Tables of cuts, one row a span, as spans of documents."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from scorers.spans import spans_array


def cut_spans(cuts: pa.Table, first: int, rows: int) -> pa.Array:
    """The spans of a table of cuts (row ascending, start_byte, end_byte) for rows first..first+rows, one list each."""
    bounds = np.searchsorted(cuts.column("row").to_numpy(), np.arange(first, first + rows + 1))
    start, end = (cuts.column(c).to_numpy()[bounds[0] : bounds[-1]] for c in ("start_byte", "end_byte"))
    return spans_array(bounds - bounds[0], start, end)
