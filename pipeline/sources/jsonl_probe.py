"""A first look at a JSONL file: compression, other formats in disguise, and whether its objects have text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import orjson

from pipeline.sources.columns import TEXT_NAMES
from pipeline.sources.formats import COMPRESSED, HEAD_BYTES, PARQUET_MAGIC, codec_of
from pipeline.sources.listing import SourceFile
from pipeline.sources.streams import StreamBroken, open_bytes, packed_blocks, plain_blocks

PACKED_GROWTH = 4
"""How much text a compressed byte stands for, about: for planning only."""
SAMPLE_LINES = 20
SAMPLE_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class JsonlProbe:
    """What a file's first bytes say. fields: of the first objects, where none of them has a text field."""

    file: SourceFile
    problem: str = ""
    detail: str = ""
    codec: str | None = None
    fields: tuple[str, ...] = ()
    schema: None = None

    @property
    def text_bytes(self) -> int:
        return 0 if self.problem else self.file.bytes * (PACKED_GROWTH if self.codec else 1)


def probe_jsonl(file: SourceFile, text: str | None) -> JsonlProbe:
    """Look at the first bytes: compression, other formats, and whether the first objects have text."""
    try:
        with open_bytes(file.path) as opened:
            head = opened.read(HEAD_BYTES)
    except OSError as error:
        return JsonlProbe(file, "unreadable", str(error)[:300])
    codec = codec_of(head)
    packed_name = file.name.lower().endswith(COMPRESSED)
    if packed_name and codec is None and not head.lstrip().startswith(b"{"):
        why = ("corrupt", "neither gzip, zstd nor bz2 by its first bytes") if head else ("empty_file", "0 bytes")
        return JsonlProbe(file, *why)
    if head.startswith(PARQUET_MAGIC):
        return JsonlProbe(file, "not_jsonl", "Parquet by its first bytes; name it .parquet or set input.format")
    return JsonlProbe(file, codec=codec, fields=_fields_without_text(file, codec, text))


def _fields_without_text(file: SourceFile, codec: str | None, text: str | None) -> tuple[str, ...]:
    """The fields of the first objects where none has a text field: the recipe then names the wrong one."""
    names = (text,) if text else TEXT_NAMES
    try:
        first = next(blocks_of(file, codec, 0), b"")[:SAMPLE_BYTES]
    except StreamBroken:
        return ()
    whole = first.split(b"\n")[: SAMPLE_LINES + 1]
    objects = [o for line in (whole[:-1] or whole) if isinstance(o := _loads(line), dict)]
    if any(n in o for o in objects for n in names):
        return ()
    return tuple(dict.fromkeys(k for o in objects for k in o))


def _loads(line: bytes) -> object:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return None


def blocks_of(file: SourceFile, codec: str | None, start: int) -> Iterator[bytes]:
    """The file's bytes, decompressed where it is compressed (then from the beginning)."""
    return plain_blocks(file.path, start) if codec is None else packed_blocks(file.path, codec, file.bytes)
