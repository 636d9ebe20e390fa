"""Plain text to train on: documents of Parquet, JSONL and text files, streamed in batches, and what a card says of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj
import pyarrow.parquet as pq

from pipeline.engine import check_expression, query
from pipeline.errors import StorageError, UsageError
from pipeline.gate import check as check_gate
from pipeline.sources.columns import as_strings, find_columns
from pipeline.sources.formats import HEAD_BYTES, codec_of
from pipeline.sources.listing import SourceFile, list_files
from pipeline.sources.streams import open_bytes

BATCH_ROWS = 4096
PIECE_BYTES = 8_000_000
HASHED_AT_ONCE = 1 << 20
TOLD = ("license", "source", "lang")
"""Columns whose values a card lists."""


@dataclass(frozen=True, slots=True)
class PlainText:
    """An input: its files, the text column (None: found by its usual name), and an SQL predicate over one row."""

    files: tuple[SourceFile, ...]
    text: str | None = None
    where: str | None = None
    told: dict[str, set[str]] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)

    def batches(self) -> Iterator[pa.Array]:
        """Texts as large_string arrays of some 8 MB, in the files' order. UsageError names a missing column."""
        self.rows.clear()
        for file in self.files:
            for table in _tables(file):
                column = self._column(file, table)
                for start in _cuts(column):
                    yield column.slice(*start)

    def _column(self, file: SourceFile, table: pa.Table) -> pa.Array:
        found = find_columns(table.schema, self.text, None)
        if isinstance(found, str):
            raise UsageError(f"file {file.path!r}: {found}; name the column with --text")
        if self.where:
            check_gate("--where", self.where)
            check_expression(self.where, table.schema, f"--where, file {file.path!r}", "bool")
            table = query(f"select * from rows where ({self.where})", rows=table)
        for name in TOLD:
            if name in table.column_names:
                self.told.setdefault(name, set()).update(str(v) for v in pc.unique(table[name]).to_pylist() if v)
        column = as_strings(table.column(found.text).combine_chunks()).drop_null()
        self.rows[file.name] = self.rows.get(file.name, 0) + len(column)
        return column

    def described(self) -> tuple[dict[str, Any], ...]:
        """One entry a file for the card, once it was read: name, digest, rows; and what its rows said of themselves."""
        listed = [
            {"file": f.name, "sha256": _digest(f.path), "rows": self.rows.get(f.name, 0)}
            | ({"where": self.where} if self.where else {})
            for f in self.files
        ]
        return (*listed, {name: sorted(values) for name, values in sorted(self.told.items())})


def plain_text(paths: Sequence[str], text: str | None, where: str | None) -> PlainText:
    """The files that paths, folders, globs and URLs stand for."""
    return PlainText(tuple(list_files(paths)), text, where)


def _cuts(column: pa.Array) -> list[tuple[int, int]]:
    """(first row, rows) of pieces of about PIECE_BYTES; a longer document is a piece of its own."""
    sizes = pc.binary_length(column).to_pylist()
    cuts, first, held = [], 0, 0
    for i, size in enumerate(sizes):
        if held and held + size > PIECE_BYTES:
            cuts.append((first, i - first))
            first, held = i, 0
        held += size
    return [*cuts, (first, len(sizes) - first)] if len(sizes) > first else cuts


def _tables(file: SourceFile) -> Iterator[pa.Table]:
    if file.problem:
        raise StorageError(f"file {file.path!r} cannot be read: {file.problem}")
    try:
        with open_bytes(file.path) as opened:
            if file.format == "parquet":
                parquet = pq.ParquetFile(opened, page_checksum_verification=True)
                yield from (pa.Table.from_batches([b]) for b in parquet.iter_batches(BATCH_ROWS))
                return
            codec = codec_of(opened.read(HEAD_BYTES))
            opened.seek(0)
            stream = pa.PythonFile(opened, mode="r")
            stream = pa.CompressedInputStream(stream, codec) if codec else stream
            if file.format == "text":
                yield pa.table({"text": pa.array([stream.read().decode("utf-8", "replace")], pa.large_string())})
                return
            how = pj.ReadOptions(use_threads=False, block_size=PIECE_BYTES)
            yield from (pa.Table.from_batches([b]) for b in pj.open_json(stream, how))
    except (pa.ArrowException, OSError) as error:
        raise StorageError(f"file {file.path!r} cannot be read: {str(error).splitlines()[0]}") from error


def _digest(path: str) -> str:
    digest = hashlib.sha256()
    with open_bytes(path) as file:
        while piece := file.read(HASHED_AT_ONCE):
            digest.update(piece)
    return digest.hexdigest()
