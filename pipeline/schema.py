"""The columns of Winnow's own tables, each with unit and meaning; said once, here."""

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


PROVENANCE = ("url", "date", "dump", "source", "license")
"""Kept as strings in the text table where the input has them. Other columns stay with the text, as they are; the
input's `language` among them, because that name belongs to what is measured."""

TEXT_COLUMN = TableColumn("text", pa.large_string(), "text", "the document; only where the input had to be converted")
METADATA_COLUMN = TableColumn("metadata", pa.string(), "JSON", "every other field of a JSONL line, as it was")

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

BANDS_TABLE = (
    TableColumn("key", pa.uint64(), "hash", "a bucket: the minima of one band, with the band's number; ascending"),
    TableColumn(
        "text",
        pa.uint64(),
        "rank",
        "names the normalised text: 24 bits of its size, long ones first, and 40 of its hash",
    ),
    TableColumn("near", pa.uint32(), "hash", "upper 16 bits of the document's keys in each of the next two bands"),
    TableColumn("row", pa.int32(), "row", "the document's row in the shard"),
)

CANDIDATES_TABLE = (
    TableColumn("document", pa.int64(), "row", "global row of a document; ascending"),
    TableColumn("other", pa.int64(), "row", "global row of one it may be like; each pair stands here from both sides"),
)

SHINGLES_TABLE = (
    TableColumn("unit", pa.int32(), "index", "the unit of `pairs` that needs the set"),
    TableColumn("row", pa.int32(), "row", "the document's row in the shard"),
    TableColumn("shingles", pa.large_list(pa.uint64()), "hashes", "its distinct shingles, ascending"),
)

PAIRS_TABLE = (
    TableColumn("a", pa.int64(), "row", "global row of one document; ascending"),
    TableColumn("b", pa.int64(), "row", "global row of the other; a < b"),
    TableColumn("jaccard", pa.float64(), "fraction", "exact Jaccard of their shingle sets"),
)

BANDING_TABLE = (
    TableColumn("bands", pa.int32(), "bands", "bands of a signature"),
    TableColumn("rows", pa.int32(), "minima", "minima in each"),
    TableColumn("recall", pa.float64(), "fraction", "match probability of a pair exactly at the threshold"),
    TableColumn("false_per_doc", pa.float64(), "pairs", "forecast: candidate pairs below the threshold a document"),
    TableColumn("similar_per_doc", pa.float64(), "pairs", "forecast: candidate pairs at or above it a document"),
    TableColumn("chosen", pa.bool_(), "flag", "the recipe's budget and recall led to this one"),
)

S_CURVE_TABLE = (
    TableColumn("jaccard_low", pa.float64(), "fraction", "lower end of a bin of exact Jaccard similarities, inclusive"),
    TableColumn("jaccard_high", pa.float64(), "fraction", "upper end; inclusive in the last bin"),
    TableColumn("pairs", pa.int64(), "pairs", "candidate pairs that were found in the bin"),
    TableColumn("pairs_verified", pa.int64(), "pairs", "of these, at or above the threshold"),
    TableColumn(
        "expected_frac", pa.float64(), "fraction", "share of such pairs that the bands should find; null: none"
    ),
    TableColumn("sampled", pa.int64(), "pairs", "found pairs whose signatures were compared band by band"),
    TableColumn(
        "measured_frac",
        pa.float64(),
        "fraction",
        "share found, from how often each band agrees on pairs that others found",
    ),
    TableColumn(
        "missed", pa.float64(), "pairs", "unbiased estimate of pairs that no band found: sum of 1/p - 1 over pairs"
    ),
    TableColumn("missed_error", pa.float64(), "pairs", "standard error of that estimate"),
)

GUARDS_TABLE = (
    TableColumn("guard", pa.string(), "name", "the key of dedup.guard"),
    TableColumn("name", pa.string(), "name", "the source or cluster it is about; null: the whole corpus"),
    TableColumn(
        "documents", pa.int64(), "documents", "what the share is of: kept by rules; near-duplicates for max_edge_frac"
    ),
    TableColumn(
        "removed", pa.int64(), "documents", "removed of these; the size of a cluster; those at the threshold's edge"
    ),
    TableColumn("value", pa.float64(), "as the key", "what is held against the budget"),
    TableColumn("budget", pa.float64(), "as the key", "the recipe's; null: none was given"),
    TableColumn("broken", pa.bool_(), "flag", "the budget is exceeded: the job is held"),
)

DIGESTS_TABLE = (
    TableColumn("high", pa.uint64(), "hash", "upper half of what equal documents share; ascending"),
    TableColumn("low", pa.uint64(), "hash", "its lower half"),
    TableColumn("label", pa.uint64(), "hash", "64 bits of the raw text's hash"),
    TableColumn("row", pa.int32(), "row", "the document's row in the shard"),
)

EQUALS_TABLE = (
    TableColumn("row", pa.int64(), "row", "global row of a document that equals an earlier one"),
    TableColumn("first", pa.int64(), "row", "global row of the first that is equal"),
    TableColumn("same", pa.int64(), "row", "global row of the first that is equal and has the same raw text"),
)

LINES_TABLE = (
    TableColumn("row", pa.int32(), "row", "the document's row in the shard"),
    TableColumn("start", pa.int64(), "bytes", "first byte of the line in the document"),
    TableColumn("size", pa.int32(), "bytes", "its length with the line break behind it"),
    TableColumn("hash", pa.uint64(), "hash", "64-bit hash of the line as the recipe normalises it; 0: takes no part"),
    TableColumn("flags", pa.uint8(), "bits", "1: blank; 2: the document ends with it, without a line break"),
)

LINE_KEYS_TABLE = (
    TableColumn("hash", pa.uint64(), "hash", "a line of the shard's documents; ascending"),
    TableColumn("count", pa.int64(), "lines", "how often the shard has it (or in how many documents)"),
    TableColumn("first_row", pa.int32(), "row", "the first document that has it"),
)

LINE_COUNTS_TABLE = (
    TableColumn("shard", pa.int32(), "index", "a shard that has the line"),
    TableColumn("hash", pa.uint64(), "hash", "the line"),
    TableColumn("stays", pa.int64(), "lines", "how many of the shard's occurrences stay: its first ones"),
    TableColumn("count", pa.int64(), "lines", "how often the corpus has it; 0 where a lossy filter decided"),
    TableColumn("first_shard", pa.int32(), "index", "shard of its first occurrence; -1 where a lossy filter decided"),
    TableColumn("first_row", pa.int32(), "row", "row of its first occurrence in that shard"),
)

LINE_FILTER_TABLE = (TableColumn("word", pa.uint64(), "bits", "64 bits of a Bloom filter of lines that may repeat"),)

LINE_CUTS_TABLE = (
    TableColumn("row", pa.int64(), "row", "the document's row in the shard"),
    TableColumn("start_byte", pa.int64(), "bytes", "first byte that goes, in the document"),
    TableColumn("end_byte", pa.int64(), "bytes", "end of what goes"),
    TableColumn(
        "occurrences", pa.int64(), "lines", "how often the corpus has the line; 0 where a lossy filter decided"
    ),
    TableColumn("first_shard", pa.int32(), "index", "shard of its first occurrence; -1 where that is not known"),
    TableColumn("first_row", pa.int64(), "row", "row of its first occurrence in that shard"),
    TableColumn("empties", pa.bool_(), "flag", "nothing but whitespace is left of the document without its lines"),
)

SUBSTRING_CUTS_TABLE = (
    TableColumn("row", pa.int64(), "row", "the document's row in the shard"),
    TableColumn("start_byte", pa.int64(), "bytes", "first byte that goes, in the document"),
    TableColumn("end_byte", pa.int64(), "bytes", "end of what goes"),
    TableColumn("other_shard", pa.int32(), "index", "shard of another place where the passage's beginning lies"),
    TableColumn("other_row", pa.int64(), "row", "row of that place"),
    TableColumn("empties", pa.bool_(), "flag", "nothing but whitespace is left of the document"),
)

TABLES = {
    "text": (*TEXT_TABLE, METADATA_COLUMN, TEXT_COLUMN),
    "verdict": VERDICT_TABLE,
    "cuts": HISTOGRAM_TABLE,
    "statistics": STATISTICS_TABLE,
    "common": COMMON_TABLE,
    "dedup": DEDUP_TABLE,
    "mix": MIX_TABLE,
    "removed": REMOVED_TABLE,
    "quarantine": QUARANTINE_TABLE,
    "digests": DIGESTS_TABLE,
    "equals": EQUALS_TABLE,
    "bands": BANDS_TABLE,
    "candidates": CANDIDATES_TABLE,
    "pairs": PAIRS_TABLE,
    "banding": BANDING_TABLE,
    "s_curve": S_CURVE_TABLE,
    "guards": GUARDS_TABLE,
    "removed_lines": (TableColumn("shard", pa.int32(), "index", "the document's shard"), *LINE_CUTS_TABLE),
    "removed_substrings": (TableColumn("shard", pa.int32(), "index", "the document's shard"), *SUBSTRING_CUTS_TABLE),
}


def arrow_schema(columns: tuple[TableColumn, ...]) -> pa.Schema:
    """The Arrow schema; unit and meaning ride along as field metadata."""
    return pa.schema([pa.field(c.name, c.type, metadata={"unit": c.unit, "meaning": c.meaning}) for c in columns])
