"""What guards measured, with documents to read: the largest clusters, the sources that lose most, removals at the edge of the
threshold. Of a job that was held as of one that went through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb

from pipeline.catalog.chosen import JobRecord, Tables
from pipeline.catalog.views import view_tables
from pipeline.dedup.documents.guards import broken
from pipeline.errors import UsageError
from pipeline.recipe.dedup import EDGE
from pipeline.report.samples import texts_of
from pipeline.rules import quoted
from pipeline.sql.engine import connect, rows_as_dicts
from pipeline.stages.documents.guards import read_guards
from pipeline.storage.manifest import Manifest
from pipeline.storage.store import Store

PAIRS = 3
NAMES = 3
EXCERPT_CHARS = 240

Rows = list[dict[str, Any]]


def guarded(store: Store, job: JobRecord, tables: Tables) -> dict[str, Any]:
    """documents, removed, near, edge, rows (of the table `guards`) and samples. UsageError before the job has come so far."""
    if tables.guards is None:
        raise UsageError(
            f"job {job.id} in {store.root} has no table `guards`: it has not come to deduplication, or its recipe has none "
            f"(state: {job.record.get('state')})"
        )
    connection = connect()
    if store.remote:
        connection.register_filesystem(store.fs)
    view_tables(connection, store, tables)
    return guards_of(connection, store, tables.text, tables.guards)


def guards_of(connection: duckdb.DuckDBPyConnection, store: Store, text: Manifest, guards: Manifest) -> dict[str, Any]:
    """The same, from views that are open. samples: a group of pairs a guard that is broken or whose edge is shown: about, guard and
    pairs {doc_id, keeper, how, text, keeper_text}, chosen by a hash of their ids."""
    rows = read_guards(store, guards)
    groups = [_edge(connection)]
    for guard, worst in broken(rows).items():
        if guard == "max_source_loss":
            groups += [_of_source(connection, row.name or "") for row in worst[:NAMES]]
        elif guard in ("max_cluster_docs", "max_cluster_frac"):
            groups += [_of_cluster(connection, row.name or "") for row in worst[:NAMES]]
        elif guard == "max_removed_frac":
            groups.append(_group(connection, "of all that would go", "true"))
    unlike = {g["about"]: g for g in groups if g["pairs"]}
    _read(store, text, [pair for group in unlike.values() for pair in group["pairs"]])
    told = {k: guards.details[k] for k in ("documents", "removed", "near", "edge")}
    return told | {
        "edge_width": guards.parameters.get("edge", EDGE),
        "rows": [row._asdict() | {"broken": row.broken} for row in rows],
        "samples": list(unlike.values()),
    }


def _edge(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    return _group(
        connection, "at the edge of the threshold: the least similar that go", "d.method = 'fuzzy'", "d.jaccard,"
    )


def _of_source(connection: duckdb.DuckDBPyConnection, name: str) -> dict[str, Any]:
    return _group(connection, f"of source {name}", f"coalesce(t.source, t.file_path) = {quoted(name)}")


def _of_cluster(connection: duckdb.DuckDBPyConnection, name: str) -> dict[str, Any]:
    return _group(connection, f"of cluster {name}, least similar first", f"d.cluster = {quoted(name)}", "d.jaccard,")


def _group(connection: duckdb.DuckDBPyConnection, about: str, where: str, order: str = "") -> dict[str, Any]:
    found = rows_as_dicts(
        connection,
        f"""
        with gone as (
            select d.doc_id, d.shard, d.row, d.cluster, d.jaccard, d.method, d.duplicate_of
            from duplicates d join text_rows t using (shard, row) where not d.keep and ({where})
            order by {order} md5(d.doc_id) limit {PAIRS})
        select g.doc_id, g.shard, g.row, g.duplicate_of as keeper, k.shard as keeper_shard, k.row as keeper_row, g.jaccard, g.method
        from gone g join duplicates k on k.cluster = g.cluster and k.keep order by {order.replace("d.", "g.")} md5(g.doc_id)
        """,
    )
    for pair in found:
        pair["how"] = pair["method"] + ("" if pair["jaccard"] is None else f", Jaccard {pair['jaccard']:.3f}")
    return {"about": about, "pairs": found}


def _read(store: Store, text: Manifest, pairs: Sequence[dict[str, Any]]) -> None:
    """The beginnings of both texts, on one line each; None where the input can no longer be read."""
    ends = [((p["shard"], p["row"]), (p["keeper_shard"], p["keeper_row"])) for p in pairs]
    texts = texts_of(store, text, [place for both in ends for place in both], EXCERPT_CHARS)
    for pair, (own, keeper) in zip(pairs, ends, strict=True):
        for key, place in (("text", own), ("keeper_text", keeper)):
            excerpt = texts.get(place)
            pair[key] = None if excerpt is None else " ".join(excerpt.text.split())
