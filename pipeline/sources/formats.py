"""Which format a file is in: by its name where the name says so, else by its first bytes."""

from __future__ import annotations

from typing import Literal

Format = Literal["parquet", "jsonl", "text"]

EXTENSIONS: dict[str, Format] = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".txt": "text",
    ".md": "text",
}
COMPRESSED = (".gz", ".zst", ".zstd", ".bz2")
PARQUET_MAGIC = b"PAR1"
ENCRYPTED_MAGIC = b"PARE"
CODEC_MAGICS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bz2"}
HEAD_BYTES = 4096


def by_name(name: str) -> Format | None:
    """The format a file's name promises; None where it promises none."""
    lower = name.lower()
    packed = next((c for c in COMPRESSED if lower.endswith(c)), "")
    bare = lower.removesuffix(packed)
    found = next((f for extension, f in EXTENSIONS.items() if bare.endswith(extension)), None)
    return None if packed and found == "parquet" else found


def codec_of(head: bytes) -> str | None:
    """gzip, zstd or bz2 by the first bytes: names lie. None: not compressed."""
    return next((codec for magic, codec in CODEC_MAGICS.items() if head.startswith(magic)), None)


def by_content(head: bytes) -> Format | None:
    """The format the first bytes show; None where they could be anything."""
    if head.startswith((PARQUET_MAGIC, ENCRYPTED_MAGIC)):
        return "parquet"
    if codec_of(head) is not None or head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        return "jsonl"
    return None
