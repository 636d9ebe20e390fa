"""What export writes beside the corpus: a row for every document that was left out, and for every row in quarantine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.schema import QUARANTINE_TABLE, REMOVED_TABLE, TOMBSTONES_TABLE, arrow_schema
from pipeline.sql.engine import query
from pipeline.storage.shard import Shard, read_ids
from pipeline.storage.store import Store

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


def removed_rows(store: Store, decisions: Decisions, mix: pa.Table) -> pa.Table:
    """One row for each document that a takedown, a rule or deduplication left out. Of what is taken down it says no more
    than that, and why."""
    rows = read_ids(store, decisions.shard, ["doc_id", "url", "source", "file_path", "text_bytes"])
    rows = rows.append_column("failed", store.read_table(decisions.verdict, columns=["failed"]).column("failed"))
    rows = rows.append_column("stage", mix.column("stage")).append_column("reason", mix.column("reason"))
    rows = rows.append_column("row", pa.array(range(rows.num_rows), pa.int64()))
    made = query(
        """
        select doc_id as id, stage, reason as rule,
               case stage when 'judge' then failed[1].value when 'takedown' then takedown else d.jaccard::varchar end as value,
               case stage when 'judge' then failed[1].bound when 'takedown' then why else coalesce(d.method, reason) end as threshold,
               d.duplicate_of as keeper, failed as rules, d.cluster_size, case when stage <> 'takedown' then url end as url,
               source, file_path, text_bytes
        from rows left join clusters d using (row) left join taken using (row)
        where stage in ('takedown', 'judge', 'dedup') order by row
        """,
        rows=rows,
        clusters=_clusters(store, decisions.clusters, decisions.index),
        taken=store.read_table(decisions.tombstones) if decisions.tombstones else NOTHING_TAKEN,
    )
    return made.cast(arrow_schema(REMOVED_TABLE))


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


def quarantined_rows(store: Store, shard: Shard) -> pa.Table:
    rows = read_ids(store, shard, ["doc_id", "quarantine", "quarantine_detail", "file_path", "file_row"])
    rows = rows.filter(pc.is_valid(rows.column("quarantine")))
    return rows.rename_columns([c.name for c in QUARANTINE_TABLE]).cast(arrow_schema(QUARANTINE_TABLE))
