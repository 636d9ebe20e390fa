"""The repeated passages of a shard's documents, as bytes of each: the text is read once more, because only it says where a
character begins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.dedup.substrings.spans import Spans, in_bytes
from pipeline.dedup.substrings.substrings import elements_of
from pipeline.recipe.dedup import Substrings
from pipeline.storage.shard import Shard, read_ids, read_text, usable_rows
from pipeline.storage.store import Store
from scorers.spans import apply_spans
from scorers.text import TextBatch


def spans_by_batch(
    store: Store, shard: Shard, spans: Sequence[Spans], settings: Substrings
) -> Iterator[tuple[int, TextBatch, list[Spans]]]:
    """(its first row, a batch of the shard's text, each of `spans` (in elements) as bytes of the batch's documents)."""
    usable = usable_rows(read_ids(store, shard, ["quarantine"]))
    start = 0
    for text in read_text(store, shard, usable):
        batch = TextBatch.from_arrow(text)
        some = [_of_rows(s, start, start + len(text)) for s in spans]
        if any(len(s.row) for s in some):
            elements = elements_of(batch, settings)
            some = [in_bytes(s, batch, elements, settings.ends == "word") for s in some]
        yield start, batch, some
        start += len(text)


def nothing_left(batch: TextBatch, spans: pa.Array) -> npt.NDArray[np.bool_]:
    """bool[D]: of which documents nothing but whitespace is left without their spans; only of those that have any."""
    cut = np.asarray(spans.value_lengths().fill_null(0)) > 0
    rows = np.flatnonzero(cut)
    few = TextBatch.from_arrow(batch.to_arrow().take(pa.array(rows)))
    left = apply_spans(few, spans.take(pa.array(rows))).to_arrow()
    cut[rows] = np.asarray(pc.binary_length(pc.utf8_trim_whitespace(left))) == 0
    return cut


def _of_rows(spans: Spans, first: int, stop: int) -> Spans:
    low, high = np.searchsorted(spans.row, [first, stop])
    found = spans.take(np.arange(low, high))
    return Spans(found.row - np.int32(first), found.start, found.end, found.shard, found.other)
