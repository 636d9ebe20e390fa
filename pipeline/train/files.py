"""The files that a model is trained on: as tables, batch after batch, and as a card lists them.

Parquet, JSONL and text, plain or compressed, here or in a bucket: what `pipeline.sources` lists. Unlike an ingest, which sets a
damaged row aside, training stops at it.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.json as pj
import pyarrow.parquet as pq

from pipeline.errors import StorageError, UsageError
from pipeline.sources.columns import as_strings, find_columns, pick
from pipeline.sources.formats import HEAD_BYTES, codec_of
from pipeline.sources.jsonl_probe import blocks_of
from pipeline.sources.lines import Line, line_batches
from pipeline.sources.listing import SourceFile
from pipeline.sources.pages import ReadInterrupted
from pipeline.sources.records import BOM
from pipeline.sources.streams import StreamBroken, open_bytes

BATCH_ROWS = 4096
MAX_LINE_BYTES = 1_000_000_000
HASHED_AT_ONCE = 1 << 20
LISTED = {"license": "licences", "source": "sources", "lang": "languages"}
"""Columns whose values a card lists, and under which name."""


@dataclass(slots=True)
class Entry:
    """What a card says of a file: rows that were used, and the values of its LISTED columns in them."""

    file: SourceFile
    rows: int = 0
    values: dict[str, set[str]] = field(default_factory=dict)

    def add(self, used: pa.Table) -> None:
        """Count rows that were used."""
        self.rows += used.num_rows
        for column, name in LISTED.items():
            if column in used.column_names:
                told = as_strings(pick(used, column)).unique().to_pylist()
                self.values.setdefault(name, set()).update(v for v in told if v)

    def described(self) -> dict[str, Any]:
        """The card's entry; reads the file for its digest."""
        told = {"file": self.file.name, "sha256": _digest(self.file.path), "rows": self.rows}
        return told | {name: sorted(values) for name, values in sorted(self.values.items()) if values}


def tables(file: SourceFile) -> Iterator[pa.Table]:
    """A file's rows in order. A column is there from the batch on that first has it. StorageError names a file that
    cannot be read."""
    if file.problem:
        raise StorageError(f"file {file.path!r} cannot be read: {file.problem}")
    try:
        if file.format == "parquet":
            with open_bytes(file.path) as opened:
                parquet = pq.ParquetFile(opened, page_checksum_verification=True)
                yield from (pa.Table.from_batches([b]) for b in parquet.iter_batches(BATCH_ROWS))
            return
        with open_bytes(file.path) as opened:
            codec = codec_of(opened.read(HEAD_BYTES))
        blocks = blocks_of(file, codec, 0)
        yield from _text_table(blocks) if file.format == "text" else _json_tables(blocks)
    except (pa.ArrowException, OSError, ReadInterrupted, StreamBroken) as error:
        raise StorageError(f"file {file.path!r} cannot be read: {str(error).splitlines()[0]}") from error


def text_of(file: SourceFile, table: pa.Table, text: str | None) -> pa.Array:
    """The column of text (None: found by its usual name) as large_string; UsageError where there is none."""
    found = find_columns(table.schema, text, None)
    if isinstance(found, str):
        raise UsageError(f"file {file.path!r}: {found}; name the column with --text")
    return as_strings(pick(table, found.text))


def _text_table(blocks: Iterator[bytes]) -> Iterator[pa.Table]:
    """One document."""
    yield pa.table({"text": pa.array([b"".join(blocks).decode("utf-8", "replace")], pa.large_string())})


def _json_tables(blocks: Iterator[bytes]) -> Iterator[pa.Table]:
    """An object a line. Arrow takes the types from each batch alone, so that a column which begins with nulls is read
    (its own stream fixes them by the first batch and fails there)."""
    known: dict[str, pa.DataType] = {}
    for lines in line_batches(blocks, 0, None, MAX_LINE_BYTES):
        content = _joined(lines)
        if not content.strip():
            continue
        table = pj.read_json(io.BytesIO(content), pj.ReadOptions(use_threads=False, block_size=len(content) + 1))
        for column, type in known.items():
            if column not in table.column_names:
                table = table.append_column(column, pa.nulls(table.num_rows, type))
        known |= {f.name: f.type for f in table.schema}
        yield table


def _joined(lines: list[Line]) -> bytes:
    pieces = []
    for offset, line in lines:
        if isinstance(line, int):
            raise pa.ArrowInvalid(f"the line at byte {offset} has {line} bytes; expected at most {MAX_LINE_BYTES}")
        pieces.append(line.removeprefix(BOM) if offset == 0 else line)
    return b"\n".join(pieces)


def _digest(path: str) -> str:
    digest = hashlib.sha256()
    with open_bytes(path) as file:
        while piece := file.read(HASHED_AT_ONCE):
            digest.update(piece)
    return digest.hexdigest()
