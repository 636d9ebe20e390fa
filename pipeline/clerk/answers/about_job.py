"""report, schema: a job as a page, and what can be asked about it in SQL."""

from __future__ import annotations

from typing import Any

import duckdb

from pipeline.catalog.views import VIEWS, view_logs
from pipeline.clerk.desk import Desk
from pipeline.report.page import render_report
from pipeline.schema import DEDUP_TABLE, MIX_TABLE, TEXT_TABLE, VERDICT_TABLE
from pipeline.sql.engine import connect, rows_as_dicts

OWN = {"documents": (*TEXT_TABLE, *MIX_TABLE), "verdicts": VERDICT_TABLE, "duplicates": DEDUP_TABLE}
PLACE = {"shard": "position of the document's shard in the text table", "row": "row in that shard"}


def report(desk: Desk, *, job: str) -> dict[str, Any]:
    """The page of `winnow report`: one self-contained HTML text."""
    opened = desk.job(job)
    _ = opened.decided  # or it is not ready yet
    return {"html": render_report(desk.store, opened.job.id)}


def schema(desk: Desk, *, job: str | None = None) -> dict[str, Any]:
    """The views of docs/sql.md with their columns: of a job, those of its scorers among them (as scorer.column)."""
    connection: duckdb.DuckDBPyConnection | None = None
    measured: list[dict[str, Any]] = []
    if job is not None:
        opened = desk.job(job)
        connection = opened.catalog
        measured = [
            {"name": f"{alias}.{c['name']}", "type": c["type"], "unit": c["unit"], "meaning": c["meaning"]}
            for alias, told in opened.scorers().items() for c in told["columns"]
        ]  # fmt: skip
    logs = connect(1)
    view_logs(logs, (), ())
    views = []
    for view, meaning in VIEWS.items():
        columns = _columns(connection, view) or _columns(logs, view) or _declared(view)
        views.append({"view": view, "meaning": meaning, "columns": columns + (measured if view == "documents" else [])})
    return {"job": job, "views": views}


def _columns(connection: duckdb.DuckDBPyConnection | None, view: str) -> list[dict[str, Any]]:
    """As the engine has them; none where it has no such view."""
    if connection is None or view not in VIEWS:
        return []
    try:
        found = rows_as_dicts(connection, f"select column_name, column_type from (describe {view})")
    except duckdb.CatalogException:
        return []
    told = {c.name: c for c in OWN.get(view, ())}
    return [
        {"name": c["column_name"], "type": c["column_type"],
         "unit": told[c["column_name"]].unit if c["column_name"] in told else None,
         "meaning": told[c["column_name"]].meaning if c["column_name"] in told else PLACE.get(c["column_name"])}
        for c in found
    ]  # fmt: skip


def _declared(view: str) -> list[dict[str, Any]]:
    return [{"name": c.name, "type": str(c.type), "unit": c.unit, "meaning": c.meaning} for c in OWN.get(view, ())]
