"""What deduplication measures itself, as parts: what it finds in every text, and notes beside those of the scorers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.dedup.layout import layout
from pipeline.stage import commit_part, counts_metadata
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


def commit_notes(
    store: Store, key: str, path: str, ids: pa.Table, notes: pa.Field, columns: Sequence[npt.NDArray[np.generic]]
) -> PartRecord:
    """Commit a part of notes, null where a row is in quarantine. ids: doc_id and quarantine of a shard; notes: a struct of so
    many columns."""
    missing = ~np.asarray(usable_rows(ids).to_numpy(zero_copy_only=False), dtype=bool)
    struct = pa.StructArray.from_arrays([pa.array(c) for c in columns], fields=list(notes.type), mask=pa.array(missing))
    table = pa.table([ids.column("doc_id"), struct], schema=pa.schema([pa.field("doc_id", pa.string()), notes]))
    quarantined = int(np.count_nonzero(missing))
    counts = {"measured": ids.num_rows - quarantined, "quarantined": quarantined}
    return commit_part(store, key, path, table, counts)
