"""The catalog's file: opening it checked, setting aside what cannot be used, letting go of it."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import uuid
from pathlib import Path

import duckdb

from pipeline.catalog.schema import COLUMNS, statements, version
from pipeline.errors import CatalogHeld, StorageError
from pipeline.rules import quoted
from pipeline.sql.engine import connect

log = logging.getLogger(__name__)

MEMORY, RESTING_MEMORY = "1GB", "16MB"
THREADS = 2
KEPT_ASIDE = 3
"""Files set aside that stay for inspection; older ones go."""

SPACE_BYTES = 4 << 20
"""Free bytes with which it is worth opening the file again after the disk was full."""

DAMAGE = (duckdb.InternalException, duckdb.FatalException, duckdb.IOException, duckdb.SerializationException)


class Damaged(Exception):
    """A file that is no catalog, or not one of this version, or not as it was written. The words say which."""


def open_file(path: Path, workspace: str) -> duckdb.DuckDBPyConnection:
    """An engine with the catalog in use, every block of it read once. Raises Damaged, or CatalogHeld where another
    process writes it."""
    connection = _engine(path)
    try:
        _attach(connection, path)
        tables = connection.execute("select table_name from duckdb_tables() where schema_name = 'base'").fetchall()
        if ("about",) not in tables:
            raise Damaged("no catalog is in it")
        about = connection.execute("select version, workspace from base.about").fetchall()
        if about != [(version(), workspace)]:
            raise Damaged(f"it is {about}, expected version {version()} of {workspace}")
        for table in COLUMNS:  # a checksum is looked at when its block is read
            connection.execute(f"select bit_xor(hash(t)) from base.{table} t").fetchall()
        give_back(connection)
    except duckdb.Error as error:
        connection.close()
        raise Damaged(str(error).split("\n")[0]) from error
    except BaseException:
        connection.close()
        raise
    return connection


def make_file(path: Path, workspace: str) -> duckdb.DuckDBPyConnection:
    """An engine with a new, empty catalog in use."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = _engine(path)
    _attach(connection, path)
    for statement in statements():
        connection.execute(statement)
    connection.execute("insert into base.about values (?, ?)", [version(), workspace])
    connection.execute("checkpoint")
    return connection


def shut(connection: duckdb.DuckDBPyConnection) -> None:
    """Write what is in the log into the file, and let go of it."""
    with contextlib.suppress(duckdb.Error):
        connection.execute("checkpoint published")
    connection.close()


def give_back(connection: duckdb.DuckDBPyConnection) -> None:
    """Let go of blocks that were read and are not in use: those of a file with a million shards are 400 MB."""
    with contextlib.suppress(duckdb.OutOfMemoryException):  # more than that is in use
        connection.execute(f"set memory_limit='{RESTING_MEMORY}'")
    connection.execute(f"set memory_limit='{MEMORY}'")


def wal(path: Path) -> Path:
    """DuckDB's log beside its file."""
    return path.with_name(path.name + ".wal")


def set_aside(path: Path, reason: str) -> None:
    """Rename a file and its log, and say why."""
    suffix = f".aside-{uuid.uuid4().hex[:8]}"
    log.warning("catalog %s is set aside as %s: %s", path, path.name + suffix, reason)
    for one in (path, wal(path)):
        with contextlib.suppress(FileNotFoundError):
            os.replace(one, one.with_name(one.name + suffix))
    old = sorted(path.parent.glob(f"{path.name}*.aside-*"), key=lambda p: p.stat().st_mtime_ns)
    for one in old[: -2 * KEPT_ASIDE]:
        one.unlink(missing_ok=True)


def is_damage(error: duckdb.Error) -> bool:
    """Whether DuckDB says that the file is not what it wrote. A wrong checksum comes as the base class of its errors."""
    return isinstance(error, DAMAGE) or "corrupt" in str(error).lower()


def was_full(error: duckdb.Error) -> bool:
    """Whether it comes from a disk that was full: the engine refuses all that follows, too, until the file is opened again."""
    return re.search("no space left|disk quota", str(error), re.IGNORECASE) is not None


def check_space(error: duckdb.Error, path: Path) -> None:
    """A full disk is no damage: raise StorageError, unless there is space again."""
    if was_full(error) and not ("invalidated" in str(error) and shutil.disk_usage(path.parent).free > SPACE_BYTES):
        raise StorageError(f"the catalog cannot be written: no space is left; free some ({error})") from error


def _engine(path: Path) -> duckdb.DuckDBPyConnection:
    connection = connect(THREADS)
    connection.execute(f"set memory_limit='{MEMORY}'; set temp_directory={quoted(str(path) + '.spill')}")
    return connection


def _attach(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    try:
        connection.execute(f"attach {quoted(str(path))} as published")
    except duckdb.Error as error:
        if re.search("could not set lock|already attached", str(error), re.IGNORECASE):
            raise CatalogHeld(
                f"{path}: another process holds the catalog, most likely a running service; ask it, or stop it first ({error})"
            ) from error
        raise
    connection.execute("use published")
