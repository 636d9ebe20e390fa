"""Candidate pairs as units of rows read them, from parts that are by ranges of buckets."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.storage.store import Store

Rows = npt.NDArray[np.int64]


def pairs_from(store: Store, candidates: tuple[str, ...], low: int, high: int) -> tuple[Rows, Rows]:
    """The distinct pairs (a, b) with low <= a < high and a < b, ascending."""
    tables = [store.rows_between(p, "document", low, high - 1, ["document", "other"]) for p in candidates]
    both = pa.concat_tables(tables)
    a, b = both.column("document").to_numpy(), both.column("other").to_numpy()
    a, b = a[a < b], b[a < b]
    order = np.lexsort((b, a))
    a, b = a[order], b[order]
    new = np.ones(len(a), dtype=bool)
    new[1:] = (a[1:] != a[:-1]) | (b[1:] != b[:-1])
    return a[new], b[new]


def from_both_sides(a: Rows, b: Rows) -> tuple[Rows, Rows]:
    """(document, other), each pair twice, ascending."""
    document, other = np.concatenate([a, b]), np.concatenate([b, a])
    order = np.lexsort((other, document))
    return document[order], other[order]
