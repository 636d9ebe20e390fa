"""Why a document is where it is, put together from the tables of a job."""

from __future__ import annotations

from typing import Any

import duckdb

from pipeline.catalog.chosen import Tables, choose_job, tables_of
from pipeline.catalog.removed_lines import removed_lines
from pipeline.catalog.removed_substrings import removed_substrings
from pipeline.catalog.views import view_tables
from pipeline.errors import DocumentNotFound
from pipeline.sql.engine import connect, rows_as_dicts
from pipeline.storage.rows_at import rows_at
from pipeline.storage.store import Store
from pipeline.takedown.hiding import STAGE
from pipeline.takedown.records import undos
from pipeline.takedown.tombstones import Tombstones, lifted_of, tombstones_of

NEAR_ROWS = 2_000_000
"""Up to here, an unknown id is compared with all there are."""
MEMBERS = 10


def explain(store: Store, doc_id: str, job_id: str | None = None) -> list[dict[str, Any]]:
    """Everything there is on each document with this id (ids of an input may repeat). Raises DocumentNotFound."""
    tables = tables_of(store, choose_job(store, job_id))
    connection = connect()
    if store.remote:
        connection.register_filesystem(store.fs)
    view_tables(connection, store, tables)
    return explain_in(connection, store, tables, doc_id)


def explain_in(
    connection: duckdb.DuckDBPyConnection, store: Store, tables: Tables, doc_id: str
) -> list[dict[str, Any]]:
    """The same, of tables whose views are open already."""
    asked = "select shard, row from text_rows where doc_id = ? order by shard, row"
    places = [(p["shard"], p["row"]) for p in rows_as_dicts(connection, asked, [doc_id])]
    if not places:
        raise DocumentNotFound(f"no document {doc_id!r} in this job; ids near it: {_near(connection, tables, doc_id)}")
    found = []
    tombstones = tombstones_of(store, tables.text.corpus)
    for document in rows_at(store, tables, places):
        if document.get("stage") == STAGE:
            found.append(_taken_down(document, store, tables.text.corpus, tombstones))
            continue
        key = [document["shard"], document["row"]]
        cluster = rows_as_dicts(
            connection, "select * exclude (shard, row, doc_id) from duplicates where shard = ? and row = ?", key
        )
        members = []
        if cluster:
            members = rows_as_dicts(
                connection,
                "select doc_id, keep, jaccard, method from duplicates where (cluster, cluster_size, coalesce(reference, '')) = (?, ?, ?) "
                f"order by keep desc, jaccard desc, doc_id limit {MEMBERS}",
                # keepers may share an id, and with it the name of their clusters
                [cluster[0]["cluster"], cluster[0]["cluster_size"], cluster[0]["reference"] or ""],
            )
        failed = document.pop("failed", None) or []
        measured = {k: _readable(v) for k, v in document.items() if isinstance(v, dict)}
        provenance = {k: v for k, v in document.items() if not isinstance(v, dict) and v is not None}
        found.append({
            "doc_id": doc_id, "outcome": _outcome(document), "provenance": provenance, "failed": failed,
            "duplicate": cluster[0] if cluster else None, "cluster_members": members, "measured": measured,
            "removed_lines": removed_lines(connection, store, tables.text, *key),
            "removed_substrings": removed_substrings(connection, store, tables.text, *key),
        })  # fmt: skip
    return found


def _taken_down(document: dict[str, Any], store: Store, corpus: str, tombstones: Tombstones) -> dict[str, Any]:
    """What is still said of a document that is taken down: where it is from, and who asked, when and why; and who undid it
    since, where this job was before that."""
    named = (document["doc_id"], document.get("source"))
    takedown, told = tombstones.which(*named), None
    if takedown is not None:
        told = {k: getattr(takedown, k) for k in ("id", "at", "by", "why")}
    elif (lifted := lifted_of(store, corpus)[0].which(*named)) is not None:
        undo = undos(store, corpus)[lifted.id]
        told = {k: getattr(lifted, k) for k in ("id", "at", "by", "why")} | {"undone": undo.as_dict()}
    return {
        "doc_id": document["doc_id"], "outcome": _outcome(document), "provenance": {k: v for k, v in document.items() if k != "failed"},
        "failed": [], "duplicate": None, "cluster_members": [], "measured": {}, "removed_lines": [],
        "removed_substrings": [], "takedown": told,
    }  # fmt: skip


def _near(connection: duckdb.DuckDBPyConnection, tables: Tables, doc_id: str) -> str:
    if tables.text.rows > NEAR_ROWS:
        return "not looked for among so many"
    near = rows_as_dicts(
        connection,
        "select distinct doc_id from text_rows where doc_id is not null order by jaro_winkler_similarity(doc_id, ?) desc, doc_id limit 3",
        [doc_id],
    )
    return ", ".join(d["doc_id"] for d in near) or "none"


def _outcome(document: dict[str, Any]) -> str:
    if document.get("quarantine") is not None:
        return "quarantined"
    if "copies" not in document or document["copies"] is None:
        return "not decided yet"
    return "kept" if document["copies"] > 0 else f"removed by {document['stage']}"


def _readable(struct: dict[str, Any]) -> dict[str, Any]:
    return {
        k: v.hex() if isinstance(v, bytes) and len(v) <= 16 else v
        for k, v in struct.items()
        if not (isinstance(v, bytes) and len(v) > 16)
    }
