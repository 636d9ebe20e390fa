"""What the service asks the catalog for: pages of jobs and shards, the stages of a job, one shard, columns of a job.

Pages go on after a key, never at an offset: a page costs the same wherever it lies, and rows that come meanwhile neither
repeat nor hide others.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from pipeline.catalog.database import Catalog
from pipeline.catalog.schema import told_jobs
from pipeline.catalog.tables import part_id
from pipeline.errors import JobMissing, NotFound
from pipeline.totals.bins import SHIFT_COARSE, lower_edge

Row = dict[str, Any]
Key = TypeVar("Key")


@dataclass(frozen=True)
class Page(Generic[Key]):
    """Rows, and the key to go on after; None where these are the last."""

    items: list[Row]
    after: Key | None


@dataclass(frozen=True)
class JobFilter:
    """Which jobs, and in what order. Times are RFC 3339 in UTC, as jobs have them; labels must all be there."""

    states: tuple[str, ...] = ()
    name: str | None = None
    owner: str | None = None
    labels: tuple[tuple[str, str], ...] = ()
    created_after: str | None = None
    created_before: str | None = None
    order_by: Literal["created_at", "-created_at"] = "-created_at"


def jobs_page(
    catalog: Catalog, chosen: JobFilter = JobFilter(), after: tuple[str, str] | None = None, size: int = 50
) -> Page[tuple[str, str]]:
    """Jobs by time of creation and id; after: (created_at, id) of the last job of the page before."""
    where, parameters = _chosen(chosen)
    newest_first = chosen.order_by == "-created_at"
    if after is not None:
        where.append(f"(created_at, id) {'<' if newest_first else '>'} (?, ?)")
        parameters += after
    way = "desc" if newest_first else "asc"
    order = f"order by created_at {way}, id {way}"
    page = f"select * from base.jobs where {' and '.join(where)} {order} limit {size + 1}"
    rows = catalog.rows(f"with page as ({page}) {told_jobs('page')} {order}", parameters)
    items = [_job(row) for row in rows[:size]]
    last = (items[-1]["created_at"], items[-1]["id"]) if len(rows) > size else None
    return Page(items, last)


def _chosen(chosen: JobFilter) -> tuple[list[str], list[Any]]:
    where, parameters = ["created_at is not null"], list[Any]()
    for condition, value in (
        ("list_contains(?, state)", list(chosen.states) or None),
        ("name = ?", chosen.name),
        ("owner = ?", chosen.owner),
        ("created_at > ?", chosen.created_after),
        ("created_at < ?", chosen.created_before),
        *(("labels[?] = ?", label) for label in chosen.labels),
    ):
        if value is not None:
            where.append(condition)
            parameters += value if isinstance(value, tuple) else [value]
    return where, parameters


def job(catalog: Catalog, job_id: str) -> Row:
    """One job. JobMissing where there is none."""
    rows = catalog.rows("from base.told_jobs where id = ?", [job_id])
    if not rows:
        raise JobMissing(f"no job {job_id!r}")
    return _job(rows[0])


def _job(row: Row) -> Row:
    """As pipeline.control.state.job_state tells it, and what the tables of the job add to it."""
    read = {name: json.loads(row[name]) if row[name] else None for name in ("funnel", "tables", "scorers")}
    return row | read | {"labels": dict(row["labels"] or [])}


def stages(catalog: Catalog, job_id: str) -> list[Row]:
    """Stages of a job in the order they were started."""
    rows = catalog.rows("from stages where job = ? order by number", [job_id])
    return [row | {"counts": json.loads(row["counts"] or "{}")} for row in rows]


def shards_page(
    catalog: Catalog, job_id: str, stage: str | None = None, after: tuple[int, int] | None = None, size: int = 50
) -> Page[tuple[int, int]]:
    """Parts of the tables a job stands on, table by table; after: (table, number) of the last part of the page before."""
    position, number = after or (-1, -1)
    items: list[Row] = []
    for table in _tables(catalog, job_id, stage):
        if table["number"] < position or len(items) > size:
            continue
        beyond = number if table["number"] == position else -1
        rows = catalog.rows(  # numbers have no gaps: a range of them is found without sorting
            "select s.* from shards s where table_id = ? and number between ? and ? order by number",
            [table["table_id"], beyond + 1, beyond + 1 + size - len(items)],
        )
        items += [_shard(row) | {"table": table["number"]} for row in rows]
    last = items[:size][-1] if len(items) > size else None
    return Page(items[:size], (last["table"], last["number"]) if last else None)


def _tables(catalog: Catalog, job_id: str, stage: str | None = None) -> list[Row]:
    """Tables of a job, in the order they are made."""
    return catalog.rows(
        "from base.job_tables where job = ? and stage = coalesce(?, stage) order by number", [job_id, stage]
    )


def _shard(row: Row) -> Row:
    return {k: v for k, v in row.items() if k not in ("table_id", "part_id")} | {"counts": json.loads(row["counts"])}


def shard(catalog: Catalog, job_id: str, part: str) -> Row:
    """One part of a job's tables by its key, with `columns`: its column statistics, where it is of notes. Parts that
    share a key (files beside exported ones) are one. NotFound where the job has none."""
    tables = {table["table_id"]: table["number"] for table in _tables(catalog, job_id)}
    rows = catalog.rows(
        "select * from shards where part_id = ? and part = ? and list_contains(?::ubigint[], table_id) order by number limit 1",
        [part_id(part), part, list(tables)],
    )
    if not rows:
        raise NotFound(f"job {job_id} has no part {part[:80]!r}")
    found = rows[0]
    columns = catalog.rows(
        "select * exclude (table_id, number) from base.shard_columns where table_id = ? and number = ? order by name",
        [found["table_id"], found["number"]],
    )
    return _shard(found) | {"table": tables[found["table_id"]], "columns": [_column(c) for c in columns]}


def column_statistics(catalog: Catalog, job_id: str, names: Sequence[str] = ()) -> list[Row]:
    """Every column of a job's notes (or those of these names), added up over its shards; `shards` says over how many,
    for parts that an older version wrote have no statistics."""
    rows = catalog.rows(
        "select u.table_key, c.* exclude (table_id) from base.job_tables u join base.table_columns c using (table_id) "
        "where u.job = ? and u.stage = 'notes' and (len(?::varchar[]) = 0 or list_contains(?, c.name)) order by c.name, u.number",
        [job_id, list(names), list(names)],
    )
    return [_column(row) for row in rows]


def _column(row: Row) -> Row:
    """A column's statistics with the edges of its bins: `histogram` is a list of [low, high, rows], `names` of [name,
    rows]."""
    there = row["rows"] - row["nulls"]
    edges = [(lower_edge(b, SHIFT_COARSE), lower_edge(b + 1, SHIFT_COARSE)) for b in row["bins"]]
    return {k: v for k, v in row.items() if k not in ("bins", "bin_counts", "name_counts")} | {
        "mean": row["total"] / there if there and row["kind"] != "name" else None,
        "histogram": [[*edge, n] for edge, n in zip(edges, row["bin_counts"], strict=True)],
        "names": [[name, n] for name, n in zip(row["names"], row["name_counts"], strict=True)],
    }


def became(catalog: Catalog, job_id: str) -> tuple[dict[str, int], dict[str, int]] | None:
    """(documents, bytes of text) of a job by what became of them, as pipeline.totals.funnel.funnel_of takes them; None while the
    job has no mix table, or where it is of a version that did not measure bytes."""
    rows = catalog.rows(
        "select b.counts, b.text_bytes from base.job_tables u join base.tables b using (table_id) "
        "where u.job = ? and u.stage = 'mix' order by u.number",
        [job_id],
    )
    text_bytes = json.loads(rows[0]["text_bytes"]) if rows else {}
    return (json.loads(rows[0]["counts"]), text_bytes) if text_bytes else None
