"""Which columns the curated corpus has, in which order: FineWeb's first, then the input's own, then measurements."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.schema import METADATA_COLUMN, PROVENANCE, TEXT_COLUMN
from pipeline.scoring import ScorerSpec, notes_schema
from pipeline.sources.column_types import without_views
from pipeline.sources.columns import as_one, as_strings, find_columns, names_apart, source_schema
from pipeline.storage.manifest import Manifest
from pipeline.storage.shard import Shard
from pipeline.storage.store import Store
from pipeline.totals.buckets import BUCKETS

FINEWEB = ("text", "id", "dump", "url", "date", "file_path", "language", "language_score", "token_count")
"""FineWeb's column order; a name is left out where there is nothing to put into it."""


@dataclass(frozen=True)
class Columns:
    """The output's columns. source: the input's own columns (unified over its files) that are kept as they are;
    text, id: the recipe's names for those of the input that are ours; notes: structs to write out; measured_language: the alias
    of the scorer whose code and score fill `language` and `language_score`, if any."""

    source: pa.Schema
    text: str | None
    id: str | None
    notes: pa.Schema
    measured_language: str | None
    present: tuple[str, ...]
    buckets: tuple[str, ...] = ()

    def told(self) -> list[str]:
        """What determines the output's schema, for its key."""
        return [str(self.schema()), str(self.measured_language)]

    def schema(self) -> pa.Schema:
        own = {"text": pa.large_string(), "id": pa.string(), "file_path": pa.string()}
        own |= {name: pa.string() for name in self.present}
        if self.measured_language:
            own |= {"language": pa.string(), "language_score": pa.float64()}
        own |= {name: pa.string() for name in self.buckets}
        extra = {f.name: f for f in self._extra()}
        head = [pa.field(n, own[n]) if n in own else extra.pop(n) for n in FINEWEB if n in own or n in extra]
        tail = [pa.field(n, t) for n, t in own.items() if n not in FINEWEB]
        return pa.schema([*head, *tail, *extra.values(), *self.notes])

    def _extra(self) -> list[pa.Field]:
        """The input's own columns under the names they get."""
        named = self._named()
        return [pa.field(named[f.name], f.type) for f in self.source]

    def _named(self) -> dict[str, str]:
        """The output's name for each of the input's own columns."""
        measured = ("language", "language_score") if self.measured_language else ()
        ours = ("text", "id", "file_path", *self.present, *self.notes.names, *measured, *self.buckets)
        return dict(zip(self.source.names, names_apart(self.source.names, ours), strict=True))

    def notes_columns(self) -> list[str]:
        language = (
            [f"{self.measured_language}.code", f"{self.measured_language}.score"] if self.measured_language else []
        )
        whole = list(self.notes.names)
        return [*whole, *(c for c in language if c.split(".")[0] not in whole)]

    def provenance(self) -> list[str]:
        return ["file_path", *self.present]

    def source_columns(self, shard: Shard) -> list[str] | None:
        """Columns to read of the shard's file; None reads all."""
        return [TEXT_COLUMN.name, METADATA_COLUMN.name] if shard.converted else None

    def beside(self, shard: Shard, rows: pa.RecordBatch) -> pa.RecordBatch:
        """Of a shard's rows as they were read: the columns that the text table does not have, in types whose rows can be taken."""
        found = find_columns(rows.schema, *((None, None) if shard.converted else (self.text, self.id)))
        assert not isinstance(found, str), found
        at = found.beside(rows.schema)
        own = rows.select([i for _, i in at]).rename_columns([name for name, _ in at])
        return own.cast(pa.schema([f.with_type(without_views(f.type)) for f in own.schema]))

    def assemble(self, text: pa.Array, source: pa.RecordBatch, beside: pa.Table) -> pa.Table:
        """One output batch of equal-length inputs: edited text, the file's own columns, ids and notes."""
        schema = self.schema()
        given: dict[str, Any] = {name: beside.column(name) for name in ("file_path", *self.present)}
        given |= {"text": text, "id": beside.column("doc_id")}
        given |= {name: beside.column(name) for name in self.notes.names}
        if self.measured_language:
            said = beside.column(self.measured_language).combine_chunks()
            given |= {"language": pc.struct_field(said, "code"), "language_score": pc.struct_field(said, "score")}
        if self.buckets:
            bucket = beside.column(BUCKETS).combine_chunks()
            given |= {name: pc.struct_field(bucket, name) for name in self.buckets}
        named = self._named()
        given |= {named[name]: source.column(name) for name in source.schema.names}
        arrays = [_as(given.get(f.name), f.type, len(text)) for f in schema]
        return pa.table(arrays, schema=schema)


def _as(column: Any, type_: pa.DataType, rows: int) -> Any:
    """A column in the output's type; a file that lacks it gives nulls."""
    if column is None:
        return pa.nulls(rows, type_)
    if column.type == type_:
        return column
    text = pa.types.is_string(type_) or pa.types.is_large_string(type_)
    if text and pa.types.is_nested(column.type):  # files disagree on a column's type: a warning of the ingest says so
        said = [None if v is None else json.dumps(v, ensure_ascii=False, default=str) for v in column.to_pylist()]
        return pa.array(said, type_)
    told = as_strings(as_one(column)) if text else column
    # integers may be rounded: a warning of the ingest says so; a time that does not fit must not become another
    return told.cast(type_, safe=pa.types.is_temporal(type_))


def output_columns(
    store: Store, text: Manifest, specs: Sequence[ScorerSpec], exported: Sequence[str], buckets: Sequence[str] = ()
) -> Columns:
    """The columns for a recipe on an input. exported: aliases whose structs go into the output."""
    of_language = next((s.alias for s in specs if s.scorer == "language"), None)
    notes = pa.schema(list(notes_schema([s for s in specs if s.alias in exported]))[1:])
    source, asked = source_schema(text.details), text.parameters
    present = present_provenance(store, text)
    return Columns(source, asked["text"], asked["id"], notes, of_language, present, tuple(buckets))


def present_provenance(store: Store, text: Manifest) -> tuple[str, ...]:
    """The provenance columns that the input has, or that hold anything, by the parts' footers."""
    found: set[str] = set(text.details["provenance_columns"])
    for path in dict.fromkeys(s.ids.path for s in text.shards):
        metadata = store.parquet(path).metadata
        for group in range(metadata.num_row_groups):
            for index in range(metadata.num_columns):
                column = metadata.row_group(group).column(index)
                statistics = column.statistics
                if column.path_in_schema in PROVENANCE and (
                    statistics is None or statistics.null_count < column.num_values
                ):
                    found.add(column.path_in_schema)
    return tuple(n for n in PROVENANCE if n in found)
