"""What is found in every text of a shard, as a part that is written batch by batch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from pipeline.dedup.layout import layout
from pipeline.stage import counts_metadata
from pipeline.storage.parquet import check_rows, parquet_writer
from pipeline.storage.shard import Shard, read_ids, read_text, usable_rows
from pipeline.storage.store import PartRecord, Store
from scorers.text import TextBatch

Payload = tuple[str, str, Shard]
"""(key of the part, its path, the shard)"""


def commit_measured(
    store: Store, payload: Payload, schema: pa.Schema, what: str, find: Callable[[TextBatch, int], pa.Table]
) -> PartRecord:
    """Commit what `find` makes of each batch and its first row in the shard. what: the name of what is counted."""
    key, path, shard = payload
    usable = usable_rows(read_ids(store, shard, ["quarantine"]))
    counted = 0

    def write(temporary: Path) -> None:
        nonlocal counted
        start = 0
        with parquet_writer(temporary, schema, **layout(schema)) as writer:
            for text in read_text(store, shard, usable):
                found = find(TextBatch.from_arrow(text), start)
                writer.write_table(found)
                start += len(text)
                counted += found.num_rows
            writer.add_key_value_metadata(counts_metadata({what: counted}))

    store.commit(path, write, lambda t: check_rows(t, counted))
    return store.record(key, path)
