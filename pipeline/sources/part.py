"""Writing a part of the text table, and what its footer says: the runs of rows that become shards, and the tally."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.errors import IntegrityError
from pipeline.sources.rows import Tally
from pipeline.stage import counts_metadata
from pipeline.storage.files import of_bucket
from pipeline.storage.naming import set_aside
from pipeline.storage.parquet import parquet_writer
from pipeline.storage.part import PartRecord
from pipeline.storage.store import Store

FOOTER_KEY = b"winnow.ingest"
GROUP_ROWS = 65_536
RUN_ROWS = 500_000
"""Rows of a shard, about: what is said of each takes memory, too, however short they are."""
Sources = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Run:
    """Rows that become one shard: row groups [first, last) of the part. sources: where the text stays in the unit's files: which of
    them, and row groups [first, last) of that."""

    first: int
    last: int
    sources: Sources
    readable: bool
    rows: int
    text_bytes: int


class PartWriter:
    """Gathers rows into row groups and runs. Every run begins a row group, so that a shard is a slice."""

    def __init__(self, writer: pq.ParquetWriter, group_bytes: int) -> None:
        self.tally = Tally()
        self.runs: list[Run] = []
        self.run_bytes = 0
        self._writer = writer
        self._group_bytes = group_bytes
        self._held: list[pa.Table] = []
        self._held_rows = self._held_bytes = 0
        self.rows = self._groups = self._run_first = self._run_rows = 0

    def add(self, rows: pa.Table) -> None:
        """Take rows of the part's schema."""
        text_bytes = pc.sum(rows.column("text_bytes")).as_py() or 0
        self._held.append(rows)
        self.rows += rows.num_rows
        self._held_rows += rows.num_rows
        self._held_bytes += text_bytes
        self._run_rows += rows.num_rows
        self.run_bytes += text_bytes
        if self._held_rows >= GROUP_ROWS or self._held_bytes >= self._group_bytes:
            self._flush()

    def full(self, run_bytes: int) -> bool:
        """Whether what was added since the last run is enough for a shard, by its text or by its rows."""
        return self.run_bytes >= run_bytes or self._run_rows >= RUN_ROWS

    def end_run(self, sources: Sources = (), readable: bool = True) -> None:
        """What was added since the last call is one shard."""
        self._flush()
        if self._run_rows:
            run = Run(self._run_first, self._groups, sources, readable, self._run_rows, self.run_bytes)
            self.runs.append(run)
        self._run_first, self._run_rows, self.run_bytes = self._groups, 0, 0

    def close(self) -> None:
        """Write the footer's account."""
        told = {"runs": [dataclasses.asdict(r) for r in self.runs], "tally": dataclasses.asdict(self.tally)}
        self._writer.add_key_value_metadata(
            {FOOTER_KEY: json.dumps(told, sort_keys=True).encode(), **counts_metadata(self.tally.counts)}
        )

    def _flush(self) -> None:
        if self._held_rows:
            table = pa.concat_tables(self._held)
            self._writer.write_table(table, row_group_size=table.num_rows)
            self._groups += 1
        self._held, self._held_rows, self._held_bytes = [], 0, 0


def commit_rows(
    store: Store, key: str, path: str, schema: pa.Schema, group_bytes: int, fill: Callable[[PartWriter], None]
) -> PartRecord:
    """Commit a part whose rows `fill` adds, one row group in memory at a time."""

    def write(temporary: Path) -> int:
        with parquet_writer(temporary, schema) as writer:
            out = PartWriter(writer, group_bytes)
            fill(out)
            out.close()
        return out.rows

    return store.commit_part(key, path, write)


def read_account(store: Store, path: str) -> tuple[list[Run], Tally]:
    """The runs and the tally of a committed part. One whose footer tells none is set aside: no manifest lists it yet, so that nobody else
    would find it."""
    try:
        told: dict[str, Any] = json.loads(store.parquet(path).metadata.metadata[FOOTER_KEY])
        runs = [Run(**{**r, "sources": tuple(map(tuple, r["sources"]))}) for r in told["runs"]]
        return runs, Tally(**told["tally"])
    except (OSError, LookupError, TypeError, ValueError, pa.ArrowException) as error:
        if of_bucket(error) is not None:
            raise
        if store.exists(path):
            set_aside(store, path)
        raise IntegrityError(
            f"{store.full(path)}: damaged or gone since it was written ({type(error).__name__}: {error}). Run the same command again: "
            "only this part is made anew"
        ) from error
