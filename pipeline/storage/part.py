"""What is recorded of one committed part: rows and counts from its footer, its digest from its bytes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import IO

import pyarrow.parquet as pq

from pipeline.storage.written import sha256_of

COUNTS, TEXT_BYTES = b"winnow.counts", b"winnow.text_bytes"  # in a part's footer, as JSON


@dataclass(frozen=True, slots=True)
class PartRecord:
    """One committed part. path is relative to the store's root; counts: its rows by what they are, text_bytes: their text."""

    key: str
    path: str
    rows: int
    bytes: int
    sha256: str
    counts: dict[str, int]
    text_bytes: dict[str, int] = field(default_factory=dict)


def described(key: str, path: str, footer: pq.FileMetaData, file: IO[bytes]) -> PartRecord:
    """A part by its footer and its bytes."""
    counts, text_bytes = (json.loads((footer.metadata or {}).get(name, b"{}")) for name in (COUNTS, TEXT_BYTES))
    sha256, size = sha256_of(file)
    return PartRecord(key, path, footer.num_rows, size, sha256, counts, text_bytes)
