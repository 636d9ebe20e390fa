"""A column that is nanoseconds in some files and coarser in others: nanoseconds in all of them, where footers say that every value
has a place there."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa

from pipeline.sources.footers import chunk_fault
from pipeline.storage.parquet import leaf_paths, open_parquet

NANOSECONDS_IN = {"s": 10**9, "ms": 10**6, "us": 10**3}
MOST = 2**63 - 1
"""Nanoseconds from 1970, back and forth: from 1677 to 2262."""
THREADS = 8


def with_nanoseconds(schemas: Sequence[pa.Schema], paths: Sequence[str]) -> list[pa.Schema]:
    """The schemas of files, with coarser timestamps as nanoseconds where another file has these and all values of this one fit. Only
    files with such a column are looked at."""
    times = [(n, i, f) for n, s in enumerate(schemas) for i, f in enumerate(s) if pa.types.is_timestamp(f.type)]
    fine = {(f.name, f.type.tz) for _, _, f in times if f.type.unit == "ns"}
    asked = [(n, i) for n, i, f in times if f.type.unit != "ns" and (f.name, f.type.tz) in fine]
    made = list(schemas)
    if not asked:
        return made
    with ThreadPoolExecutor(THREADS) as threads:
        fits = list(threads.map(lambda at: _fits(paths[at[0]], schemas[at[0]].field(at[1])), asked))
    for (n, i), fit in zip(asked, fits, strict=True):
        if fit:
            field = made[n].field(i)
            made[n] = made[n].set(i, field.with_type(pa.timestamp("ns", field.type.tz)))
    return made


def _fits(path: str, field: pa.Field) -> bool:
    """Whether the footer says that every value of a column is one of nanoseconds."""
    if chunk_fault(path, [field.name]) is not None:
        return False
    metadata = open_parquet(path).metadata
    leaves, many = leaf_paths(metadata), NANOSECONDS_IN[field.type.unit]
    if metadata.num_row_groups and leaves.count(field.name) != 1:
        return False
    for group in range(metadata.num_row_groups):
        chunk = metadata.row_group(group).column(leaves.index(field.name))
        told = chunk.statistics
        if told is None or chunk.physical_type != "INT64":
            return False
        if not told.has_min_max:
            if told.null_count != chunk.num_values:
                return False
        elif max(-told.min_raw, told.max_raw) * many > MOST:
            return False
    return True
