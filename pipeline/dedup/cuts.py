"""Tables of cuts, one row a span: what goes of documents that stay."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from pipeline.storage.manifest import Manifest
from scorers.spans import spans_array

CUT_COLUMNS = ["row", "start_byte", "end_byte"]


def what_goes(cuts: Manifest) -> str:
    """'lines' or 'substrings', by the table's kind."""
    return f"{cuts.kind.removesuffix('_cuts')}s"


def cut_spans(cuts: pa.Table, first: int, rows: int) -> pa.Array:
    """The spans of a table with CUT_COLUMNS (row ascending) for rows first..first+rows, one list each."""
    bounds = np.searchsorted(cuts.column("row").to_numpy(), np.arange(first, first + rows + 1))
    start, end = (cuts.column(c).to_numpy()[bounds[0] : bounds[-1]] for c in ("start_byte", "end_byte"))
    return spans_array(bounds - bounds[0], start, end)
