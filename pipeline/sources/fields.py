"""Fields beside the text (labels, groups): a table's columns, and what lies inside them, as strings row by row.

A name may reach into a struct, or into a column of JSON text (`meta.functionality`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import UsageError, did_you_mean
from pipeline.schema import TEXT_COLUMN
from pipeline.sources.column_types import is_scalar, is_text
from pipeline.sources.columns import as_strings, pick


@dataclass(slots=True)
class Seen:
    """Names that were met, for a misspelt one; and which of the wanted were found in any shard."""

    names: dict[str, None] = field(default_factory=dict)
    found: set[str] = field(default_factory=set)


def check_found(names: Iterable[str], seen: Seen) -> None:
    """Every wanted name was in some file: otherwise it is a slip of the pen."""
    for name in names:
        if name not in seen.found:
            known = [n for n in seen.names if n != TEXT_COLUMN.name]
            raise UsageError(
                f"the data have no column {name!r}; they have {', '.join(known[:40]) or 'none beside the text'}."
                f"{did_you_mean(name, known)}"
            )


def outer_of(name: str, columns: Iterable[str]) -> str:
    """The column that a name is of, or reaches into."""
    return name if name in columns else name.partition(".")[0]


def field_of(table: pa.Table, name: str, seen: Seen) -> pa.Array:
    """large_string[rows]: a column by its name, or a field inside one; null where a row has none, or NaN."""
    outer = outer_of(name, table.column_names)
    seen.names |= dict.fromkeys(table.column_names)
    if outer not in table.column_names:
        return pa.nulls(table.num_rows, pa.large_string())
    column = pick(table, outer)
    if pa.types.is_null(column.type):
        seen.found |= {name} if outer == name else set()
        return pa.nulls(len(column), pa.large_string())
    if outer == name:
        if not is_scalar(column.type):
            raise UsageError(
                f"column {name!r} is {column.type}: expected a column of single values; name a field of it"
            )
        seen.found.add(name)
        return _told(column)
    inner = name.removeprefix(f"{outer}.")
    if pa.types.is_struct(column.type):
        fields = [f.name for f in column.type]
        seen.names |= dict.fromkeys(f"{outer}.{f}" for f in fields)
        if inner not in fields:
            return pa.nulls(len(column), pa.large_string())
        seen.found.add(name)
        return _told(pc.struct_field(column, inner))
    if not is_text(column.type):
        raise UsageError(f"{name!r}: column {outer!r} is {column.type}, expected a struct or JSON text to look into")
    objects = json_objects(column)
    seen.names |= dict.fromkeys(f"{outer}.{k}" for o in objects for k in o)
    return json_strings([inside(o, inner) for o in objects], name, seen)


def _told(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """As strings. NaN is how tables of floats write that nothing is known: a class of that name would be learnt."""
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), None, column)
    return as_strings(column)


def json_objects(column: pa.ChunkedArray | pa.Array) -> list[dict[str, object]]:
    """JSON text as objects, one parse for each distinct text; empty where it is none."""
    encoded = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    encoded = encoded if pa.types.is_dictionary(encoded.type) else encoded.dictionary_encode()
    parsed = [_object(text) for text in encoded.dictionary.to_pylist()]
    return [{} if i is None else parsed[i] for i in encoded.indices.to_pylist()]


def _object(text: str | bytes | None) -> dict[str, object]:
    try:
        value = orjson.loads(text) if text else None
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def inside(value: object, path: str) -> object:
    """A field of a JSON value by its dotted path; the value itself where the path is empty."""
    if isinstance(value, str) and path:
        value = _object(value)
    for key in path.split(".") if path else ():
        value = value.get(key) if isinstance(value, dict) else None
    return value


def json_strings(values: list[object], name: str, seen: Seen) -> pa.Array:
    """JSON values as strings; true and false as JSON writes them. A field that is never there was not found."""
    if any(v is not None for v in values):
        seen.found.add(name)
    plain = [v if isinstance(v, str) or v is None else orjson.dumps(v).decode() for v in values]
    return pa.array(plain, pa.large_string())
