"""Which columns of an input hold text, id and provenance, and bringing them to the text table's types."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from pipeline.errors import PlanError, did_you_mean
from pipeline.schema import PROVENANCE
from pipeline.sources.column_types import is_scalar, is_text

TEXT_NAMES = ("text", "content", "raw_content", "body", "raw_text", "document")
ID_NAMES = ("id", "doc_id", "digest", "warc_record_id", "uuid")
NESTED_NAMES = ("metadata", "meta")
"""Structs that datatrove and Dolma keep provenance in."""
MAX_ID_BYTES = 1_000


@dataclass(frozen=True, slots=True)
class Columns:
    """Where a file keeps what the text table needs. provenance: (our name, path in the file) pairs."""

    text: str
    id: str | None
    provenance: tuple[tuple[str, str], ...]

    @property
    def paths(self) -> list[str]:
        """Everything that has to be read, text first."""
        return list(dict.fromkeys([self.text, *([self.id] if self.id else []), *(p for _, p in self.provenance)]))

    @property
    def top(self) -> tuple[str, ...]:
        """Provenance that is a column of the file, not a field inside one."""
        return tuple(name for name, path in self.provenance if name == path)

    def beside(self, schema: pa.Schema) -> list[tuple[str, int]]:
        """(name, position) of the file's columns that the text table does not have. Each name once: a file may have two of one."""
        taken = {self.text, self.id, *self.top}
        named = zip(names_apart(schema.names), schema.names, strict=True)
        return [(name, i) for i, (name, before) in enumerate(named) if before not in taken]


def names_apart(names: Sequence[str], ours: Iterable[str] = ()) -> list[str]:
    """The same names, each once and none of ours: one that is taken has `source_` in front, as often as it takes."""
    used, all_names, found = set(ours), set(names), []
    for name in names:
        apart = name
        while apart in used or (apart != name and apart in all_names):
            apart = f"source_{apart}"
        used.add(apart)
        found.append(apart)
    return found


def find_columns(schema: pa.Schema, text: str | None, id: str | None) -> Columns | str:
    """The columns of one file, or a sentence on why it has no usable text column."""
    names = schema.names
    text_column = _first_text(schema, TEXT_NAMES if text is None else (text,))
    if text_column is None:
        wanted = f"{text!r}" if text else f"any of {', '.join(TEXT_NAMES)}"
        there = ", ".join(f"{f.name} ({f.type})" for f in list(schema)[:12]) + (" …" if len(names) > 12 else "")
        return f"no string column {wanted}; it has {there or 'no columns'}"
    ids = [n for n in (ID_NAMES if id is None else (id,)) if _usable(schema, n)]
    provenance = [(name, path) for name in PROVENANCE if (path := _provenance_path(schema, name)) is not None]
    return Columns(text_column, ids[0] if ids else None, tuple(provenance))


def check_named(schemas: Iterable[pa.Schema], text: str | None, id: str | None) -> None:
    """Columns the recipe names must be in some file: otherwise it is a slip of the pen."""
    known: dict[str, pa.DataType] = {}
    for schema in schemas:
        known |= {f.name: f.type for f in schema}
    for key, name, fits in (("text", text, is_text), ("id", id, is_scalar)):
        if name is None:
            continue
        listed = ", ".join(f"{n} ({t})" for n, t in list(known.items())[:30]) or "none"
        if name not in known:
            raise PlanError(
                f"input.{key}: no file has a column {name!r}; there are {listed}.{did_you_mean(name, known)}"
            )
        if not fits(known[name]):
            expected = "a string or binary column" if key == "text" else "a column of single values"
            raise PlanError(f"input.{key}: column {name!r} is {known[name]}, expected {expected}; there are {listed}")


def _first_text(schema: pa.Schema, names: Sequence[str]) -> str | None:
    return next((n for n in names if _usable(schema, n) and is_text(schema.field(n).type)), None)


def _usable(schema: pa.Schema, name: str) -> bool:
    """There once (Arrow cannot tell two columns of one name apart), and of single values."""
    return len(schema.get_all_field_indices(name)) == 1 and is_scalar(schema.field(name).type)


def _provenance_path(schema: pa.Schema, name: str) -> str | None:
    if _usable(schema, name):
        return name
    for outer in NESTED_NAMES:
        if len(schema.get_all_field_indices(outer)) == 1 and pa.types.is_struct(schema.field(outer).type):
            inner = pa.schema(list(schema.field(outer).type))
            if _usable(inner, name):
                return f"{outer}.{name}"
    return None


def pick(table: pa.Table, path: str) -> pa.Array:
    """A column by its path, as one array."""
    return as_one(pick_as_read(table, path))


def pick_as_read(table: pa.Table, path: str) -> pa.Array | pa.ChunkedArray:
    """A column by its path, in the pieces it was read in: putting text together would copy it."""
    outer, _, inner = path.partition(".") if path not in table.column_names else (path, "", "")
    column = table.column(outer)
    return pc.struct_field(column, inner) if inner else column


def as_one(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The same values as one array."""
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def as_strings(column: pa.Array) -> pa.Array:
    """Any scalar column as valid UTF-8 strings (large_string); what has no string form is null."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if isinstance(column.type, pa.UuidType):
        return pa.array([None if v is None else str(v) for v in column.to_pylist()], pa.large_string())
    if pa.types.is_fixed_size_binary(column.type):
        return pa.array([None if v is None else v.hex() for v in column.to_pylist()], pa.large_string())
    if is_text(column.type):
        return valid_strings(column)
    try:
        strings = column.cast(pa.large_string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.nulls(len(column), pa.large_string())
    if pa.types.is_timestamp(column.type):
        return pc.replace_substring(strings, " ", "T", max_replacements=1)
    return strings


def valid_strings(column: pa.Array) -> pa.Array:
    """A string-like column as large_string, a byte that is not UTF-8 as `\\xff` (in ids and provenance, not in text): what differs
    stays different."""
    try:
        strings = column.cast(pa.large_string())
        strings.validate(full=True)
        return strings
    except pa.ArrowInvalid:
        values = column.cast(pa.large_binary()).to_pylist()
        return pa.array(
            [None if v is None else v.decode("utf-8", "backslashreplace") for v in values], pa.large_string()
        )


def made_ids(file: pa.Array | str, positions: pa.Array) -> pa.Array:
    """Ids for rows that have none: the file's name hashed, and the row's place in it. Stable across runs. file: of each row, or of
    all of them."""
    if isinstance(file, str):
        prefix = xxhash.xxh3_64_hexdigest(file.encode())
    else:
        named = file.dictionary_encode()
        hashed = [xxhash.xxh3_64_hexdigest(name) for name in named.dictionary.cast(pa.binary()).to_pylist()]
        prefix = pa.array(hashed, pa.string()).take(named.indices)
    return pc.binary_join_element_wise(prefix, positions.cast(pa.string()), "-")


def doc_ids(own: pa.Array | None, made: pa.Array) -> tuple[pa.Array, int, int]:
    """(ids, how many were missing and made, how many were longer than MAX_ID_BYTES and hashed). Empty is missing."""
    if own is None:
        return made, 0, 0
    lengths = pc.fill_null(pc.binary_length(own), 0)
    missing, long = pc.equal(lengths, 0), pc.greater(lengths, MAX_ID_BYTES)
    missing_rows, long_rows = pc.sum(missing).as_py() or 0, pc.sum(long).as_py() or 0
    if long_rows:
        hashed = [xxhash.xxh3_128_hexdigest(v) for v in own.filter(long).cast(pa.large_binary()).to_pylist()]
        own = pc.replace_with_mask(own, long, pa.array(hashed, own.type))
    return pc.if_else(missing, made, own.cast(pa.string())), missing_rows, long_rows


def schema_details(schema: pa.Schema) -> dict[str, Any]:
    """Source columns for a manifest: for people (name, type), and exactly (Arrow IPC)."""
    bare = pa.schema([pa.field(f.name, f.type) for f in schema])
    exact = base64.b64encode(bare.serialize().to_pybytes()).decode()
    return {"source_columns": [[f.name, str(f.type)] for f in schema], "source_schema": exact}


def source_schema(details: dict[str, Any]) -> pa.Schema:
    """The source columns of a text manifest's details, exactly."""
    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(details["source_schema"])))
