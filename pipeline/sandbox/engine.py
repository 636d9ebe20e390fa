"""The engine a stranger's statement runs in: the views of one job opened first, then everything closed.

DuckDB's allow-list of paths is for reading and writing alike: it holds the job's own parts and nothing else, and what
keeps them from being written is the gate, and the process around this (sandbox/confine).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import duckdb

from pipeline.catalog.chosen import Tables, choose_job, every_table, sound_jobs, tables_of
from pipeline.catalog.views import OVER_ALL_JOBS, VIEWS, view_logs, view_tables
from pipeline.rules import quoted
from pipeline.sandbox.grammar import NAME
from pipeline.sandbox.limits import Limits
from pipeline.sql.engine import connect
from pipeline.storage.store import Store

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


def open_job(store: Store, job_id: str | None, snapshot: str | None, sql: str | None = None) -> Opened:
    """The views over a job, and over a published snapshot of the catalog: its tables stand for views of the same name.

    sql: beside a snapshot, views of the job are only opened where the statement has their names in it; all are where it
    is None. A question about `jobs` then needs no job at all.
    """
    # threads of an engine are made when it is: more come after the process is confined, and are confined with it
    connection = connect(threads=1)
    published = _attach(connection, snapshot) if snapshot else frozenset[str]()
    wanted = frozenset(VIEWS) - published
    if snapshot and sql is not None:
        wanted &= frozenset(re.findall(r"\w+", sql.lower()))
    files: tuple[str, ...] = (snapshot,) if snapshot else ()
    if wanted or not snapshot:
        job = choose_job(store, job_id or _latest(connection, published))
        tables = tables_of(store, job)
        if store.remote:
            connection.register_filesystem(store.fs)
        view_tables(connection, store, tables)
        if wanted & OVER_ALL_JOBS:  # every log is read for them
            view_logs(connection, list(sound_jobs(store)), every_table(store, job))
        files += _part_paths(store, tables)
    for name, value in SETTINGS.items():
        connection.execute(f"set {name}={value}")
    _publish(connection, published)
    return Opened(connection, files, frozenset(VIEWS) | published)


def _latest(connection: duckdb.DuckDBPyConnection, published: frozenset[str]) -> str | None:
    """The job that is meant where none is named, by the snapshot: as views.choose_job says, without reading any file."""
    if "job_tables" not in published:
        return None
    found = connection.execute(
        "select job from published.main.job_tables group by job "
        "order by bool_or(stage = 'mix') desc, bool_or(stage = 'notes') desc, bool_or(stage = 'text') desc, job desc limit 1"
    ).fetchall()  # all of it: a result that is not read to its end keeps the connection from other work
    return str(found[0][0]) if found else None


def _part_paths(store: Store, tables: Tables) -> tuple[str, ...]:
    """Every file that the views over these tables read, as the file system knows it."""
    paths = [shard.ids.path for shard in tables.text.shards]
    decided = (tables.verdict, tables.dedup, tables.mix, tables.cuts, tables.substring_cuts)
    for table in (*tables.notes, *decided, *tables.small.values()):
        paths += [part.path for part in table.parts] if table is not None else []
    return tuple(store.full(path) for path in dict.fromkeys(paths))


def _attach(connection: duckdb.DuckDBPyConnection, snapshot: str) -> frozenset[str]:
    """Names of what a snapshot publishes, in lower case."""
    connection.execute(f"attach {quoted(snapshot)} as published (read_only)")
    rows = connection.execute(
        "select table_name from duckdb_tables() where database_name = 'published' and schema_name = 'main' "
        "union all select view_name from duckdb_views() where database_name = 'published' and schema_name = 'main' and not internal"
    ).fetchall()
    return frozenset(name.lower() for (name,) in rows if NAME.fullmatch(name))


def _publish(connection: duckdb.DuckDBPyConnection, names: frozenset[str]) -> None:
    """Let the snapshot's tables stand under their names, in place of views over files."""
    kinds = dict(
        connection.execute("select table_name, 'table' from duckdb_tables() where database_name = 'memory'").fetchall()
    )
    for name in sorted(names):
        connection.execute(f"drop {kinds.get(name, 'view')} if exists memory.main.{name}")
        connection.execute(f"create view memory.main.{name} as from published.main.{name}")


def close(opened: Opened, limits: Limits) -> None:
    """Close the engine to all but its own files, for good."""
    run = opened.connection.execute
    run(f"set memory_limit='{limits.memory_bytes}B'")
    run(f"set threads={limits.threads}")
    run(f"set allowed_paths=[{', '.join(quoted(f) for f in opened.files)}]")
    run("set enable_external_access=false")
    run("set lock_configuration=true")
