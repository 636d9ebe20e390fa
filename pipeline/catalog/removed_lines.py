"""The lines that line deduplication took out of documents: as a view, and as sentences on one document."""

from __future__ import annotations

import dataclasses
from typing import Any

import duckdb
import pyarrow as pa

from pipeline.errors import WinnowError
from pipeline.rules import quoted
from pipeline.schema import TABLES, arrow_schema
from pipeline.sql.engine import rows_as_dicts
from pipeline.storage.manifest import Manifest
from pipeline.storage.parquet import open_parquet
from pipeline.storage.shard import Shard, Slice, read_source
from pipeline.storage.store import Store

LINES_TOLD = 10
LINE_CHARS = 80


def view_removed_lines(connection: duckdb.DuckDBPyConnection, store: Store, cuts: Manifest | None) -> None:
    """The view `removed_lines` over a table `line_cuts`; empty without one."""
    if cuts is None:
        connection.register("nothing", arrow_schema(TABLES["removed_lines"]).empty_table())
        connection.execute("create table removed_lines as select * from nothing")
        connection.unregister("nothing")
        return
    paths = [store.full(p.path) for p in cuts.parts]
    shards = pa.table({"path": pa.array(paths, pa.string()), "shard": pa.array(range(len(paths)), pa.int32())})
    connection.register("mapping", shards)
    connection.execute("create table removed_lines_parts as select * from mapping")
    connection.unregister("mapping")
    files = ", ".join(quoted(p) for p in dict.fromkeys(paths))
    connection.execute(
        f"create view removed_lines as select m.shard, p.* exclude (filename) from read_parquet([{files}], filename=true) p "
        "join removed_lines_parts m on p.filename = m.path"
    )


def removed_lines(
    connection: duckdb.DuckDBPyConnection, store: Store, text: Manifest, shard: int, row: int
) -> list[dict[str, Any]]:
    """What went of one document: start_byte, end_byte, occurrences, empties, first (its document's id, shard and row; null
    where that is not known) and text (null where the input can no longer be read)."""
    found = rows_as_dicts(
        connection,
        """
        select l.start_byte, l.end_byte, l.occurrences, l.empties,
               case when l.first_shard >= 0
                    then {'doc_id': t.doc_id, 'shard': l.first_shard, 'row': l.first_row} end as first
        from removed_lines l left join text_rows t on t.shard = l.first_shard and t.row = l.first_row
        where l.shard = ? and l.row = ? order by l.start_byte
        """,
        [shard, row],
    )
    document = _document(store, text.shards[shard], row) if found else None
    for line in found:
        line["text"] = document and document[line["start_byte"] : line["end_byte"]].decode("utf-8", "replace").strip(
            "\r\n"
        )
    return found


def line_sentences(lines: list[dict[str, Any]]) -> list[str]:
    """The same for people, the first few of them."""
    said = []
    if lines:
        what = "nothing is left of it" if lines[0]["empties"] else "the rest stays"
        said.append(f"{len(lines)} repeated lines taken out; {what}")
    for line in lines[:LINES_TOLD]:
        first = line["first"]
        where = f", first in {first['doc_id']} (shard {first['shard']}, row {first['row']})" if first else ""
        often = f"{line['occurrences']} times in the corpus" if line["occurrences"] else "known to the lossy filter"
        text = "" if line["text"] is None else f" {line['text'][:LINE_CHARS]!r}"
        said.append(f"  bytes {line['start_byte']} to {line['end_byte']}:{text} ({often}{where})")
    if len(lines) > LINES_TOLD:
        said.append(f"  and {len(lines) - LINES_TOLD} more: select * from removed_lines")
    return said


def _document(store: Store, shard: Shard, row: int) -> bytes | None:
    """The document's bytes; None where the input moved or changed: what was decided must not need it."""
    try:
        return _read(store, shard, row)
    except (WinnowError, OSError):
        return None


def _read(store: Store, shard: Shard, row: int) -> bytes | None:
    metadata = open_parquet(store.full(shard.text.path)).metadata
    for group in shard.text.groups:
        rows = metadata.row_group(group).num_rows
        if row < rows:
            one = dataclasses.replace(shard, text=Slice(shard.text.path, group, group + 1), rows=rows)
            for batch in read_source(store, one, [shard.column]):
                if row < batch.num_rows:
                    value = batch.column(0)[row].as_py()
                    return value.encode() if isinstance(value, str) else value
                row -= batch.num_rows
        row -= rows
    return None
