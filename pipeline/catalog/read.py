"""What the service asks the catalog for: pages of jobs and shards, the stages of a job, one shard, columns of a job.

Pages go on after a key, never at an offset: a page costs the same wherever it lies, and rows that come meanwhile neither
repeat nor hide others.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from pipeline.catalog.database import Catalog
from pipeline.errors import JobMissing

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
    rows = catalog.rows(
        f"from jobs where {' and '.join(where)} order by created_at {way}, id {way} limit {size + 1}", parameters
    )
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
    rows = catalog.rows("from jobs where id = ?", [job_id])
    if not rows:
        raise JobMissing(f"no job {job_id!r}")
    return _job(rows[0])


def _job(row: Row) -> Row:
    """As pipeline.control.state.job_state tells it, and what the tables of the job add to it."""
    read = {name: json.loads(row[name]) if row[name] else None for name in ("funnel", "tables", "scorers")}
    return {k: v for k, v in row.items() if k not in ("at", "error")} | read | {"labels": dict(row["labels"] or [])}


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
        rows = catalog.rows(
            "select s.* from shards s where table_id = ? and number > ? order by number limit ?",
            [table["table_id"], beyond, size + 1 - len(items)],
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
    return {k: v for k, v in row.items() if k != "table_id"} | {"counts": json.loads(row["counts"])}
