"""How tables of deduplication are written."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

ROW_GROUP_ROWS = 20_000
"""Of a table that every shard reads its own rows of."""
SHARD_ROWS = 4_096
"""Rows, or more, of such a table that are read as one where its row groups end with a shard: of many shards each has few rows in
it, and read a multiple of them."""
GROUP_ROWS = 8_192
"""Rows of a sorted part that are read as one: a unit reads at most two of these more of each shard than it needs, and
what a footer says of them is a hundredth of them."""
HASH_ROWS = 12_288
"""Rows, or up to twice as many, of such a part that is cut where ranges are cut, so that a unit reads nothing else: reading
what a footer says of fewer took longer than reading them."""


def layout(columns: pa.Schema) -> dict[str, Any]:
    """Of lines, passages and pairs: places and counts as packed differences (smaller than zstd, and twice as fast),
    hashes as they are, because they do not compress."""
    packed = {f.name: "DELTA_BINARY_PACKED" for f in columns if f.type in (pa.int32(), pa.int64())}
    codecs = {f.name: "none" if f.name in packed or f.type == pa.uint64() else "zstd" for f in columns}
    return {"compression": codecs, "compression_level": None, "column_encoding": packed}


def hash_groups(rows: int) -> int:
    """How many ranges of hashes a sorted part is cut into: a power of two, as that of the units is (`ranges.ranges_for`)."""
    return 1 << max(0, (rows // HASH_ROWS).bit_length() - 1)


def hash_layout(by: str) -> dict[str, Any]:
    """Of rows of hashes, sorted by a column: hashes do not compress, and a range is found by that column alone."""
    return {
        "compression": "none",
        "compression_level": None,
        "write_page_index": False,
        "write_statistics": [by],
    }
