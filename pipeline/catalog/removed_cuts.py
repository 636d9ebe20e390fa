"""What deduplication took out of documents that stay, as views, and the documents' bytes to show it."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from pipeline.catalog.described import TABLES
from pipeline.errors import WinnowError
from pipeline.rules import quoted
from pipeline.schema import arrow_schema
from pipeline.storage.manifest import Manifest
from pipeline.storage.shard import Shard, per_file, read_source, row_groups
from pipeline.storage.store import Store


def view_cuts(connection: duckdb.DuckDBPyConnection, store: Store, name: str, cuts: Manifest | None) -> None:
    """The view `removed_lines` or `removed_substrings` over a table of cuts; empty without one."""
    if cuts is None:
        connection.register("nothing", arrow_schema(TABLES[name]).empty_table())
        connection.execute(f"create table {name} as select * from nothing")
        connection.unregister("nothing")
        return
    paths = [store.full(p.path) for p in cuts.parts]
    shards = pa.table({"path": pa.array(paths, pa.string()), "shard": pa.array(range(len(paths)), pa.int32())})
    connection.register("mapping", shards)
    connection.execute(f"create table {name}_parts as select * from mapping")
    connection.unregister("mapping")
    files = ", ".join(quoted(p) for p in dict.fromkeys(paths))
    connection.execute(
        f"create view {name} as select m.shard, p.* exclude (filename) from read_parquet([{files}], filename=true) p "
        f"join {name}_parts m on p.filename = m.path"
    )


def document_bytes(store: Store, shard: Shard, row: int) -> bytes | None:
    """The document's bytes; None where the input moved or changed: what was decided must not need it."""
    try:
        return _read(store, shard, row)
    except (WinnowError, OSError):
        return None


def _read(store: Store, shard: Shard, row: int) -> bytes | None:
    first, file = next((first, one) for first, one in per_file(store, shard) if row < first + one.rows)
    row -= first
    for opened, group in row_groups(store, file):
        if row < group.rows:
            for batch in read_source(store, group, [shard.column], opened=opened):
                if row < batch.num_rows:
                    value = batch.column(0)[row].as_py()
                    return value.encode() if isinstance(value, str) else value
                row -= batch.num_rows
        row -= group.rows
    return None
