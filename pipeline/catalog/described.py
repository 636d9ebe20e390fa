"""The tables whose columns are told of in the view `columns`, by name."""

from __future__ import annotations

import pyarrow as pa

from pipeline.dedup.documents.schema import (
    BANDING_TABLE,
    BANDS_TABLE,
    CANDIDATES_TABLE,
    DIGESTS_TABLE,
    EFFECTS_TABLE,
    EQUALS_TABLE,
    GUARDS_TABLE,
    PAIRS_TABLE,
    S_CURVE_TABLE,
)
from pipeline.dedup.lines.schema import LINE_CUTS_TABLE
from pipeline.dedup.substrings.schema import SUBSTRING_CUTS_TABLE
from pipeline.schema import (
    COMMON_TABLE,
    DEDUP_TABLE,
    HISTOGRAM_TABLE,
    METADATA_COLUMN,
    MIX_TABLE,
    QUARANTINE_TABLE,
    REMOVED_TABLE,
    STATISTICS_TABLE,
    TEXT_COLUMN,
    TEXT_TABLE,
    VERDICT_TABLE,
    TableColumn,
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
    "effects": EFFECTS_TABLE,
    "guards": GUARDS_TABLE,
    "removed_lines": (TableColumn("shard", pa.int32(), "index", "the document's shard"), *LINE_CUTS_TABLE),
    "removed_substrings": (TableColumn("shard", pa.int32(), "index", "the document's shard"), *SUBSTRING_CUTS_TABLE),
}
