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
from pipeline.sources.columns import source_schema
from pipeline.storage.manifest import Manifest
from pipeline.storage.shard import Shard
from pipeline.storage.store import Store
from pipeline.totals.buckets import BUCKETS

FINEWEB = ("text", "id", "dump", "url", "date", "file_path", "language", "language_score", "token_count")
"""FineWeb's column order; a name is left out where there is nothing to put into it."""


@dataclass(frozen=True)
class Columns:
    """The output's columns. source: the input's own columns (unified over its files) that are kept as they are;
    used: the input's text and id columns, which are ours under other names; notes: structs to write out; measured_language: the alias
    of the scorer whose code and score fill `language` and `language_score`, if any."""

    source: pa.Schema
    used: tuple[str, ...]
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
        """Input columns that are not ours already; one whose name is taken is kept as source_<name>."""
        taken = {*self.used, *self.present}
        return [pa.field(self._renamed(f.name), f.type) for f in self.source if f.name not in taken]

    def _renamed(self, name: str) -> str:
        measured = ("language", "language_score") if self.measured_language else ()
        ours = {"text", "id", "file_path", *self.notes.names, *measured, *self.buckets}
        return f"source_{name}" if name in ours else name

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
        return [TEXT_COLUMN.name, METADATA_COLUMN.name] if is_converted(shard) else None

    def assemble(self, shard: Shard, text: pa.Array, source: pa.RecordBatch, beside: pa.Table) -> pa.Table:
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
        for name in source.schema.names:
            given.setdefault(self._renamed(name), source.column(name))
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
    if text and (pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type)):
        return pa.array([None if v is None else v.decode("utf-8", "replace") for v in column.to_pylist()], type_)
    return column.cast(type_, safe=False)


def output_columns(
    store: Store, text: Manifest, specs: Sequence[ScorerSpec], exported: Sequence[str], buckets: Sequence[str] = ()
) -> Columns:
    """The columns for a recipe on an input. exported: aliases whose structs go into the output."""
    of_language = next((s.alias for s in specs if s.scorer == "language"), None)
    notes = pa.schema(list(notes_schema([s for s in specs if s.alias in exported]))[1:])
    source = source_schema(text.details)
    if any(is_converted(s) for s in text.shards):
        source = pa.unify_schemas([source, pa.schema([pa.field(METADATA_COLUMN.name, METADATA_COLUMN.type)])])
    names = tuple(dict.fromkeys(s.column for s in text.shards if is_converted(s) or s.ids != s.text))
    # the input's own `id` is our `id`, unless the recipe names another column for it
    used = (*names, "id") if text.parameters.get("id") in (None, "id") else (*names, str(text.parameters["id"]))
    return Columns(source, used, notes, of_language, present_provenance(store, text), tuple(buckets))


def is_converted(shard: Shard) -> bool:
    """Whether the shard's text lies in our own part rather than in the user's file."""
    return shard.ids == shard.text and shard.column == TEXT_COLUMN.name


def present_provenance(store: Store, text: Manifest) -> tuple[str, ...]:
    """The provenance columns that hold anything, by the parts' footers."""
    found: set[str] = set()
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
