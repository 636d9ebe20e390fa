"""What export writes beside the corpus: a row for every document that was left out, and for every row in quarantine."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.schema import QUARANTINE_TABLE, REMOVED_TABLE, TOMBSTONES_TABLE, arrow_schema
from pipeline.stage import commit_part
from pipeline.storage.by_row import by_row, first_of_each
from pipeline.storage.part import PartRecord
from pipeline.storage.shard import Shard, read_ids
from pipeline.storage.store import Store

BESIDE = {"removed": REMOVED_TABLE, "quarantine": QUARANTINE_TABLE}
"""Folders beside data/, and the columns of the files there."""
REMOVING = pa.array(["takedown", "judge", "dedup"])
"""Stages that leave a document out."""
NOTHING_TAKEN = arrow_schema(TOMBSTONES_TABLE).empty_table()


@dataclass(frozen=True, slots=True)
class Decisions:
    """Where it is written what became of a shard. index: its position; clusters, tombstones: None where they say nothing
    of it."""

    index: int
    shard: Shard
    verdict: str
    clusters: str | None
    tombstones: str | None


def empty_files() -> dict[str, PartRecord]:
    """By folder: the file of a unit that has no row for it, which no manifest lists."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(folder)
        return {
            kind: commit_part(store, kind, kind, arrow_schema(columns).empty_table(), {}, durable=False)
            for kind, columns in BESIDE.items()
        }


def removed_rows(store: Store, decisions: Decisions, mix: pa.Table) -> pa.Table:
    """One row for each document that a takedown, a rule or deduplication left out. Of what is taken down it says no more
    than that, and why."""
    out = pa.array(np.flatnonzero(pc.is_in(mix.column("stage"), REMOVING).to_numpy()))
    if len(out) == 0:
        return arrow_schema(REMOVED_TABLE).empty_table()
    rows = read_ids(store, decisions.shard, ["doc_id", "url", "source", "file_path", "text_bytes"])
    verdict = store.read_table(decisions.verdict, columns=["failed"])
    table = pa.table([*rows.columns, *mix.select(["stage", "reason"]).columns, *verdict.columns],
                     names=[*rows.column_names, "stage", "reason", "failed"]).take(out).combine_chunks()  # fmt: skip
    said = {name: table.column(name).combine_chunks() for name in table.column_names}
    clusters = _clusters(store, decisions.clusters, decisions.index)
    said |= _beside(clusters, ("jaccard", "method", "duplicate_of", "cluster_size"), mix.num_rows, out)
    taken = store.read_table(decisions.tombstones) if decisions.tombstones else NOTHING_TAKEN
    said |= _beside(taken, ("takedown", "why"), mix.num_rows, out)
    return _as_removed(said)


def _beside(table: pa.Table, columns: Sequence[str], rows: int, out: pa.Array) -> dict[str, pa.Array]:
    """Columns of a table of some rows of a shard, of the rows `out`; null where it has none of them."""
    at = table.column("row")
    return {name: by_row(rows, at, table.column(name)).take(out) for name in columns}


def _as_removed(said: Mapping[str, pa.Array]) -> pa.Table:
    """Rows of REMOVED_TABLE from what the tables say, column by column."""
    judged, taken = (pc.equal(said["stage"], stage) for stage in ("judge", "takedown"))
    first = first_of_each(said["failed"])
    # as DuckDB writes them: the shortest digits that give the number again
    jaccard = pa.array([None if j is None else repr(j) for j in said["jaccard"].to_pylist()], pa.string())
    value = pc.if_else(judged, pc.struct_field(first, "value"), pc.if_else(taken, said["takedown"], jaccard))
    method = pc.coalesce(said["method"], said["reason"])
    bound = pc.if_else(judged, pc.struct_field(first, "bound"), pc.if_else(taken, said["why"], method))
    url = pc.if_else(taken, pa.scalar(None, pa.string()), said["url"])
    columns = [
        *(said[name] for name in ("doc_id", "stage", "reason")), value, bound,
        *(said[name] for name in ("duplicate_of", "failed", "cluster_size")), url,
        *(said[name] for name in ("source", "file_path", "text_bytes")),
    ]  # fmt: skip
    return pa.table(columns, schema=arrow_schema(REMOVED_TABLE))


def _clusters(store: Store, removals: str | None, shard: int) -> pa.Table:
    columns = {
        "row": pa.int64(),
        "jaccard": pa.float64(),
        "method": pa.string(),
        "duplicate_of": pa.string(),
        "cluster_size": pa.int64(),
    }
    if removals is None:
        return pa.schema(list(columns.items())).empty_table()
    return store.read_shard(removals, shard, list(columns))


def unread_rows(files: Sequence[tuple[str, str, str]]) -> pa.Table:
    """One row for each file that could not be read: its rows are unknown."""
    rows = [
        {"id": None, "reason": reason, "detail": detail, "file_path": path, "file_row": None}
        for path, reason, detail in files
    ]
    return pa.Table.from_pylist(rows, schema=arrow_schema(QUARANTINE_TABLE))


def quarantined_rows(store: Store, shard: Shard, mix: pa.Table) -> pa.Table:
    """The rows of a shard that are in quarantine."""
    if not pc.any(pc.equal(mix.column("stage"), "quarantine"), min_count=0).as_py():
        return arrow_schema(QUARANTINE_TABLE).empty_table()
    rows = read_ids(store, shard, ["doc_id", "quarantine", "quarantine_detail", "file_path", "file_row"])
    rows = rows.filter(pc.is_valid(rows.column("quarantine")))
    return rows.rename_columns([c.name for c in QUARANTINE_TABLE]).cast(arrow_schema(QUARANTINE_TABLE))
