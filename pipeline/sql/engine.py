"""DuckDB as Winnow uses it: in memory, deterministic, and closed to the world where the SQL is a user's."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import duckdb
import pyarrow as pa

from pipeline.errors import PlanError, did_you_mean

REPLACED = "FileExpired"
"""What s3fs raises, and the engine quotes, where a file is another one than was opened."""
REPLACED_AT_MOST = 3
T = TypeVar("T")


def connect(threads: int | None = None) -> duckdb.DuckDBPyConnection:
    """An in-memory engine that neither installs nor loads anything."""
    connection = duckdb.connect(":memory:")
    connection.execute("set autoinstall_known_extensions=false; set autoload_known_extensions=false")
    connection.execute(
        "set enable_progress_bar=false; set preserve_insertion_order=true; set python_enable_replacements=false"
    )
    if threads is not None:
        # readers ahead are threads, too: 8 for each engine
        connection.execute(f"set threads={threads}; set async_threads=0")
    return connection


@cache
def worker_engine() -> duckdb.DuckDBPyConnection:
    """One engine per worker process, on one thread (the executor owns the cores), that cannot touch a file."""
    connection = connect(threads=1)
    connection.execute("set enable_external_access=false")
    return connection


def query(sql: str, **tables: pa.Table) -> pa.Table:
    """Run one statement over Arrow tables in this process's worker engine; rows keep the order of their table."""
    engine = worker_engine()
    try:
        for name, table in tables.items():
            engine.register(name, table)
        return engine.sql(sql).to_arrow_table()
    finally:
        for name in tables:
            engine.unregister(name)


def check_expression(sql: str, schema: pa.Schema, what: str, wants: str | None = None) -> None:
    """Bind an expression against a schema without running it; `wants` is the type it must have."""
    empty = schema.empty_table()
    try:
        made = (
            query(f"select {sql} as said from rows", rows=empty)
            if wants
            else query(f"select * from rows order by {sql}", rows=empty)
        )
    except duckdb.Error as error:
        said = str(error).split("\n")[0]
        names = [*schema.names, *(f"{f.name}.{c.name}" for f in schema if pa.types.is_struct(f.type) for c in f.type)]
        raise PlanError(f"{what}: {said}. There are: {', '.join(names)}{_near(said, names)}") from None
    if wants and str(made.schema.field("said").type) != wants:
        raise PlanError(f"{what}: {sql!r} is {made.schema.field('said').type}, expected {wants}")


def _near(said: str, names: list[str]) -> str:
    quoted = said.split('"')
    return did_you_mean(quoted[1], names) if len(quoted) > 2 else ""


def rows_as_dicts(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: list[Any] | None = None
) -> list[dict[str, Any]]:
    """A small result as Python values."""
    found: list[dict[str, Any]] = again(
        lambda: connection.sql(sql, params=parameters or []).to_arrow_table()
    ).to_pylist()
    return found


def again(ask: Callable[[], T]) -> T:
    """The answer to a question, which is asked again where another process replaced a file of a bucket while it was read, as a
    takedown does. (In a folder, what is open stays as it was.)"""
    for _ in range(REPLACED_AT_MOST):
        try:
            return ask()
        except duckdb.Error as error:
            if REPLACED not in str(error):
                raise
    return ask()
