"""Which documents are equal, by 128 bits of each, as arrays: no disk, no engine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.dedup.documents.schema import DIGESTS_TABLE
from pipeline.dedup.ranges import row_bytes
from pipeline.dedup.sorted_rows import begin_of
from pipeline.schema import arrow_schema
from scorers.kernels.lsh import sharing

Rows = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Keys = npt.NDArray[np.uint64]
NONE = -1
WORK_BYTES = 4 * row_bytes(arrow_schema(DIGESTS_TABLE))
"""Of a digest, and of what is made of it to find its equals."""


@dataclass(frozen=True, slots=True)
class Equals:
    """K documents that equal an earlier one. row: i64[K]; first: i64[K], the first of its equals; same: i64[K], the first
    of its equals with the same label."""

    row: Rows
    first: Rows
    same: Rows


def digest_order(digests: Keys) -> Rows:
    """Rows with a 128-bit digest that is not nought, by it and then by row: u64[D, 2] -> i64[N]."""
    rows = np.flatnonzero(digests[:, 0] | digests[:, 1])
    high, low = digests[rows, 0], digests[rows, 1]
    order = np.argsort(high, kind="stable")  # twice as fast as by both halves, of which the first says nearly all
    high, low = high[order], low[order]
    if ((high[1:] == high[:-1]) & (low[1:] < low[:-1])).any():
        order = order[np.lexsort((low, high))]
    found: Rows = rows[order]
    return found


def equal_rows(high: Keys, low: Keys, label: Keys, row: Rows) -> Equals:
    """N documents with digests of two halves and a label, each [N], in any order. k equal ones give k-1 rows, by the
    first of them and then their own."""
    at = sharing(np.maximum(high, np.uint64(1)))
    at = at[np.lexsort((row[at], label[at], low[at], high[at]))]
    high, low, label, row = high[at], low[at], label[at], row[at]
    text_begins, label_begins = begin_of(high, low), begin_of(high, low, label)
    texts = np.flatnonzero(text_begins)
    first = np.minimum.reduceat(row, texts)[np.cumsum(text_begins) - 1] if len(at) else row
    same = row[np.flatnonzero(label_begins)][np.cumsum(label_begins) - 1] if len(at) else row
    later = np.flatnonzero(row != first)
    later = later[np.lexsort((row[later], first[later]))]
    return Equals(row[later], first[later], same[later])


def first_of_equals(digests: Keys, takes_part: Flags) -> Rows:
    """The first row with the same 128-bit digest: digests: u64[D, 2] -> i64[D]; NONE where a row takes no part."""
    first = np.where(takes_part, np.arange(len(takes_part)), NONE)
    rows = sharing(np.where(takes_part, np.maximum(digests[:, 0], np.uint64(1)), np.uint64(0)))
    if len(rows) == 0:
        return first
    order = np.lexsort((rows, digests[rows, 1], digests[rows, 0]))
    begins = begin_of(*digests[rows[order]].T)
    heads = rows[order[begins]]
    first[rows[order]] = heads[np.cumsum(begins) - 1]
    return first
