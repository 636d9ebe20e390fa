"""The tables by which repeated passages are found and cut, column by column."""

from __future__ import annotations

import pyarrow as pa

from pipeline.schema import TableColumn

_RUN_COLUMNS = (
    TableColumn("anchor", pa.uint64(), "hash", "of the piece by which a run's windows are found"),
    TableColumn("context", pa.uint64(), "hash", "of all that the run's windows hold"),
)
_FIRST_AND_LAST = tuple(
    TableColumn(f"{which}_{name}", type_, unit, f"where it lies {which}: {meaning}")
    for which in ("first", "last")
    for name, type_, unit, meaning in (
        ("shard", pa.int32(), "index", "the shard"),
        ("row", pa.int32(), "row", "the document's row in it"),
        ("start", pa.int64(), "elements", "the byte or token of the document"),
    )
)

SUBSTRINGS_TABLE = (
    TableColumn("row", pa.int32(), "row", "the document's row in the shard"),
    TableColumn("start", pa.int64(), "elements", "the byte or token at which the run's first window begins"),
    TableColumn("windows", pa.int32(), "windows", "windows of the run, each one element further on"),
    *_RUN_COLUMNS,
    TableColumn("repeats", pa.int64(), "runs", "how often the same run follows again: periodic text"),
    TableColumn("step", pa.int32(), "elements", "how far apart these lie"),
)

SUBSTRING_KEYS_TABLE = (
    *_RUN_COLUMNS,
    TableColumn("windows", pa.int32(), "windows", "windows of the run"),
    *(c for c in _FIRST_AND_LAST if not c.name.endswith("_shard")),
)

SUBSTRING_GROUPS_TABLE = (
    TableColumn("shard", pa.int32(), "index", "a shard that has the run"),
    *_RUN_COLUMNS,
    TableColumn("windows", pa.int32(), "windows", "windows of the run"),
    TableColumn("number", pa.int32(), "number", "of the run among those of its range of anchors"),
    TableColumn(
        "mixed", pa.bool_(), "flag", "other runs have the same anchor, so that windows are compared one by one"
    ),
    TableColumn("source", pa.bool_(), "flag", "the mixed run's context is read in this shard"),
    *_FIRST_AND_LAST,
)

SUBSTRING_CONTEXTS_TABLE = (
    TableColumn("anchor", pa.uint64(), "hash", "the run's anchor"),
    TableColumn("number", pa.int32(), "number", "the run, as in substring_groups"),
    TableColumn("context", pa.binary(), "bytes", "all that its windows hold: bytes, or 64-bit hashes of tokens"),
)

SUBSTRING_MATCHES_TABLE = (
    TableColumn("shard", pa.int32(), "index", "a shard that has the run"),
    *_RUN_COLUMNS,
    TableColumn("begin", pa.int32(), "windows", "the first of the run's windows that lie elsewhere, too"),
    TableColumn("end", pa.int32(), "windows", "the window after the last of them"),
    *_FIRST_AND_LAST,
)

SUBSTRING_CUTS_TABLE = (
    TableColumn("row", pa.int64(), "row", "the document's row in the shard"),
    TableColumn("start_byte", pa.int64(), "bytes", "first byte that goes, in the document"),
    TableColumn("end_byte", pa.int64(), "bytes", "end of what goes"),
    TableColumn("other_shard", pa.int32(), "index", "shard of another place where the passage's beginning lies"),
    TableColumn("other_row", pa.int64(), "row", "row of that place"),
    TableColumn("empties", pa.bool_(), "flag", "nothing but whitespace is left of the document"),
)
