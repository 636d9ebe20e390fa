"""The ledger of truth: one row for everything that was planted."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

SCHEMA = pa.schema(
    [
        ("doc_id", pa.string()),
        ("kind", pa.string()),  # kinds.KINDS but plain
        ("change", pa.string()),  # which way of it
        ("of", pa.string()),  # the document copied, or the evaluation item
        ("benchmark", pa.string()),
        ("jaccard", pa.float64()),  # exact, of exact_jaccard's shingles, between this document and `of`
        ("planted", pa.string()),  # the words put in
        ("start_byte", pa.int64()),  # where they lie in the document's UTF-8 text
        ("end_byte", pa.int64()),
    ]
)
Row = dict[str, Any]


def row(doc_id: str, kind: str, change: str, **more: Any) -> Row:
    """One row; what is not given is null."""
    return {**dict.fromkeys(SCHEMA.names), "doc_id": doc_id, "kind": kind, "change": change, **more}
