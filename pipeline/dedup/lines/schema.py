"""The tables by which repeated lines are found and cut, column by column."""

from __future__ import annotations

import pyarrow as pa

from pipeline.schema import TableColumn

LINES_TABLE = (
    TableColumn("row", pa.int32(), "row", "the document's row in the shard"),
    TableColumn("start", pa.int64(), "bytes", "first byte of the line in the document"),
    TableColumn("size", pa.int32(), "bytes", "its length with the line break behind it"),
    TableColumn("hash", pa.uint64(), "hash", "64-bit hash of the line as the recipe normalises it; 0: takes no part"),
    TableColumn("flags", pa.uint8(), "bits", "1: blank; 2: the document ends with it, without a line break"),
)

LINE_FILTER_TABLE = (TableColumn("word", pa.uint64(), "bits", "64 bits of a Bloom filter of lines that may repeat"),)

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
