"""Why a document is where it is, put together from the tables of a job."""

from __future__ import annotations

from typing import Any

from pipeline.catalog.removed_lines import line_sentences, removed_lines
from pipeline.catalog.views import choose_job, open_catalog, tables_of
from pipeline.engine import rows_as_dicts
from pipeline.errors import UsageError
from pipeline.store import Store


def explain(store: Store, doc_id: str, job_id: str | None = None) -> list[dict[str, Any]]:
    """Everything there is on each document with this id (ids of an input may repeat)."""
    connection = open_catalog(store, job_id)
    text = tables_of(store, choose_job(store, job_id)).text
    documents = rows_as_dicts(connection, "select * from documents where doc_id = ?", [doc_id])
    if not documents:
        near = rows_as_dicts(
            connection,
            "select doc_id from documents where doc_id is not null order by jaro_winkler_similarity(doc_id, ?) desc limit 3",
            [doc_id],
        )
        raise UsageError(
            f"no document {doc_id!r} in this job; ids near it: {', '.join(d['doc_id'] for d in near) or 'none'}"
        )
    found = []
    for document in documents:
        key = [document["shard"], document["row"]]
        # a corpus without a verdict yet has an empty view without shard and row
        failed = (
            rows_as_dicts(connection, "select failed from verdicts where shard = ? and row = ?", key)
            if _has_rows(connection)
            else []
        )
        cluster = rows_as_dicts(
            connection, "select * exclude (shard, row, doc_id) from duplicates where shard = ? and row = ?", key
        )
        members = _members(connection, cluster[0]["cluster"]) if cluster else []
        measured = {k: _readable(v) for k, v in document.items() if isinstance(v, dict)}
        provenance = {k: v for k, v in document.items() if not isinstance(v, dict) and v is not None}
        found.append({
            "doc_id": doc_id, "outcome": _outcome(document), "provenance": provenance, "failed": failed[0]["failed"] if failed else [],
            "duplicate": cluster[0] if cluster else None, "cluster_members": members, "measured": measured,
            "removed_lines": removed_lines(connection, store, text, *key),
        })  # fmt: skip
    return found


def _members(connection: Any, cluster: str) -> list[dict[str, Any]]:
    return rows_as_dicts(
        connection,
        "select doc_id, keep, jaccard, method from duplicates where cluster = ? order by keep desc, jaccard desc limit 10",
        [cluster],
    )


def _has_rows(connection: Any) -> bool:
    columns = rows_as_dicts(connection, "select column_name from (describe verdicts)")
    return any(c["column_name"] == "row" for c in columns)


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


def sentences(found: list[dict[str, Any]]) -> list[str]:
    """The same for people."""
    lines = []
    for document in found:
        where = document["provenance"]
        lines.append(f"{document['doc_id']}: {document['outcome']}")
        lines.append(
            f"  from {where.get('file_path')} at {where.get('file_row')}"
            + (f", {where['url']}" if "url" in where else "")
        )
        if document["outcome"] == "quarantined":
            lines.append(f"  quarantined: {where.get('quarantine')}: {where.get('quarantine_detail', '')}")
        for failure in document["failed"]:
            value = "" if failure["value"] is None else f" is {failure['value']}, wanted"
            lines.append(f"  failed {failure['rule']}:{value} {failure['bound']}")
        cluster = document["duplicate"]
        if cluster and cluster["keep"]:
            lines.append(f"  keeper of a cluster of {cluster['cluster_size']}")
        elif cluster and cluster["method"] == "url":
            lines.append(f"  same address as {cluster['duplicate_of']}; their texts were not compared")
        elif cluster:
            lines.append(
                f"  {cluster['method']} duplicate of {cluster['duplicate_of']}: Jaccard {cluster['jaccard']:.4f}, cluster of {cluster['cluster_size']}"
            )
        for member in document["cluster_members"][:5]:
            lines.append(
                f"    {'keeps ' if member['keep'] else 'drops '} {member['doc_id']}"
                + ("" if member["keep"] else f" ({_how(member)})")
            )
        lines += [f"  {said}" for said in line_sentences(document["removed_lines"])]
        for scorer, values in document["measured"].items():
            shown = ", ".join(f"{k}={_short(v)}" for k, v in values.items() if not isinstance(v, list))
            lines.append(f"  {scorer}: {shown}")
    return lines


def _how(member: dict[str, Any]) -> str:
    return str(member["method"]) if member["jaccard"] is None else f"{member['method']}, {member['jaccard']:.4f}"


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
