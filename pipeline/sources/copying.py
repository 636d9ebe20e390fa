"""Taking Parquet in whole, for an input that may vanish: a verbatim copy of its row groups beside the ids."""

from __future__ import annotations

import json
from functools import partial
from itertools import accumulate
from pathlib import Path

import pyarrow as pa

from pipeline.sources.footers import chunk_fault
from pipeline.sources.listing import as_listed
from pipeline.sources.pages import Faults, Unreadable, decode, faults, reader
from pipeline.sources.parquet import ParquetUnit, Piece, give_up, register
from pipeline.storage.parquet import parquet_writer
from pipeline.storage.part import PartRecord
from pipeline.storage.shard import part_key
from pipeline.storage.store import Store

GROUPS_KEY = b"winnow.copied_groups"


def copy_path(corpus: str, unit: ParquetUnit) -> str:
    """Where a unit's copy lies."""
    return Store.part(corpus, "text", part_key("copy", unit.key))


def copy_in(store: Store, corpus: str, unit: ParquetUnit) -> PartRecord:
    """Copy one unit's readable row groups with all their columns, then take them in as if they lay there."""
    path, (piece,) = copy_path(corpus, unit), unit.pieces
    with as_listed(piece.file):
        fault = chunk_fault(piece.file.path, None)
    if fault is not None:
        return give_up(store, unit, "corrupt_page", fault)
    if not store.exists(path):
        try:
            _commit(store, path, piece, {})
        except Unreadable:
            with as_listed(piece.file):
                bad = faults(piece.file.path, None, piece.first, len(piece.groups))
            _commit(store, path, piece, bad)
    told = json.loads(store.parquet(path).metadata.metadata[GROUPS_KEY])
    edges = (0, *accumulate(told["groups"]))
    return register(store, unit, {int(g): (r, d) for g, (r, d) in told["bad"].items()}, edges)


def _commit(store: Store, path: str, piece: Piece, bad: Faults) -> None:
    store.commit_rows(path, partial(_write, piece=piece, bad=bad))


def _write(temporary: Path, piece: Piece, bad: Faults) -> int:
    """The rows of row groups that are not bad."""
    with as_listed(piece.file):
        return _write_groups(temporary, piece, bad)


def _write_groups(temporary: Path, piece: Piece, bad: Faults) -> int:
    source = reader(piece.file.path, None)
    groups = [0] * len(piece.groups)
    with parquet_writer(temporary, _plain(source.parquet.schema_arrow)) as writer:
        for offset in range(len(groups)):
            if piece.first + offset not in bad and piece.groups[offset].rows:
                for table in decode(source, piece.first + offset):
                    writer.write_table(table, row_group_size=table.num_rows)
                    groups[offset] += 1
        writer.add_key_value_metadata({GROUPS_KEY: json.dumps({"groups": groups, "bad": bad}, sort_keys=True).encode()})
    return sum(g.rows for i, g in enumerate(piece.groups) if piece.first + i not in bad)


def _plain(schema: pa.Schema) -> pa.Schema:
    """The schema as `decode` gives it: dictionaries are decoded."""
    types = [f.type.value_type if pa.types.is_dictionary(f.type) else f.type for f in schema]
    return pa.schema([pa.field(f.name, t) for f, t in zip(schema, types, strict=True)])
