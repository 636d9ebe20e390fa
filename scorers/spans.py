"""Spans of text that a measure says may go, and documents without them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from scorers.kernels.spans import copy_without_spans
from scorers.text import PADDING_BYTES, TextBatch

SPANS = pa.list_(pa.struct([pa.field("start", pa.int64()), pa.field("end", pa.int64())]))
"""Spans of a document: bytes start..end from its first byte, in order, none touching another."""

Positions = npt.NDArray[np.int64]


class SpanError(ValueError):
    """Spans do not fit the documents they are to be taken from."""


def spans_array(bounds: Positions, start: Positions, end: Positions) -> pa.ListArray:
    """An array of SPANS: document d has spans bounds[d]..bounds[d+1]. bounds: i64[D+1], start, end: i64[S]."""
    values = pa.StructArray.from_arrays([pa.array(start), pa.array(end)], fields=list(SPANS.value_type))
    return pa.ListArray.from_arrays(pa.array(bounds, pa.int32()), values, type=SPANS)


def joined_spans(arrays: Sequence[pa.Array]) -> pa.Array:
    """What any of several SPANS arrays of the same documents names, as one: in order, apart, overlaps joined."""
    if len(arrays) == 1:
        return arrays[0]
    documents = len(arrays[0])
    rows, starts, ends = [], [], []
    for spans in arrays:
        lengths = spans.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
        values = spans.flatten()
        rows.append(np.repeat(np.arange(documents), lengths))
        starts.append(values.field("start").to_numpy(zero_copy_only=False))
        ends.append(values.field("end").to_numpy(zero_copy_only=False))
    row, start, end = (np.concatenate(c) for c in (rows, starts, ends))
    order = np.lexsort((end, start, row))
    row, start, end = row[order], start[order], end[order]
    # ends so far within a document, as one rising line over all: documents lie further apart than any is long
    apart = row * (int(end.max(initial=0)) + 1)
    reach = np.maximum.accumulate(end + apart)
    begins = np.ones(len(row), np.bool_)
    begins[1:] = (row[1:] != row[:-1]) | (start[1:] + apart[1:] > reach[:-1])
    heads = np.flatnonzero(begins)
    tails = np.append(heads[1:], len(row)) - 1 if len(heads) else heads
    bounds = np.searchsorted(row[heads], np.arange(documents + 1))
    return spans_array(bounds, start[heads], (reach - apart)[tails])


def apply_spans(batch: TextBatch, spans: pa.Array) -> TextBatch:
    """The batch's documents less their spans (a SPANS array of D entries; null: nothing goes)."""
    if len(spans) != len(batch):
        raise SpanError(f"{len(spans)} lists of spans for {len(batch)} documents; there must be one for each")
    lengths = spans.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])
    values = spans.flatten()
    start, end = (values.field(k).to_numpy(zero_copy_only=False) for k in ("start", "end"))
    _check(batch, bounds, start, end)
    left = batch.text_bytes - int((end - start).sum())
    data, offsets = np.zeros(left + PADDING_BYTES, np.uint8), np.zeros(len(batch) + 1, np.int64)
    copy_without_spans(batch.data, batch.offsets, bounds, start, end, data, offsets)
    return TextBatch(data, offsets)


def _check(batch: TextBatch, bounds: Positions, start: Positions, end: Positions) -> None:
    document = np.repeat(np.arange(len(batch)), np.diff(bounds))
    before = np.concatenate([np.zeros(1, np.int64), end[:-1]])[: len(end)]
    before[bounds[:-1][bounds[:-1] < bounds[1:]]] = 0
    wrong = np.flatnonzero((start < before) | (end < start) | (end > np.diff(batch.offsets)[document]))
    if len(wrong):
        k, d = int(wrong[0]), int(document[wrong[0]])
        raise SpanError(
            f"span {start[k]}..{end[k]} of document {d} in the batch: spans must be in order, apart, and within its "
            f"{batch.offsets[d + 1] - batch.offsets[d]} bytes; were they measured on another text?"
        )
