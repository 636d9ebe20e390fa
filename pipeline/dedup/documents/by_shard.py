"""What a table of clusters says of each shard, as a digest: a shard's later tables are made again only where that changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.storage.manifest import Manifest
from pipeline.storage.parquet import intact
from pipeline.storage.store import Store

REMOVED = ("row", "jaccard", "method", "duplicate_of", "cluster_size")
"""What export says of a duplicate."""
DECIDED = ("row", "keep", "method")
"""What decides about copies."""
SIZES = ("row", "keep", "cluster_size")
"""What decides how many copies a keeper has."""
BATCH_ROWS = 1 << 16


def cluster_digests(
    store: Store, dedup: Manifest | None, columns: Sequence[str], removed_only: bool = False
) -> dict[int, str]:
    """By shard that has any row in `dedup`: a digest of these columns of its rows. Of the position of the shard it says
    nothing. removed_only: of duplicates alone, not of their keepers."""
    if dedup is None:
        return {}
    found = {}
    for shard, table in _shards(store, dedup.parts[0].path, ["shard", "keep", *(c for c in columns if c != "keep")]):
        told = table.filter(pc.invert(table.column("keep"))) if removed_only else table
        if told.num_rows:
            found[shard] = _digest(told.select(list(columns)).combine_chunks())
    return found


def _shards(store: Store, path: str, columns: list[str]) -> Iterator[tuple[int, pa.Table]]:
    """The rows of each shard, which follow each other: some row groups at a time."""
    shard, held = -1, list[pa.Table]()
    with intact(store.full(path), store.root):
        for batch in store.parquet(path).iter_batches(BATCH_ROWS, columns=columns, use_threads=False):
            of = batch.column("shard").to_numpy()
            for start, end in pairwise([0, *(np.flatnonzero(np.diff(of)) + 1).tolist(), len(of)]):
                if held and of[start] != shard:
                    yield shard, pa.concat_tables(held)
                    held = []
                shard = int(of[start])
                held.append(pa.Table.from_batches([batch.slice(start, end - start)]))
    if held:
        yield shard, pa.concat_tables(held)


def _digest(rows: pa.Table) -> str:
    """Of the values as Parquet, which has nothing where a value is null, however they lie in memory."""
    sink = pa.BufferOutputStream()
    columns = rows.replace_schema_metadata()
    pq.write_table(columns, sink, compression="none", use_dictionary=False, write_statistics=False, store_schema=False)
    return hashlib.sha256(memoryview(sink.getvalue())).hexdigest()[:32]
