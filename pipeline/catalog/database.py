"""The persistent catalog: one DuckDB file with one writer, a cache of the files of a workspace."""

from __future__ import annotations

import contextlib
import gc
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import duckdb

from pipeline.catalog import opening
from pipeline.catalog.copying import Copier
from pipeline.catalog.opening import Damaged
from pipeline.catalog.snapshots import Snapshots
from pipeline.catalog.taking import is_taken_in, take_in
from pipeline.errors import IntegrityError
from pipeline.sql.engine import rows_as_dicts
from pipeline.storage.store import Store

T = TypeVar("T")


@dataclass(frozen=True)
class Counts:
    """Rows of a catalog."""

    jobs: int
    tables: int
    shards: int
    shard_columns: int
    units: int


class Catalog:
    """The one writer of a catalog file. Safe between threads: refreshing is one at a time, reads have cursors of their
    own. A file that cannot be used is set aside and made anew, at opening and whenever it shows. CatalogHeld where
    another process has the file."""

    def __init__(self, store: Store, path: Path) -> None:
        self.store = store
        self.path = path
        self._writing = threading.RLock()
        self._generation = 0
        self._reads = self._reads_before = 0
        self._connection = self._open()
        self._copier: Copier | None = None
        self._snapshots = Snapshots(path.parent / "snapshots")
        self.refresh()

    def refresh(self, job_id: str | None = None) -> None:
        """Take in what the files say since last time: of all jobs, or of one."""
        with self._writing:
            if self._mended(lambda cursor: take_in(cursor, self.store, job_id)):
                self._generation += 1

    def follow(self, job_id: str) -> None:
        """Take in what the files say of one job, unless the catalog has it: then whatever else is being taken in is not
        waited for."""
        if not self._mended(lambda cursor: is_taken_in(cursor, self.store, job_id)):
            self.refresh(job_id)

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """A read of the views, and of the tables in schema base."""
        self._reads += 1
        return self._mended(lambda cursor: _rows(cursor, sql, parameters))

    def counts(self) -> Counts:
        """How much there is."""
        return self._mended(count)

    def snapshot(self, max_age_s: float = 5.0) -> Path:
        """A copy that others may open read-only, at most about `max_age_s` behind the catalog. It stays until two newer
        ones are there. Calls at once share one copy."""
        return self._snapshots.newest(max_age_s, lambda: self._generation, self._copy)

    def rest(self) -> None:
        """Give back the memory of what was read, if nobody read anything since the last call."""
        if self._reads == self._reads_before:
            self._mended(opening.give_back)
        self._reads_before = self._reads

    def close(self) -> None:
        """Let go of the file."""
        with self._writing:
            self._snapshots.close()
            opening.shut(self._connection)
            self._let_go()

    def _open(self) -> duckdb.DuckDBPyConnection:
        if not self.path.exists() and not opening.wal(self.path).exists():
            rebuild(self.store, self.path)
        try:
            return opening.open_file(self.path, self.store.root)
        except Damaged as error:
            opening.set_aside(self.path, str(error))
        rebuild(self.store, self.path)
        return opening.open_file(self.path, self.store.root)

    def _mended(self, work: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        """Do it; if the file turns out to be damaged, make it anew and do it again."""
        used = self._connection
        try:
            return work(_cursor(used))
        except duckdb.Error as error:
            opening.check_space(error, self.path)
            with self._writing:
                if self._connection is used:  # else another thread has done so
                    if not opening.is_damage(error):
                        raise
                    used.close()
                    if not opening.was_full(
                        error
                    ):  # a disk that was full left the file whole: opening looks at all of it
                        opening.set_aside(self.path, str(error).split("\n")[0])
                    self._connection = self._open()
                    self._generation += 1
            return work(_cursor(self._connection))

    def _copy(self, path: Path) -> None:
        with self._writing:
            self._mended(lambda cursor: cursor.execute("checkpoint published"))
            if opening.wal(self.path).exists():
                raise IntegrityError(f"{self.path}: its log does not empty, so that no copy can be made; ask again")
            if self._copier is None or not self._copier.is_of(self.path):
                self._let_go()
                self._copier = Copier(self.path)
            self._copier.copy(path)

    def _let_go(self) -> None:
        if self._copier is not None:
            self._copier.close()
            self._copier = None


def rebuild(store: Store, path: Path) -> Counts:
    """Make the catalog from the files alone, beside what is there, and put it in its place. CatalogHeld where a process
    has the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        with contextlib.suppress(Damaged):
            opening.open_file(path, store.root).close()
    for left in path.parent.glob(f"{path.name}.building*"):
        left.unlink(missing_ok=True)
    made = path.with_name(f"{path.name}.building-{os.getpid()}")
    try:
        found = _fill(made, store)
        opening.wal(path).unlink(missing_ok=True)
        os.replace(made, path)
    finally:
        for left in (made, opening.wal(made)):
            left.unlink(missing_ok=True)
    return found


def _fill(made: Path, store: Store) -> Counts:
    connection = opening.make_file(made, store.root)
    collecting = gc.isenabled()
    gc.disable()  # it would look at millions of rows again and again: a seventh of the time
    try:
        take_in(connection, store)
        return count(connection)
    finally:
        opening.shut(connection)
        if collecting:
            gc.enable()


def _cursor(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    cursor = connection.cursor()
    cursor.execute("use published")
    return cursor


def _rows(cursor: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[Any]) -> list[dict[str, Any]]:
    """Small answers: a third less time than by way of Arrow."""
    found = cursor.execute(sql, list(parameters))
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def count(connection: duckdb.DuckDBPyConnection) -> Counts:
    """Rows of the catalog that a connection has in use."""
    names = Counts.__dataclass_fields__
    said = ", ".join(f"(select count(*) from base.{name}) as {name}" for name in names)
    return Counts(**rows_as_dicts(connection, f"select {said}")[0])
