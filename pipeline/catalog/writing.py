"""Putting a batch of rows into the catalog, within a transaction, and what follows from it for rows that are there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import duckdb
import pyarrow as pa

from pipeline.catalog.batch import Batch
from pipeline.catalog.schema import Table, statements

CREDIT = ("job", "event", "seconds", "mb_per_s", "worker", "attempts")
"""What a part's row says of the unit that made it: the last, where several did."""

PARTED: tuple[Table, ...] = ("units", "shards")


@cache
def arrow_types(table: Table) -> pa.Schema:
    """The Arrow schema of a base table, as DuckDB tells it of the one it made."""
    with duckdb.connect(":memory:") as made:
        for statement in statements():
            made.execute(statement)
        return made.sql(f"from base.{table} limit 0").to_arrow_table().schema


def apply(connection: duckdb.DuckDBPyConnection, batch: Batch) -> None:
    """Replace, remove and add rows. The caller's transaction makes it one step."""
    run = connection.execute
    gone = sorted(batch.jobs_gone)
    if gone:
        run("delete from base.units where list_contains(?, job)", [gone])
    for table in ("jobs", "stages", "job_tables"):
        run(f"delete from base.{table} where list_contains(?, {'id' if table == 'jobs' else 'job'})",
            [sorted(batch.jobs_changed | batch.jobs_gone)])  # fmt: skip
    for name, rows in batch.rows.items():
        insert(connection, name, rows)
    for name, given in batch.arrow:
        insert_arrow(connection, name, given)
    if gone:
        clear = ", ".join(f"{column} = null" for column in CREDIT)
        sql = "select distinct part from base.shards where list_contains(?, job)"
        orphans = connection.sql(sql, params=[gone]).to_arrow_table()
        run(f"update base.shards set {clear} where list_contains(?, job)", [gone])
        _credit(connection, orphans)
    parts = {row[arrow_types(name).get_field_index("part")] for name in PARTED for row in batch.rows[name]}
    _credit(connection, pa.table({"part": pa.array(sorted(p for p in parts if p is not None), pa.string())}))


def insert(connection: duckdb.DuckDBPyConnection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Add rows, in bulk."""
    if not rows:
        return
    schema = arrow_types(table)
    columns = [pa.array(column, field.type) for column, field in zip(zip(*rows, strict=True), schema, strict=True)]
    insert_arrow(connection, table, pa.Table.from_arrays(columns, schema=schema))


def insert_arrow(connection: duckdb.DuckDBPyConnection, table: Table, rows: pa.Table) -> None:
    """Add the rows of an Arrow table that has the table's columns in order."""
    connection.register("given", rows)
    try:
        connection.execute(f"insert into base.{table} from given")
    finally:
        connection.unregister("given")


def remove_tables(connection: duckdb.DuckDBPyConnection, ids: Iterable[int]) -> None:
    """Forget tables and all that is known of their parts."""
    gone = list(ids)
    for name in ("tables", "shards", "shard_columns", "table_columns"):
        connection.execute(f"delete from base.{name} where list_contains(?::ubigint[], table_id)", [gone])


def _credit(connection: duckdb.DuckDBPyConnection, parts: pa.Table) -> None:
    """Say of these parts which unit made them: the last one in the logs of jobs of their corpus."""
    if not parts.num_rows:
        return
    connection.register("touched", parts)
    try:
        connection.execute(f"""
            update base.shards as s set {", ".join(f"{c} = u.said.{c}" for c in CREDIT)} from (
                select j.corpus, part, arg_max({{{", ".join(f"{c}: u.{c}" for c in CREDIT)}}}, (u.job, u.event)) as said
                from base.units u join base.jobs j on j.id = u.job
                where u.part in (from touched) group by all) u
            where s.part = u.part and s.corpus = u.corpus""")
    finally:
        connection.unregister("touched")
