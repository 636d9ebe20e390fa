"""The lines that line deduplication took out of documents, as sentences on one document."""

from __future__ import annotations

from typing import Any

import duckdb

from pipeline.catalog.removed_cuts import document_bytes
from pipeline.sql.engine import rows_as_dicts
from pipeline.storage.manifest import Manifest
from pipeline.storage.store import Store

LINES_TOLD = 10
LINE_CHARS = 80


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
    document = document_bytes(store, text.shards[shard], row) if found else None
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
