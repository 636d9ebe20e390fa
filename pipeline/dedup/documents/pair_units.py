"""Which candidate pairs are measured together: those whose first document lies in one run of rows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.storage.manifest import Manifest
from pipeline.storage.parquet import intact
from pipeline.storage.store import Store

HELD_BYTES = 64_000_000
"""Shingle sets that a unit holds: those of its first documents. The others come by, a few megabytes at a time."""
SET_BYTES_PER_TEXT_BYTE = 1.5
"""A hash of 8 bytes for each word, with what parts it from the next."""

Rows = npt.NDArray[np.int64]


def cut_points(store: Store, candidates: Manifest, text: Manifest, stop: int | None = None) -> Rows:
    """Global rows at which one unit ends and the next begins, the first and the last row's end included: i64[units+1];
    no unit without pairs. stop: rows from here on are nobody's first document. By what the footers say of the row groups, so
    that no pair is read for it."""
    spans = _row_groups(store, candidates)
    if len(spans) == 0:
        return np.zeros(1, np.int64)
    documents = int(text.row_offsets()[-1])
    set_bytes = SET_BYTES_PER_TEXT_BYTE * sum(s.text_bytes for s in text.shards) / max(1, documents)
    # a pair is told by every range that has it, but no document is the first of a pair more than once
    firsts = min(candidates.rows / 2, documents)
    units = max(1, int(-(-firsts * set_bytes // HELD_BYTES)))
    low, end, rows = spans[:, 0], spans[:, 1] + 1, spans[:, 2]
    points = np.unique(np.concatenate([low, end]))
    density = np.zeros(len(points))
    share = rows / (end - low)
    np.add.at(density, np.searchsorted(points, low), share)
    np.subtract.at(density, np.searchsorted(points, end), share)
    before = np.concatenate([[0.0], np.cumsum(np.cumsum(density)[:-1] * np.diff(points))])
    inner = np.interp(np.arange(1, units) * before[-1] / units, before, points).astype(np.int64)
    made = np.concatenate([[0], inner, [documents]])
    return np.unique(np.minimum(made, documents if stop is None else stop)).astype(np.int64)


def _row_groups(store: Store, candidates: Manifest) -> Rows:
    """(least document, greatest document, rows) of every row group: i64[G, 3]."""
    found = []
    for part in candidates.parts:
        with intact(store.full(part.path), store.root):
            footer = store.parquet(part.path).metadata
        for group in range(footer.num_row_groups):
            said, rows = footer.row_group(group).column(0).statistics, footer.row_group(group).num_rows
            if rows:
                found.append((said.min, said.max, rows))
    return np.array(found, np.int64).reshape(-1, 3)
