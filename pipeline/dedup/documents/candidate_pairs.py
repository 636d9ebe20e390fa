"""Candidate pairs as units of rows read them, from parts that are by ranges of buckets."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.dedup.sorted_rows import begin_of
from pipeline.storage.store import Store
from scorers.kernels import radix

Rows = npt.NDArray[np.int64]
Similarities = npt.NDArray[np.float64]

MOST_PACKED = 1 << 31
"""Pairs of rows below this are one 64-bit number each."""


def pairs_from(store: Store, candidates: tuple[str, ...], low: int, high: int) -> tuple[Rows, Rows]:
    """The distinct pairs (a, b) with low <= a < high and a < b, ascending."""
    tables = [store.rows_between(p, "document", low, high - 1, ["document", "other"]) for p in candidates]
    both = pa.concat_tables(tables)
    a, b = both.column("document").to_numpy(), both.column("other").to_numpy()
    a, b = a[a < b], b[a < b]
    a, b = ascending(a, b)
    new = begin_of(a, b)
    return a[new], b[new]


def from_both_sides(a: Rows, b: Rows) -> tuple[Rows, Rows]:
    """(document, other), each pair twice, ascending."""
    if not packs(a, b):
        return ascending(np.concatenate([a, b]), np.concatenate([b, a]))
    return _unpacked(np.concatenate([a << 32 | b, b << 32 | a]))


def with_unmeasured_mirrored(a: Rows, b: Rows, jaccard: Similarities) -> tuple[Rows, Rows, Similarities]:
    """(document, other, jaccard), ascending: each pair from the side of its first document, and from the other side, too, where
    jaccard is NaN."""
    new = np.isnan(jaccard)
    document, other = np.concatenate([a, b[new]]), np.concatenate([b, a[new]])
    whole = packs(document, other)
    order = np.argsort(document << 32 | other, kind="stable") if whole else np.lexsort((other, document))
    return document[order], other[order], np.concatenate([jaccard, np.full(len(other) - len(b), np.nan)])[order]


def ascending(a: Rows, b: Rows) -> tuple[Rows, Rows]:
    """The pairs by a, then b: both i64[N], not negative."""
    if packs(a, b):
        return _unpacked(a << 32 | b)
    order = np.lexsort((b, a))
    return a[order], b[order]


def packs(a: Rows, b: Rows) -> bool:
    """Whether each of these pairs is one 64-bit number."""
    return bool(max(a.max(initial=0), b.max(initial=0)) < MOST_PACKED)


def _unpacked(packed: Rows) -> tuple[Rows, Rows]:
    in_order = radix.ascending(packed)
    return in_order >> 32, in_order & 0xFFFFFFFF
