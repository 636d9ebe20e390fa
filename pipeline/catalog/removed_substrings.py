"""The passages that substring deduplication took out of documents, as sentences on one document."""

from __future__ import annotations

from typing import Any

import duckdb

from pipeline.catalog.removed_cuts import document_bytes
from pipeline.sql.engine import rows_as_dicts
from pipeline.storage.manifest import Manifest
from pipeline.storage.store import Store

PASSAGES_TOLD = 10
PASSAGE_CHARS = 80


def removed_substrings(
    connection: duckdb.DuckDBPyConnection, store: Store, text: Manifest, shard: int, row: int
) -> list[dict[str, Any]]:
    """What went of one document: start_byte, end_byte, empties, other (another place where the passage's beginning lies: its
    document's id, shard and row) and text (null where the input can no longer be read)."""
    found = rows_as_dicts(
        connection,
        """
        select p.start_byte, p.end_byte, p.empties, {'doc_id': t.doc_id, 'shard': p.other_shard, 'row': p.other_row} as other
        from removed_substrings p left join text_rows t on t.shard = p.other_shard and t.row = p.other_row
        where p.shard = ? and p.row = ? order by p.start_byte
        """,
        [shard, row],
    )
    document = document_bytes(store, text.shards[shard], row) if found else None
    for passage in found:
        taken = document and document[passage["start_byte"] : passage["end_byte"]]
        passage["text"] = None if taken is None else taken.decode("utf-8", "replace")
    return found


def substring_sentences(passages: list[dict[str, Any]]) -> list[str]:
    """The same for people, the first few of them."""
    said = []
    if passages:
        what = "nothing is left of it" if passages[0]["empties"] else "the rest stays"
        said.append(f"{len(passages)} repeated passages taken out; {what}")
    for passage in passages[:PASSAGES_TOLD]:
        other = passage["other"]
        where = f"also in {other['doc_id']} (shard {other['shard']}, row {other['row']})"
        text = "" if passage["text"] is None else f" {passage['text'][:PASSAGE_CHARS]!r}"
        size = passage["end_byte"] - passage["start_byte"]
        said.append(
            f"  bytes {passage['start_byte']} to {passage['end_byte']} ({size:,}):{text} (its beginning {where})"
        )
    if len(passages) > PASSAGES_TOLD:
        said.append(f"  and {len(passages) - PASSAGES_TOLD} more: select * from removed_substrings")
    return said
