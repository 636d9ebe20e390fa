"""Which of several documents is rather kept: the recipe's order over documents, by an engine that spills to disk."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.rules import names_in, quoted
from pipeline.schema import TEXT_TABLE
from pipeline.sql.engine import connect
from pipeline.storage.notes import Notes, read_notes
from pipeline.storage.store import Store
from pipeline.storage.temporary import temporary_folder

MEMORY_BYTES = 512_000_000
"""What sorting holds; beyond it, it spills."""

Rows = npt.NDArray[np.int64]


def rank_keepers(
    store: Store,
    notes: Notes,
    keep: str,
    documents: Rows,
    takes_part: npt.NDArray[np.bool_],
    rank: npt.NDArray[np.int32],
    first: int,
) -> int:
    """Rank documents, best first: documents: i64[N], rising global rows, takes_part: bool[N] -> into rank: i32[N], of those that
    take part, `first` and so on; the next rank. keep: SQL order; what it leaves open is decided by id, then by row."""
    offsets = notes.text.row_offsets()
    cuts = np.searchsorted(documents, offsets)
    columns, ids = _named(store, notes, keep)
    with temporary_folder(store.local_folder) as folder, connect(threads=1) as engine:
        engine.execute(f"set memory_limit='{MEMORY_BYTES}B'; set temp_directory={quoted(str(folder))}")
        engine.execute("set enable_external_access=false")
        verb = "create table ranked as"
        for shard in np.flatnonzero(np.diff(cuts)).tolist():
            place = cuts[shard] + np.flatnonzero(takes_part[cuts[shard] : cuts[shard + 1]])
            if len(place) == 0:
                continue
            table = read_notes(store, notes.of(shard), columns, ids).take(pa.array(documents[place] - offsets[shard]))
            engine.register("here", table.drop_columns(["quarantine"]).append_column("place", pa.array(place)))
            engine.execute(f"{verb} select * from here")
            engine.unregister("here")
            verb = "insert into ranked"
        if verb.startswith("create"):
            return first
        found = engine.sql(f"select place from ranked order by {keep}\n, doc_id, place").to_arrow_reader(100_000)
        for batch in found:
            rank[batch.column(0).to_numpy()] = np.arange(first, first + len(batch), dtype=np.int32)
            first += len(batch)
    return first


def _named(store: Store, notes: Notes, keep: str) -> tuple[list[str], list[str]]:
    """(columns of the notes, columns of the text table) that the order may name."""
    names = names_in(keep)
    columns = []
    for alias in (a for a in notes.where if a.lower() in names):
        schema = store.parquet(notes.passes[notes.where[alias]].parts[0].path).schema_arrow
        fields = [f.name for f in schema.field(alias).type if f.name.lower() in names]
        columns += [f"{alias}.{f}" for f in fields] or [alias]
    return columns, [c.name for c in TEXT_TABLE if c.name in names and c.name != "quarantine"]
