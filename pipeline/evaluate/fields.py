"""Labels and groups: the columns that stand beside the text in a user's file, as strings, row by row.

A name may reach into a struct, or into a column of JSON text (`meta.functionality`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import UsageError, did_you_mean
from pipeline.files import told
from pipeline.parquet import open_parquet
from pipeline.schema import METADATA_COLUMN, PROVENANCE, TEXT_COLUMN
from pipeline.shard import Shard, read_ids, read_source
from pipeline.sources.columns import as_strings, is_scalar, is_text, pick
from pipeline.store import Store


@dataclass(slots=True)
class Seen:
    """Names that were met, for a misspelt one; and which of the wanted were found in any shard."""

    names: dict[str, None] = field(default_factory=dict)
    found: set[str] = field(default_factory=set)


def read_fields(store: Store, shard: Shard, names: Sequence[str], seen: Seen) -> dict[str, pa.Array]:
    """large_string[rows] for each name, null where a row has none."""
    if shard.ids == shard.text:
        return _of_converted(store, shard, names, seen)
    return _of_parquet(store, shard, names, seen)


def check_found(names: Iterable[str], seen: Seen) -> None:
    """Every wanted name was in some file: otherwise it is a slip of the pen."""
    for name in names:
        if name not in seen.found:
            known = [n for n in seen.names if n != TEXT_COLUMN.name]
            raise UsageError(
                f"the data have no column {name!r}; they have {', '.join(known[:40]) or 'none beside the text'}."
                f"{did_you_mean(name, known)}"
            )


def _of_parquet(store: Store, shard: Shard, names: Sequence[str], seen: Seen) -> dict[str, pa.Array]:
    path = store.full(shard.text.path)
    with told(path):
        schema: pa.Schema = open_parquet(path).schema_arrow
    seen.names |= dict.fromkeys(n for n in schema.names if n != shard.column)
    outer = {name: name if name in schema.names else name.partition(".")[0] for name in names}
    wanted = sorted({o for o in outer.values() if o in schema.names})
    if not wanted:
        return {name: pa.nulls(shard.rows, pa.large_string()) for name in names}
    table = pa.Table.from_batches(list(read_source(store, shard, wanted, rows=65_536)))
    return {name: _field(table, name, outer[name], seen) for name in names}


def _of_converted(store: Store, shard: Shard, names: Sequence[str], seen: Seen) -> dict[str, pa.Array]:
    """JSONL: provenance has columns of its own, every other field is in the row's metadata."""
    ids = read_ids(store, shard, [METADATA_COLUMN.name, *PROVENANCE])
    there = [p for p in PROVENANCE if ids.column(p).null_count < ids.num_rows]
    objects = _objects(ids.column(METADATA_COLUMN.name))
    keys = dict.fromkeys(k for o in objects for k in o)
    seen.names |= dict.fromkeys([*there, *keys])
    found: dict[str, pa.Array] = {}
    for name in names:
        outer = name if name in keys else name.partition(".")[0]
        if name in there:
            seen.found.add(name)
            found[name] = as_strings(ids.column(name).combine_chunks())
        elif outer in keys:
            inner = name.removeprefix(outer).removeprefix(".")
            found[name] = _strings([_inside(o.get(outer), inner) for o in objects], name, seen)
        else:
            found[name] = pa.nulls(shard.rows, pa.large_string())
    return found


def _field(table: pa.Table, name: str, outer: str, seen: Seen) -> pa.Array:
    """One wanted field of a Parquet file's columns."""
    if outer not in table.column_names:
        return pa.nulls(table.num_rows, pa.large_string())
    column = pick(table, outer)
    if outer == name:
        if not is_scalar(column.type):
            raise UsageError(
                f"column {name!r} is {column.type}: expected a column of single values; name a field of it"
            )
        seen.found.add(name)
        return as_strings(column)
    inner = name.removeprefix(f"{outer}.")
    if pa.types.is_struct(column.type):
        fields = [f.name for f in column.type]
        seen.names |= dict.fromkeys(f"{outer}.{f}" for f in fields)
        if inner not in fields:
            return pa.nulls(len(column), pa.large_string())
        seen.found.add(name)
        return as_strings(pc.struct_field(column, inner))
    if not is_text(column.type):
        raise UsageError(f"{name!r}: column {outer!r} is {column.type}, expected a struct or JSON text to look into")
    objects = _objects(column)
    seen.names |= dict.fromkeys(f"{outer}.{k}" for o in objects for k in o)
    return _strings([_inside(o, inner) for o in objects], name, seen)


def _objects(column: pa.ChunkedArray | pa.Array) -> list[dict[str, object]]:
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


def _inside(value: object, path: str) -> object:
    """A field of a JSON value by its dotted path; the value itself where the path is empty."""
    if isinstance(value, str) and path:
        value = _object(value)
    for key in path.split(".") if path else ():
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _strings(values: list[object], name: str, seen: Seen) -> pa.Array:
    """JSON values as strings; true and false as JSON writes them. A field that is never there was not found."""
    if any(v is not None for v in values):
        seen.found.add(name)
    plain = [v if isinstance(v, str) or v is None else orjson.dumps(v).decode() for v in values]
    return pa.array(plain, pa.large_string())
