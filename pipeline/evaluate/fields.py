"""Labels and groups of measured documents: the columns that stand beside the text in a user's file, row by row."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.schema import METADATA_COLUMN, PROVENANCE
from pipeline.sources.columns import as_strings
from pipeline.sources.fields import Seen, field_of, inside, json_objects, json_strings, outer_of
from pipeline.storage.shard import Shard, read_ids, read_source, row_groups
from pipeline.storage.store import Store


def read_fields(store: Store, shard: Shard, names: Sequence[str], seen: Seen) -> dict[str, pa.Array]:
    """large_string[rows] for each name, null where a row has none."""
    if not shard.readable:
        return {name: pa.nulls(shard.rows, pa.large_string()) for name in names}
    if shard.converted:
        return _of_converted(store, shard, names, seen)
    found: dict[str, list[pa.Array]] = {name: [] for name in names}
    for opened, group in row_groups(store, shard):
        for name, values in _of_parquet(store, opened, group, names, seen).items():
            found[name].append(values)
    return {name: pa.concat_arrays([pa.nulls(0, pa.large_string()), *values]) for name, values in found.items()}


def _of_parquet(
    store: Store, opened: pq.ParquetFile, group: Shard, names: Sequence[str], seen: Seen
) -> dict[str, pa.Array]:
    schema: pa.Schema = opened.schema_arrow
    seen.names |= dict.fromkeys(n for n in schema.names if n != group.column)
    wanted = sorted({o for o in (outer_of(name, schema.names) for name in names) if o in schema.names})
    if not wanted:
        return {name: pa.nulls(group.rows, pa.large_string()) for name in names}
    table = pa.Table.from_batches(list(read_source(store, group, wanted, 65_536, opened)))
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
