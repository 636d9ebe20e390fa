"""What a table of clusters says of each shard, as a digest: a shard's later tables are made again only where that changed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.storage.manifest import Manifest
from pipeline.storage.store import Store

REMOVED = ("row", "jaccard", "method", "duplicate_of", "cluster_size")
"""What export says of a duplicate."""
DECIDED = ("row", "keep", "method")
"""What decides about copies."""
SIZES = ("row", "keep", "cluster_size")
"""What decides how many copies a keeper has."""


def cluster_digests(
    store: Store, dedup: Manifest | None, columns: Sequence[str], removed_only: bool = False
) -> dict[int, str]:
    """By shard that has any row in `dedup`: a digest of these columns of its rows. Of the position of the shard it says
    nothing. removed_only: of duplicates alone, not of their keepers."""
    if dedup is None:
        return {}
    table = store.read_table(dedup.parts[0].path, columns=["shard", "keep", *(c for c in columns if c != "keep")])
    if removed_only:
        table = table.filter(pc.invert(table.column("keep")))
    table = table.combine_chunks()
    shard = table.column("shard").to_numpy()
    bounds = np.flatnonzero(np.diff(shard, prepend=-1, append=-1)) if len(shard) else np.zeros(0, np.int64)
    chosen = table.select(list(columns))
    return {int(shard[a]): _digest(chosen.slice(a, b - a)) for a, b in pairwise(bounds.tolist())}


def _digest(rows: pa.Table) -> str:
    """Of the values as Parquet, which has nothing where a value is null, however they lie in memory."""
    sink = pa.BufferOutputStream()
    columns = rows.replace_schema_metadata()
    pq.write_table(columns, sink, compression="none", use_dictionary=False, write_statistics=False, store_schema=False)
    return hashlib.sha256(memoryview(sink.getvalue())).hexdigest()[:32]
