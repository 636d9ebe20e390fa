"""The columns of Winnow's own tables, each with unit and meaning; said once: here, or in the `schema` of the folder of
`pipeline.dedup` that alone needs them."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column of one of our tables."""

    name: str
    type: pa.DataType
    unit: str
    meaning: str
    nullable: bool = True
    """False: a quarter less work to write, because no page says which values are there."""


PROVENANCE = ("url", "date", "dump", "source", "license")
"""Kept as strings in the text table where the input has them. Other columns stay with the text, as they are; the
input's `language` among them, because that name belongs to what is measured."""

TEXT_COLUMN = TableColumn("text", pa.large_string(), "text", "the document; only where the input had to be converted")
METADATA_COLUMN = TableColumn("metadata", pa.string(), "JSON", "every other field of a JSONL line, as it was")

OUTPUT_COLUMNS = ("text", "id", "file_path", "language", "language_score", *PROVENANCE)
"""Columns of an export that Winnow fills itself."""

TEXT_TABLE = (
    TableColumn(
        "doc_id", pa.string(), "id", "the input's own id, or <file hash>-<row> where it has none; stable across runs"
    ),
    TableColumn("quarantine", pa.string(), "reason", "why the row could not be taken in; null for a document"),
    TableColumn("quarantine_detail", pa.string(), "text", "what was found, for people"),
    TableColumn("text_bytes", pa.int64(), "bytes", "UTF-8 bytes of the text; null where quarantined"),
    TableColumn("file_path", pa.string(), "path", "the input file, relative to what was given"),
    TableColumn(
        "file_row", pa.int64(), "position", "row of a Parquet file, byte offset of a JSONL line, 0 of a text file"
    ),
    *(TableColumn(name, pa.string(), "text", f"the input's {name}; null where it has none") for name in PROVENANCE),
)

VERDICT_FAILED = pa.list_(pa.struct([("rule", pa.string()), ("value", pa.string()), ("bound", pa.string())]))

VERDICT_TABLE = (
    TableColumn("doc_id", pa.string(), "id", "the document"),
    TableColumn("kept", pa.bool_(), "flag", "met every rule; false for quarantined rows"),
    TableColumn(
        "failed", VERDICT_FAILED, "list", "every rule it failed, with the value and the bound, in recipe order"
    ),
)

HISTOGRAM_TABLE = (
    TableColumn("bucket", pa.string(), "name", "the recipe's bucket that these counts are for"),
    TableColumn("group", pa.string(), "name", "value of the bucket's `by`; empty where it has none"),
    TableColumn("bin", pa.int64(), "bin", "leading 20 bits of the value as a float (see pipeline/totals/bins.py)"),
    TableColumn("documents", pa.int64(), "documents", "documents of this shard in this bin"),
)

STATISTICS_TABLE = (
    TableColumn("shard", pa.int32(), "index", "position of the shard in the text manifest; null: the whole table"),
    TableColumn(
        "shards", pa.int32(), "shards", "how many are in this row: 1, or those of the table that have statistics"
    ),
    TableColumn("name", pa.string(), "name", "the column of the notes, such as gopher.word_count"),
    TableColumn("kind", pa.string(), "name", "'number', 'flag' (true is 1) or 'name' (a string)"),
    TableColumn("rows", pa.int64(), "rows", "rows, nulls among them"),
    TableColumn("nulls", pa.int64(), "rows", "rows without a value; quarantined ones among them"),
    TableColumn("min", pa.float64(), "as measured", "least value; null where there is none, and for names"),
    TableColumn("max", pa.float64(), "as measured", "largest value; likewise"),
    TableColumn("total", pa.float64(), "as measured", "sum of the values"),
    TableColumn(
        "bins", pa.list_(pa.int16()), "bin", "leading 12 bits of the values as floats (see pipeline/totals/bins.py)"
    ),
    TableColumn("bin_counts", pa.list_(pa.int64()), "rows", "values in each bin"),
    TableColumn("names", pa.list_(pa.string()), "name", "the most frequent strings"),
    TableColumn("name_counts", pa.list_(pa.int64()), "rows", "rows with each; exact where `others` is 0"),
    TableColumn("others", pa.int64(), "rows", "rows with other strings"),
)

COMMON_TABLE = (
    TableColumn("ngram", pa.int32(), "number", "an n-gram of the evaluation sets, by its number in the index"),
    TableColumn("documents", pa.int64(), "documents", "documents of this shard that have it"),
)

DEDUP_TABLE = (
    TableColumn("shard", pa.int32(), "index", "position of the document's shard in the text manifest"),
    TableColumn("row", pa.int64(), "row", "row in that shard"),
    TableColumn("doc_id", pa.string(), "id", "the document"),
    TableColumn("cluster", pa.string(), "id", "the keeper's doc_id: names the cluster"),
    TableColumn("cluster_size", pa.int64(), "documents", "members of the cluster, keeper included"),
    TableColumn("keep", pa.bool_(), "flag", "the keeper of its cluster"),
    TableColumn("duplicate_of", pa.string(), "id", "the keeper this document is removed for; null for the keeper"),
    TableColumn(
        "jaccard",
        pa.float64(),
        "fraction",
        "exact Jaccard of its shingles with the keeper's; 1 for exact copies; null for 'url'",
    ),
    TableColumn("method", pa.string(), "name", "'url', 'exact', 'fuzzy' or 'reference'; null for the keeper"),
    TableColumn(
        "reference", pa.string(), "name", "the reference set that the keeper is of; null where it is of this corpus"
    ),
)

TOMBSTONES_TABLE = (
    TableColumn("row", pa.int64(), "row", "row in the shard of a document that was taken down"),
    TableColumn("takedown", pa.string(), "id", "the takedown that names it"),
    TableColumn("why", pa.string(), "text", "the reason that was given"),
)

MIX_TABLE = (
    TableColumn("doc_id", pa.string(), "id", "the document"),
    TableColumn("copies", pa.int32(), "copies", "how often the document goes into the corpus; 0 where it was left out"),
    TableColumn(
        "stage",
        pa.string(),
        "name",
        "what left it out: 'quarantine', 'takedown', 'judge' or 'dedup'; null where it is kept",
    ),
    TableColumn(
        "reason",
        pa.string(),
        "name",
        "the quarantine reason, 'takedown', the first failed rule, 'url', 'exact', 'fuzzy', 'reference', 'lines' or 'substrings'",
    ),
)

REMOVED_TABLE = (
    TableColumn("id", pa.string(), "id", "the removed document"),
    TableColumn("stage", pa.string(), "name", "'takedown', 'judge' or 'dedup'"),
    TableColumn(
        "rule",
        pa.string(),
        "name",
        "the first failed rule, or 'takedown', 'url', 'exact', 'fuzzy', 'reference', 'lines' or 'substrings'",
    ),
    TableColumn(
        "value", pa.string(), "as measured", "the measured value; the Jaccard for a duplicate; the takedown's id"
    ),
    TableColumn("threshold", pa.string(), "bound", "the bound it failed, such as 'min 50'; the takedown's reason"),
    TableColumn("keeper", pa.string(), "id", "the document it is a duplicate of"),
    TableColumn("rules", VERDICT_FAILED, "list", "every rule it failed"),
    TableColumn("cluster_size", pa.int64(), "documents", "size of its duplicate cluster"),
    TableColumn("url", pa.string(), "text", "the input's url; null where taken down"),
    TableColumn("source", pa.string(), "text", "the input's source"),
    TableColumn("file_path", pa.string(), "path", "the input file"),
    TableColumn("text_bytes", pa.int64(), "bytes", "UTF-8 bytes of the text"),
)

QUARANTINE_TABLE = (
    TableColumn("id", pa.string(), "id", "the row's id, made from its place where it has none"),
    TableColumn("reason", pa.string(), "reason", "why it could not be taken in"),
    TableColumn("detail", pa.string(), "text", "what was found"),
    TableColumn("file_path", pa.string(), "path", "the input file"),
    TableColumn("file_row", pa.int64(), "position", "row or byte offset in it"),
)


def arrow_schema(columns: tuple[TableColumn, ...]) -> pa.Schema:
    """The Arrow schema; unit and meaning ride along as field metadata."""
    return pa.schema([pa.field(c.name, c.type, c.nullable, {"unit": c.unit, "meaning": c.meaning}) for c in columns])
