"""Plain text to train on: the documents of files, streamed in batches, and what a card says of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.sources.listing import SourceFile, list_files
from pipeline.sql.engine import check_expression, query
from pipeline.sql.gate import check as check_gate
from pipeline.train.files import Entry, tables, text_of

PIECE_BYTES = 8_000_000


@dataclass(frozen=True, slots=True)
class PlainText:
    """An input: its files, the text column (None: found by its usual name), and an SQL predicate over one row."""

    files: tuple[SourceFile, ...]
    text: str | None = None
    where: str | None = None
    entries: dict[str, Entry] = field(default_factory=dict)

    def batches(self) -> Iterator[pa.Array]:
        """Texts as large_string arrays of some 8 MB, in the files' order. UsageError names a missing column."""
        for file in self.files:
            self.entries[file.path] = Entry(file)
            for table in tables(file):
                column = self._column(file, table)
                for first, rows in _cuts(column):
                    yield column.slice(first, rows)

    def _column(self, file: SourceFile, table: pa.Table) -> pa.Array:
        if self.where:
            check_gate("--where", self.where)
            check_expression(self.where, table.schema, f"--where, file {file.path!r}", "bool")
            table = query(f"select * from rows where ({self.where})", rows=table)
        column = text_of(file, table, self.text)
        there = pc.is_valid(column)
        self.entries[file.path].add(table.filter(there))
        return column.filter(there)

    def described(self) -> tuple[dict[str, Any], ...]:
        """One entry a file for the card, once it was read."""
        where = {"where": self.where} if self.where else {}
        return tuple(entry.described() | where for entry in self.entries.values())


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
