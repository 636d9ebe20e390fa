"""Buckets: names for ranges of a measured column, cut at percentiles of the corpus itself or at given values.

Percentiles come from histograms that add up over shards: a value falls into a bin by the leading bits of its float, so
that a cut lies within 0.05 % of the exact percentile, whatever the size of the corpus.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.recipe.rules import Bucket
from pipeline.totals.bins import SHIFT_FINE, bins, lower_edge

BUCKETS = "buckets"
"""What rules and SQL name them under: `buckets.perplexity`."""
ALL = ""
"""The group of every document where a bucket has no `by`."""

Cuts = dict[str, tuple[float, ...]]
"""Rising upper bounds of all buckets but the last, by group."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts of one column's bins, by group: the three have one entry a bin, sorted by group and bin."""

    groups: pa.Array
    bins: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]

    def table(self) -> pa.Table:
        return pa.table({"group": self.groups, "bin": self.bins, "documents": self.counts})


def histogram(values: pa.Array, groups: pa.Array | None) -> Histogram:
    """Of the values that are not null, in the groups that are not null: values: number[D], groups: string[D]."""
    named = pa.array([ALL] * len(values), pa.string()) if groups is None else groups.cast(pa.string())
    there = pc.and_(pc.is_valid(values), pc.is_valid(named))
    rows = pa.table({"group": named.filter(there), "bin": _bins(values.filter(there))})
    counted = (
        rows.group_by(["group", "bin"])
        .aggregate([([], "count_all")])
        .sort_by([("group", "ascending"), ("bin", "ascending")])
    )
    return Histogram(
        counted.column("group").combine_chunks(),
        counted.column("bin").to_numpy(),
        counted.column("count_all").to_numpy(),
    )


def _bins(values: pa.Array) -> npt.NDArray[np.int64]:
    return bins(_numbers(values).to_numpy(zero_copy_only=False), SHIFT_FINE).astype(np.int64)


def _numbers(values: pa.Array) -> pa.Array:
    """As f64. Arrow's safe cast refuses integers that a float rounds, above 2^53 here and 2^24 for f32."""
    return values.cast(pa.float64(), safe=False)


def cuts_of(tables: Sequence[pa.Table], bucket: Bucket) -> tuple[Cuts, dict[str, int]]:
    """The cuts of every group with at least `min_docs` documents, and the documents of every group; from the
    histograms of all shards."""
    merged = pa.concat_tables(tables).group_by(["group", "bin"]).aggregate([("documents", "sum")])
    merged = merged.sort_by([("group", "ascending"), ("bin", "ascending")])
    cuts: Cuts = {}
    documents: dict[str, int] = {}
    names = merged.column("group").to_pylist()
    found, counts = merged.column("bin").to_numpy(), merged.column("documents_sum").to_numpy()
    starts = [i for i, name in enumerate(names) if i == 0 or names[i - 1] != name]
    for start, stop in zip(starts, [*starts, len(names)][1:], strict=True):
        total = np.cumsum(counts[start:stop])
        documents[names[start]] = int(total[-1])
        if total[-1] >= bucket.min_docs:
            wanted = np.array(list(bucket.percentiles.values())) / 100 * total[-1]
            cuts[names[start]] = tuple(_cut(w, total, found[start:stop]) for w in wanted)
    return cuts, documents


def _cut(wanted: float, total: npt.NDArray[np.int64], found: npt.NDArray[np.int64]) -> float:
    """The edge of a bin below which nearest to `wanted` documents lie; found: the bins, total: documents up to and with
    each. Where many documents share a value, neither edge is near: the last bucket is then rather too full than empty."""
    at = int(np.searchsorted(total, wanted))
    below = int(total[at - 1]) if at else 0
    lower = below and (total[at] == total[-1] or total[at] - wanted > wanted - below)
    return lower_edge(int(found[at]) + (0 if lower else 1), SHIFT_FINE)


def bucket_of(
    values: pa.Array, groups: pa.Array | None, bucket: Bucket, cuts: Mapping[str, Sequence[float]]
) -> pa.Array:
    """The bucket's name of every document: string[D]; null where the value is, or the group has no cuts."""
    names = pa.array(bucket.names, pa.string())
    known = sorted(cuts)
    if groups is None:
        index = np.full(len(values), 0 if ALL in cuts else -1, dtype=np.int64)
    else:
        found = pc.index_in(groups.cast(pa.string()), value_set=pa.array(known, pa.string()))
        index = pc.fill_null(found, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    there = pc.is_valid(values).to_numpy(zero_copy_only=False) & (index >= 0)
    bounds = np.array([cuts[name] for name in known] or [[0.0] * (len(names) - 1)])
    numbers = pc.fill_null(_numbers(values), 0.0).to_numpy(zero_copy_only=False)
    position = (numbers[:, None] >= bounds[np.maximum(index, 0)]).sum(axis=1)
    return names.take(pa.array(position, mask=~there))


def bucket_columns(
    rows: pa.Table, buckets: Mapping[str, Bucket], cuts: Mapping[str, Mapping[str, Sequence[float]]]
) -> pa.Array:
    """struct[D] with one string field a bucket, from rows that have the columns the buckets name."""
    made = [
        bucket_of(column(rows, b.column), column(rows, b.by) if b.by else None, b, cuts[name])
        for name, b in buckets.items()
    ]
    return pa.StructArray.from_arrays(made, names=list(buckets))


def column(rows: pa.Table, path: str) -> pa.Array:
    """`language.code` or a plain column of a table, as one array."""
    name, _, field = path.partition(".")
    found: Any = rows.column(name).combine_chunks()
    return pc.struct_field(found, field) if field else found
