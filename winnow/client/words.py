"""Rows from elsewhere, made fit for a page."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

ROWS_SHOWN = 50
CELL_CHARS = 300


def html_table(rows: Sequence[Mapping[str, Any]], caption: str = "", total: int | None = None) -> str:
    """Rows as an HTML table, every cell escaped. total: how many there are, if more than are given."""
    shown = rows[:ROWS_SHOWN]
    names = list(dict.fromkeys(name for row in shown for name in row))
    head = "".join(f"<th>{_cell(name)}</th>" for name in names)
    body = "".join("<tr>" + "".join(f"<td>{_cell(row.get(name))}</td>" for name in names) + "</tr>" for row in shown)
    left = (len(rows) if total is None else total) - len(shown)
    more = f"<p>{left:,} more rows</p>" if left > 0 else ""
    title = f"<caption>{_cell(caption)}</caption>" if caption else ""
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, int):
        text = f"{value:,}"
    elif isinstance(value, float):
        text = f"{value:,.4g}"
    else:
        text = str(value)
    return html.escape(text if len(text) <= CELL_CHARS else text[:CELL_CHARS] + "…")
