"""The tables by which equal and similar documents are found, column by column; what came of it is in `pipeline.schema`."""

from __future__ import annotations

import pyarrow as pa

from pipeline.schema import TableColumn

DIGESTS_TABLE = (
    TableColumn("high", pa.uint64(), "hash", "upper half of what equal documents share; ascending", False),
    TableColumn("low", pa.uint64(), "hash", "its lower half", False),
    TableColumn("label", pa.uint64(), "hash", "64 bits of the raw text's hash", False),
    TableColumn("row", pa.int32(), "row", "the document's row in the part's run of shards", False),
)

EQUALS_TABLE = (
    TableColumn("row", pa.int64(), "row", "global row of a document that equals an earlier one"),
    TableColumn("first", pa.int64(), "row", "global row of the first that is equal"),
    TableColumn("same", pa.int64(), "row", "global row of the first that is equal and has the same raw text"),
)

BANDS_TABLE = (
    TableColumn(
        "key", pa.uint64(), "hash", "a bucket: the minima of one band, with the band's number; ascending", False
    ),
    TableColumn(
        "text",
        pa.uint64(),
        "rank",
        "names the normalised text: 24 bits of its size, long ones first, and 40 of its hash",
        False,
    ),
    TableColumn(
        "near", pa.uint32(), "hash", "upper 16 bits of the document's keys in each of the next two bands", False
    ),
    TableColumn("row", pa.int32(), "row", "the document's row in the part's run of shards", False),
)

CANDIDATES_TABLE = (
    TableColumn("document", pa.int64(), "row", "global row of a document; ascending", False),
    TableColumn(
        "other", pa.int64(), "row", "global row of one it may be like; each pair stands here from both sides", False
    ),
)

ASKED_TABLE = (
    *CANDIDATES_TABLE,
    TableColumn(
        "jaccard", pa.float64(), "fraction", "of the pair, as an earlier table says; null: still to be measured"
    ),
)

SETS_TABLE = (
    TableColumn("row", pa.int32(), "row", "the document's row in the shard; ascending", False),
    TableColumn("hashes", pa.list_(pa.uint64()), "hash", "its shingles, each once; ascending", False),
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

EFFECTS_TABLE = (
    TableColumn("about", pa.string(), "name", "`source` or `cluster`"),
    TableColumn("name", pa.string(), "name", "of the source (the file, where there is none), or of the cluster"),
    TableColumn("documents", pa.int64(), "documents", "kept by rules; of a cluster: all that are in it"),
    TableColumn("removed", pa.int64(), "documents", "removed of these"),
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
