"""explain, samples, clusters, cluster: single documents of a job, with the beginning of their text."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from pipeline.clerk.desk import Desk
from pipeline.clerk.job import OpenJob
from pipeline.errors import ClusterNotFound, UsageError
from pipeline.explain import explain_in
from pipeline.report.samples import texts_of
from pipeline.sql.engine import rows_as_dicts
from pipeline.storage.rows_at import Place, rows_at

TEXT_CHARS = 2_000
TEXT_CHARS_MAX = 100_000
SAMPLES_MAX = 200
CLUSTERS_MAX = 1_000
DIFF_CHARS = 20_000
DIFF_LINES = 400

Chars = Annotated[int, Field(ge=0, le=TEXT_CHARS_MAX)]
PROVENANCE = ("text_bytes", "file_path", "file_row", "url", "source")
OUTCOMES = {
    "kept": "copies > 0",
    "removed": "stage in ('takedown', 'judge', 'dedup')",
    "quarantined": "stage = 'quarantine'",
}


def explain(desk: Desk, *, job: str, doc_id: str) -> dict[str, Any]:
    """Every document with this id, and why it is where it is. Raises DocumentNotFound."""
    opened = desk.job(job)
    return {"items": explain_in(opened.catalog, opened.store, opened.tables, doc_id)}


def samples(
    desk: Desk,
    *,
    job: str,
    outcome: Literal["kept", "removed", "quarantined"],
    reason: str | None = None,
    size: Annotated[int, Field(ge=1, le=SAMPLES_MAX)] = 10,
    seed: int = 0,
    text_chars: Chars = TEXT_CHARS,
) -> dict[str, Any]:
    """Documents that came to an end, chosen by a hash of their id and the seed: the same ones each time it is asked.

    reason: a rule, 'takedown', 'url', 'exact', 'fuzzy', 'reference', 'lines' or 'substrings', or a reason of quarantine. documents:
    how many there are to choose from.
    """
    opened = desk.job(job)
    _ = opened.decided  # or it is not ready yet
    where = f"{OUTCOMES[outcome]} and (?::varchar is null or reason = ?)"
    total = rows_as_dicts(opened.catalog, f"select count(*) as n from mix_rows where {where}", [reason, reason])[0]["n"]
    chosen = rows_as_dicts(
        opened.catalog,
        f"select shard, row from mix_rows where {where} order by md5(concat(?::varchar, ':', doc_id)), shard, row limit ?",
        [reason, reason, str(seed), size],
    )
    places = [(r["shard"], r["row"]) for r in chosen]
    # what is in quarantine may be no text at all
    texts = _texts(opened, places, text_chars) if outcome != "quarantined" else {}
    rows = rows_at(opened.store, opened.tables, places, notes=False)
    return {
        "documents": total,
        "items": [{**_document(r, outcome), **texts.get((r["shard"], r["row"]), NO_TEXT)} for r in rows],
    }


NO_TEXT = {"text": None, "text_cut": False}


def _texts(opened: OpenJob, places: Sequence[Place], chars: int) -> dict[Place, dict[str, Any]]:
    found = texts_of(opened.store, opened.tables.text, places, chars)
    return {place: {"text": e.text, "text_cut": e.cut, "text_chars": e.chars} for place, e in found.items()}


def _document(row: dict[str, Any], outcome: str) -> dict[str, Any]:
    """A row for people: where it is from and what became of it."""
    told = {name: row.get(name) for name in ("doc_id", "stage", "reason", *PROVENANCE)}
    return {**told, "outcome": outcome, "failed": row.get("failed") or [], "detail": row.get("quarantine_detail")}


def clusters(
    desk: Desk,
    *,
    job: str,
    size: Annotated[int, Field(ge=1, le=CLUSTERS_MAX)] = 50,
    after: list[int | str] | None = None,
    method: Literal["url", "exact", "fuzzy", "reference"] | None = None,
) -> dict[str, Any]:
    """Clusters of copies, the largest first; `next` is what to ask `after` for the page that follows.

    A cluster is named by its keeper's doc_id. method: only those with a member of this kind.
    """
    opened = desk.job(job)
    last_size, last = after if after is not None and len(after) == 2 else (None, None)
    if after is not None and not (isinstance(last_size, int) and isinstance(last, str) and 0 <= last_size < 2**62):
        raise UsageError("clusters: `after` is what `next` of the page before said: [cluster_size, cluster]")
    found = rows_as_dicts(
        opened.catalog,
        """
        select cluster, any_value(cluster_size) as cluster_size, any_value(doc_id) filter (keep) as keeper,
               string_agg(distinct method, ', ' order by method) as method, min(jaccard) filter (not keep) as min_jaccard
        from duplicates
        where ?::bigint is null or cluster_size < ? or (cluster_size = ? and cluster > ?)
        group by cluster having ?::varchar is null or bool_or(method = ?)
        order by cluster_size desc, cluster limit ?
        """,
        [last_size, last_size, last_size, last, method, method, size + 1],
    )
    page = found[:size]
    more = [page[-1]["cluster_size"], page[-1]["cluster"]] if len(found) > size else None
    return {"items": page, "next": more}


def cluster(
    desk: Desk,
    *,
    job: str,
    cluster: str,
    text_chars: Chars = TEXT_CHARS,
    size: Annotated[int, Field(ge=1, le=SAMPLES_MAX)] = 50,
    diff: bool = False,
) -> dict[str, Any]:
    """One cluster: its keeper first, then its members, the most similar first. diff: lines beside the keeper's. Raises
    ClusterNotFound."""
    opened = desk.job(job)
    members = rows_as_dicts(
        opened.catalog,
        "select * from duplicates where cluster = ? order by keep desc, jaccard desc, doc_id, shard, row limit ?",
        [cluster, size],
    )
    if not members:
        raise ClusterNotFound(
            f"no cluster {cluster[:200]!r} in this job; a cluster is named by the doc_id of its keeper"
        )
    places = [(m["shard"], m["row"]) for m in members]
    rows = rows_at(opened.store, opened.tables, places, notes=False)
    texts = _texts(opened, places, max(text_chars, DIFF_CHARS if diff else 0))
    told = []
    for place, member, row in zip(places, members, rows, strict=True):
        text = texts.get(place, NO_TEXT)
        one = {**member, **{name: row.get(name) for name in PROVENANCE}, **_shortened(text, text_chars)}
        if diff and not member["keep"] and members[0]["keep"]:  # a keeper in a reference set is not at hand
            one["diff"] = _diff(texts.get(places[0], NO_TEXT)["text"], text["text"])
        told.append(one)
    return {"cluster": cluster, "cluster_size": members[0]["cluster_size"], "members": told}


def _shortened(text: dict[str, Any], chars: int) -> dict[str, Any]:
    if text["text"] is None or len(text["text"]) <= chars:
        return text
    return {**text, "text": text["text"][:chars], "text_cut": True}


def _diff(keeper: str | None, member: str | None) -> list[str] | None:
    """Lines of both beginnings as a unified diff; null where one cannot be read."""
    if keeper is None or member is None:
        return None
    left, right = (text[:DIFF_CHARS].splitlines()[:DIFF_LINES] for text in (keeper, member))
    return list(difflib.unified_diff(left, right, "keeper", "member", lineterm="", n=2))
