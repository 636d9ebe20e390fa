"""The engine a stranger's statement runs in: the views of one job opened first, then everything closed.

DuckDB's allow-list of paths is for reading and writing alike: it holds the job's own parts and nothing else, and what
keeps them from being written is the gate, and the process around this (sandbox/confine).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from pipeline.catalog.views import VIEWS, Tables, choose_job, open_catalog, tables_of
from pipeline.rules import quoted
from pipeline.sandbox.grammar import NAME
from pipeline.sandbox.limits import Limits
from pipeline.store import Store

SETTINGS = {
    "temp_directory": "''",  # a folder for spilling may be written and read by COPY, whatever else is closed
    "max_temp_directory_size": "'0KB'",
    "allow_community_extensions": "false",
    "allow_persistent_secrets": "false",
    "python_enable_replacements": "false",
    "enable_progress_bar": "false",
    "enable_external_file_cache": "false",
    "max_expression_depth": "250",
}


@dataclass(frozen=True)
class Opened:
    """A job's views, not yet closed to the world. files: what they read; tables: names that may be asked for."""

    connection: duckdb.DuckDBPyConnection
    files: tuple[str, ...]
    tables: frozenset[str]


def open_job(store: Store, job_id: str | None, snapshot: str | None) -> Opened:
    """The views over a job, and over a published snapshot of the catalog: its tables stand for views of the same name."""
    job = choose_job(store, job_id)
    # threads of an engine are made when it is: more come after the process is confined, and are confined with it
    connection = open_catalog(store, job.id, threads=1)
    for name, value in SETTINGS.items():
        connection.execute(f"set {name}={value}")
    files = _part_paths(store, tables_of(store, job))
    published = _attach(connection, snapshot) if snapshot else ()
    return Opened(connection, (*files, *([snapshot] if snapshot else [])), frozenset([*VIEWS, *published]))


def _part_paths(store: Store, tables: Tables) -> tuple[str, ...]:
    """Every file that the views over these tables read, as the file system knows it."""
    paths = [shard.ids.path for shard in tables.text.shards]
    for table in (*tables.notes, tables.verdict, tables.dedup, tables.mix, tables.cuts):
        paths += [part.path for part in table.parts] if table is not None else []
    return tuple(store.full(path) for path in dict.fromkeys(paths))


def _attach(connection: duckdb.DuckDBPyConnection, snapshot: str) -> Sequence[str]:
    connection.execute(f"attach {quoted(snapshot)} as published (read_only)")
    rows = connection.execute(
        "select table_name from duckdb_tables() where database_name = 'published' and schema_name = 'main' "
        "union all select view_name from duckdb_views() where database_name = 'published' and schema_name = 'main' and not internal"
    ).fetchall()
    names = [name for (name,) in rows if NAME.fullmatch(name)]
    kinds = dict(
        connection.execute("select table_name, 'table' from duckdb_tables() where database_name = 'memory'").fetchall()
    )
    for name in names:
        connection.execute(f"drop {kinds.get(name, 'view')} if exists memory.main.{name}")
        connection.execute(f"create view memory.main.{name} as from published.main.{name}")
    return [name.lower() for name in names]


def close(opened: Opened, limits: Limits) -> None:
    """Close the engine to all but its own files, for good."""
    run = opened.connection.execute
    run(f"set memory_limit='{limits.memory_bytes}B'")
    run(f"set threads={limits.threads}")
    run(f"set allowed_paths=[{', '.join(quoted(f) for f in opened.files)}]")
    run("set enable_external_access=false")
    run("set lock_configuration=true")
