"""A few documents by their place: what every table of a job says about them, read from the row groups that hold them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from pipeline.catalog.chosen import Tables
from pipeline.storage.files import told
from pipeline.storage.manifest import Manifest
from pipeline.storage.store import Store
from pipeline.takedown.hiding import hide_in_rows
from pipeline.takedown.tombstones import tombstones_of
from pipeline.totals.buckets import BUCKETS

Place = tuple[int, int]
"""(shard, row in it)."""


def rows_at(store: Store, tables: Tables, places: Sequence[Place], notes: bool = True) -> list[dict[str, Any]]:
    """One row a place, in their order: shard, row, the text table's columns without the text; copies, stage, reason and
    failed where they are decided; with `notes`, one struct a scorer, and the buckets."""
    by_shard: dict[int, list[int]] = {}
    for shard, row in sorted(set(places)):
        by_shard.setdefault(shard, []).append(row)
    found: dict[Place, dict[str, Any]] = {}
    for shard, rows in by_shard.items():
        for row, values in zip(rows, _of_shard(store, tables, shard, rows, notes), strict=True):
            found[shard, row] = {"shard": shard, "row": row, **values}
    return hide_in_rows([found[place] for place in places], tombstones_of(store, tables.text.corpus))


def _of_shard(store: Store, tables: Tables, index: int, rows: Sequence[int], notes: bool) -> list[dict[str, Any]]:
    shard = tables.text.shards[index]
    made = [dict[str, Any]() for _ in rows]
    _add(made, _taken(store, shard.ids.path, rows, None, shard.ids.groups))
    if tables.mix is not None:
        _add(made, _part(store, tables.mix, index, rows, ["copies", "stage", "reason"]))
    if tables.verdict is not None:
        with_buckets = [BUCKETS] if notes and "cuts" in tables.verdict.details else []
        _add(made, _part(store, tables.verdict, index, rows, ["failed", *with_buckets]))
    if notes:
        for table, aliases in zip(tables.notes, tables.aliases, strict=True):
            if not aliases:  # a pass that another stands in for
                continue
            _add(made, _part(store, table, index, rows, list(aliases)))
    return made


def _add(made: list[dict[str, Any]], table: pa.Table) -> None:
    for values, more in zip(made, table.to_pylist(), strict=True):
        values.update(more)


def _part(store: Store, table: Manifest, index: int, rows: Sequence[int], columns: list[str]) -> pa.Table:
    return _taken(store, table.parts[index].path, rows, columns)


def _taken(
    store: Store, path: str, rows: Sequence[int], columns: list[str] | None, groups: Sequence[int] | None = None
) -> pa.Table:
    """Rows of a part (of some of its row groups), in rising order."""
    with told(store.full(path)):
        parquet = store.parquet(path)
        columns = columns if columns is not None else [n for n in parquet.schema_arrow.names if n != "text"]
        pieces, start = [], 0
        for group in range(parquet.metadata.num_row_groups) if groups is None else groups:
            size = parquet.metadata.row_group(group).num_rows
            here = [r - start for r in rows if start <= r < start + size]
            if here:
                pieces.append(parquet.read_row_group(group, columns=columns).take(pa.array(here)))
            start += size
    return pa.concat_tables(pieces)
