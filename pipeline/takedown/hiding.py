"""What is taken down, hidden from questions about jobs of any age: jobs that ended before do not know of it themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import pyarrow as pa

from pipeline.takedown.tombstones import Tombstones

TAKEN = "(coalesce(doc_id in (from taken_ids), false) or coalesce(source in (from taken_sources), false))"
SHOWN = frozenset({"shard", "row", "doc_id", "quarantine", "text_bytes", "file_path", "file_row", "source"})
"""What is still said of a document: which it is, where it lies in the input, how large it is."""
STAGE = REASON = "takedown"
SAID = {
    "mix_rows": {"copies": "0", "stage": f"'{STAGE}'", "reason": f"'{REASON}'"},
    "verdict_rows": {"kept": "false", "failed": "[]"},
}
"""Views that go on saying of every row what has become of it, with what they say of a row that is taken down."""
MEASURED = frozenset({"duplicates", "removed_lines", "removed_substrings"})
"""Views whose rows of what is taken down go, as those of every notes_rows_<n> do."""


def hide_in_views(connection: duckdb.DuckDBPyConnection, tombstones: Tombstones) -> None:
    """Put views of the same names over those that tell of single documents: without measurements and address of what is
    taken down, and with what has become of it. Nothing happens where there is none."""
    if not tombstones.takedowns:
        return
    for name, values in (("taken_ids", tombstones.all_ids), ("taken_sources", tombstones.all_sources)):
        connection.register("given", pa.table({"name": values}))
        connection.execute(f"create table {name} as select name from given")
        connection.unregister("given")
    views = [
        name for (name,) in connection.execute("select view_name from duckdb_views() where not internal").fetchall()
    ]
    hidden = [n for n in views if n == "text_rows" or n in SAID or n in MEASURED or n.startswith("notes_rows_")]
    for name in hidden:
        connection.execute(f"alter view {name} rename to {name}_all")
    connection.execute(
        f"create view taken_rows as select shard, row from text_rows_all where quarantine is null and {TAKEN}"
    )
    for name in hidden:
        columns = [c for (c, *_) in connection.execute(f"describe {name}_all").fetchall()]
        connection.execute(f"create view {name} as {_select(name, columns)}")


def _select(name: str, columns: Sequence[str]) -> str:
    if name in MEASURED or name.startswith("notes_rows_"):
        return f"select * from {name}_all anti join taken_rows using (shard, row)"
    if name == "text_rows":
        taken = f"quarantine is null and {TAKEN}"
        nulls = ", ".join(f'case when {taken} then null else "{c}" end as "{c}"' for c in columns if c not in SHOWN)
        return f"select * replace ({nulls}) from text_rows_all"
    said = dict.fromkeys((c for c in columns if c not in SHOWN), "null") | SAID[name]
    gone = "t.row is not null" + (" and m.stage is distinct from 'quarantine'" if name == "mix_rows" else "")
    told = ", ".join(f'case when {gone} then {put} else m."{c}" end as "{c}"' for c, put in said.items())
    return (
        f"select m.* replace ({told}) from {name}_all m left join taken_rows t on m.shard = t.shard and m.row = t.row"
    )


def hide_in_rows(rows: Sequence[dict[str, Any]], tombstones: Tombstones) -> list[dict[str, Any]]:
    """Rows of several tables side by side, as `rows_at` gives them, without what is not said of documents that are taken
    down."""
    return [_hidden(row) if _is_taken(row, tombstones) else row for row in rows]


def _is_taken(row: dict[str, Any], tombstones: Tombstones) -> bool:
    return row.get("quarantine") is None and tombstones.which(row.get("doc_id"), row.get("source")) is not None


def _hidden(row: dict[str, Any]) -> dict[str, Any]:
    said = {name: value for name, value in row.items() if name in SHOWN}
    return {**said, "copies": 0, "stage": STAGE, "reason": REASON, "failed": []}
