"""Labels and groups of measured documents: the columns that stand beside the text in a user's file, row by row."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from pipeline.schema import METADATA_COLUMN, PROVENANCE
from pipeline.sources.columns import as_strings
from pipeline.sources.fields import Seen, field_of, inside, json_objects, json_strings, outer_of
from pipeline.storage.files import told
from pipeline.storage.parquet import open_parquet
from pipeline.storage.shard import Shard, read_ids, read_source
from pipeline.storage.store import Store


def read_fields(store: Store, shard: Shard, names: Sequence[str], seen: Seen) -> dict[str, pa.Array]:
    """large_string[rows] for each name, null where a row has none."""
    if shard.ids == shard.text:
        return _of_converted(store, shard, names, seen)
    return _of_parquet(store, shard, names, seen)


def _of_parquet(store: Store, shard: Shard, names: Sequence[str], seen: Seen) -> dict[str, pa.Array]:
    path = store.full(shard.text.path)
    with told(path):
        schema: pa.Schema = open_parquet(path).schema_arrow
    seen.names |= dict.fromkeys(n for n in schema.names if n != shard.column)
    wanted = sorted({o for o in (outer_of(name, schema.names) for name in names) if o in schema.names})
    if not wanted:
        return {name: pa.nulls(shard.rows, pa.large_string()) for name in names}
    table = pa.Table.from_batches(list(read_source(store, shard, wanted, rows=65_536)))
    return {name: field_of(table, name, seen) for name in names}


def _of_converted(store: Store, shard: Shard, names: Sequence[str], seen: Seen) -> dict[str, pa.Array]:
    """JSONL: provenance has columns of its own, every other field is in the row's metadata."""
    ids = read_ids(store, shard, [METADATA_COLUMN.name, *PROVENANCE])
    there = [p for p in PROVENANCE if ids.column(p).null_count < ids.num_rows]
    objects = json_objects(ids.column(METADATA_COLUMN.name))
    keys = dict.fromkeys(k for o in objects for k in o)
    seen.names |= dict.fromkeys([*there, *keys])
    found: dict[str, pa.Array] = {}
    for name in names:
        outer = outer_of(name, keys)
        if name in there:
            seen.found.add(name)
            found[name] = as_strings(ids.column(name).combine_chunks())
        elif outer in keys:
            inner = name.removeprefix(outer).removeprefix(".")
            found[name] = json_strings([inside(o.get(outer), inner) for o in objects], name, seen)
        else:
            found[name] = pa.nulls(shard.rows, pa.large_string())
    return found
