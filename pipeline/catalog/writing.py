"""Putting a batch of rows into the catalog, within a transaction, and what follows from it for rows that are there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import duckdb
import pyarrow as pa

from pipeline.catalog.batch import Batch, column
from pipeline.catalog.schema import Table, statements

CREDIT = ("job", "event", "seconds", "mb_per_s", "worker", "attempts")
"""What a part's row says of the unit that made it: the last, where several did."""


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
    gone, stale = sorted(batch.jobs_gone), sorted(batch.jobs_changed | batch.jobs_gone)
    if gone:
        run("delete from base.units where list_contains(?, job)", [gone])
    if stale:
        for table in ("jobs", "stages", "job_tables"):
            run(f"delete from base.{table} where list_contains(?, {'id' if table == 'jobs' else 'job'})", [stale])
    for name, rows in batch.rows.items():
        insert(connection, name, rows)
    _credit(connection, [row[_place("units", "part")] for row in batch.rows["units"]], gone)
    for name in dict.fromkeys(name for name, _ in batch.arrow):
        given = pa.concat_tables([rows for one, rows in batch.arrow if one == name])
        insert_shards(connection, given) if name == "shards" else insert_arrow(connection, name, given)


def insert(connection: duckdb.DuckDBPyConnection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Add rows, in bulk."""
    if not rows:
        return
    schema = arrow_types(table)
    columns = [column(values, field.type) for values, field in zip(zip(*rows, strict=True), schema, strict=True)]
    insert_arrow(connection, table, pa.Table.from_arrays(columns, schema=schema))


def insert_arrow(connection: duckdb.DuckDBPyConnection, table: Table, rows: pa.Table) -> None:
    """Add the rows of an Arrow table that has the table's columns in order."""
    with _registered(connection, "given", rows):
        connection.execute(f"insert into base.{table} from given")


def insert_shards(connection: duckdb.DuckDBPyConnection, rows: pa.Table) -> None:
    """Add parts, each with the unit that made it."""
    with _registered(connection, "given", rows):
        connection.execute(f"""
            insert into base.shards select g.*, {", ".join(f"u.said.{c}" for c in CREDIT)}
            from given g left join ({_last_units("select part from given")}) u on u.part = g.part and u.corpus = g.corpus""")


def remove_tables(connection: duckdb.DuckDBPyConnection, ids: Iterable[int]) -> None:
    """Forget tables and all that is known of their parts."""
    gone = list(ids)
    for name in ("tables", "shards", "shard_columns", "table_columns"):
        connection.execute(f"delete from base.{name} where list_contains(?::ubigint[], table_id)", [gone])


def _credit(connection: duckdb.DuckDBPyConnection, parts: Sequence[Any], gone: Sequence[str]) -> None:
    """Say of parts that are there which unit made them, after these were made again or their jobs are gone."""
    touched = pa.table({"part": pa.array([p for p in parts if isinstance(p, str)], pa.string())})
    with _registered(connection, "touched", touched):
        found = connection.sql(
            "select distinct part from base.shards where part in (from touched) or list_contains(?, job)",
            params=[list(gone)],
        ).to_arrow_table()
    if not found.num_rows:
        return
    with _registered(connection, "touched", found):
        connection.execute(f"""
            update base.shards as s set {", ".join(f"{c} = u.said.{c}" for c in CREDIT)} from (
                select t.corpus, t.part, l.said from (select distinct corpus, part from base.shards where part in (from touched)) t
                left join ({_last_units("from touched")}) l on l.corpus = t.corpus and l.part = t.part) u
            where s.part = u.part and s.corpus = u.corpus""")


def _last_units(parts: str) -> str:
    """A query for the last unit of each corpus and part, of those that `parts` selects."""
    return f"""
        select j.corpus, u.part, arg_max({{{", ".join(f"{c}: u.{c}" for c in CREDIT)}}}, (u.job, u.event)) as said
        from base.units u join base.jobs j on j.id = u.job where u.part in ({parts}) group by all"""


@contextmanager
def _registered(connection: duckdb.DuckDBPyConnection, name: str, rows: pa.Table) -> Iterator[None]:
    connection.register(name, rows)
    try:
        yield
    finally:
        connection.unregister(name)


def _place(table: Table, name: str) -> int:
    found: int = arrow_types(table).get_field_index(name)
    return found
