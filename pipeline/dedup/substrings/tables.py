"""Runs, groups and matches as they lie in tables: reading and writing what the arrays of this folder are."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.dedup.substrings.matches import Groups, Matches, Places
from pipeline.dedup.substrings.schema import SUBSTRING_GROUPS_TABLE, SUBSTRING_MATCHES_TABLE, SUBSTRINGS_TABLE
from pipeline.dedup.substrings.substrings import Rows, Runs
from pipeline.dedup.survivors import ShardSurvivors
from pipeline.schema import TableColumn, arrow_schema
from pipeline.storage.store import Store


def runs_table(runs: Runs) -> pa.Table:
    return _table(SUBSTRINGS_TABLE, runs)


def read_runs(store: Store, path: str, survivors: ShardSurvivors) -> Runs:
    """The runs of a shard's documents that take part, in the shard's order."""
    table = store.read_table(path)
    found = Runs(*(table.column(c.name).to_numpy() for c in SUBSTRINGS_TABLE))
    among = survivors.among(store, found.row)
    return found if among is None else found.take(among)


def groups_table(groups: Groups) -> pa.Table:
    return _table(SUBSTRING_GROUPS_TABLE, groups)


def as_groups(table: pa.Table) -> Groups:
    """The rows of `substring_groups`, in their order."""
    names = ("shard", "anchor", "context", "windows", "number", "mixed", "source")
    columns = {n: _column(table, n) for n in names}
    return Groups(**columns, first=_places(table, "first"), last=_places(table, "last"))


def matches_table(shard: Rows, matches: Matches) -> pa.Table:
    """By shard, in the order of the matches."""
    order = np.argsort(shard, kind="stable")
    made = _table(SUBSTRING_MATCHES_TABLE[1:], matches.take(order))
    return made.add_column(0, arrow_schema(SUBSTRING_MATCHES_TABLE[:1]).field(0), pa.array(shard[order]))


def read_matches(store: Store, paths: tuple[str, ...], shard: int) -> Matches:
    """What the parts of `substring_matches`, by rising ranges of anchors, say of one shard."""
    columns = [c.name for c in SUBSTRING_MATCHES_TABLE]
    table = pa.concat_tables([store.read_shard(p, shard, columns) for p in paths])
    found = {n: _column(table, n) for n in ("anchor", "context", "begin", "end")}
    return Matches(**found, first=_places(table, "first"), last=_places(table, "last"))


def _table(columns: tuple[TableColumn, ...], value: object) -> pa.Table:
    arrays = []
    for c in columns:
        which, _, name = c.name.partition("_")
        found = getattr(getattr(value, which), name) if which in ("first", "last") else getattr(value, c.name)
        arrays.append(pa.array(found))
    return pa.table(arrays, schema=arrow_schema(columns))


def _places(table: pa.Table, which: str) -> Places:
    return Places(*(_column(table, f"{which}_{n}") for n in ("shard", "row", "start")))


def _column(table: pa.Table, name: str) -> npt.NDArray[Any]:
    found: npt.NDArray[Any] = table.column(name).combine_chunks().to_numpy(zero_copy_only=False)
    return found
