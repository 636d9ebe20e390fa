"""Which columns the curated corpus has, in which order: FineWeb's first, then the input's own, then measurements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.schema import PROVENANCE
from pipeline.scoring import ScorerSpec, notes_schema
from pipeline.shard import Shard

FINEWEB = ("text", "id", "dump", "url", "date", "file_path", "language", "language_score", "token_count")
"""FineWeb's column order; a name is left out where there is nothing to put into it."""


@dataclass(frozen=True)
class Columns:
    """The output's columns. source: the input's own columns (unified over its files) that are kept as they are;
    text, id: the names of the input's text and id columns; notes: structs to write out; measured_language: the alias
    of the scorer whose code and score fill `language` and `language_score`, if any."""

    source: pa.Schema
    text_names: tuple[str, ...]
    notes: pa.Schema
    measured_language: str | None
    present: tuple[str, ...]

    def told(self) -> list[str]:
        """What determines the output's schema, for its key."""
        return [str(self.schema()), str(self.measured_language)]

    def schema(self) -> pa.Schema:
        own = {"text": pa.large_string(), "id": pa.string(), "file_path": pa.string()}
        own |= {name: pa.string() for name in self.present}
        if self.measured_language:
            own |= {"language": pa.string(), "language_score": pa.float64()}
        extra = {f.name: f for f in self._extra()}
        head = [pa.field(n, own[n]) if n in own else extra.pop(n) for n in FINEWEB if n in own or n in extra]
        tail = [pa.field(n, t) for n, t in own.items() if n not in FINEWEB]
        return pa.schema([*head, *tail, *extra.values(), *self.notes])

    def _extra(self) -> list[pa.Field]:
        """Input columns that are not ours already; one that collides with a measured column is kept as source_<name>."""
        taken = {*self.text_names, *PROVENANCE, "id", "file_path", "text"}
        return [pa.field(self._renamed(f.name), f.type) for f in self.source if f.name not in taken]

    def _renamed(self, name: str) -> str:
        ours = {*self.notes.names, *(("language_score",) if self.measured_language else ())}
        return f"source_{name}" if name in ours else name

    def notes_columns(self) -> list[str]:
        language = [f"{self.measured_language}.code", f"{self.measured_language}.score"] if self.measured_language else []
        whole = list(self.notes.names)
        return [*whole, *(c for c in language if c.split(".")[0] not in whole)]

    def provenance(self) -> list[str]:
        return ["file_path", *self.present]

    def source_columns(self, shard: Shard) -> list[str] | None:
        """Columns to read of the shard's file; None reads all."""
        return None

    def assemble(self, shard: Shard, text: pa.Array, source: pa.RecordBatch, beside: pa.Table) -> pa.Table:
        """One output batch of equal-length inputs: edited text, the file's own columns, ids and notes."""
        schema = self.schema()
        given: dict[str, Any] = {name: beside.column(name) for name in ("file_path", *self.present)}
        given |= {"text": text, "id": beside.column("doc_id")}
        given |= {name: beside.column(name) for name in self.notes.names}
        if self.measured_language:
            said = beside.column(self.measured_language).combine_chunks()
            given |= {"language": pc.struct_field(said, "code"), "language_score": pc.struct_field(said, "score")}
        for name in source.schema.names:
            given.setdefault(self._renamed(name), source.column(name))
        arrays = [_as(given.get(f.name), f.type, len(text)) for f in schema]
        return pa.table(arrays, schema=schema)


def _as(column: Any, type_: pa.DataType, rows: int) -> Any:
    """A column in the output's type; a file that lacks it gives nulls."""
    if column is None:
        return pa.nulls(rows, type_)
    return column if column.type == type_ else column.cast(type_)


def output_columns(
    source: pa.Schema, text_names: Sequence[str], specs: Sequence[ScorerSpec], exported: Sequence[str], present: Sequence[str]
) -> Columns:
    """The columns for a recipe. exported: aliases whose structs go into the output; present: provenance columns with
    anything in them."""
    of_language = next((s.alias for s in specs if s.scorer == "language"), None)
    chosen = [s for s in specs if s.alias in exported]
    notes = pa.schema(list(notes_schema(chosen))[1:])
    return Columns(source, tuple(text_names), notes, of_language, tuple(n for n in present if n != "language" or of_language is None))
