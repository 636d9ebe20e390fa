"""Text that lies in the workspace itself (converted input, copies), taken out of the rows that are taken down.

The one place where a committed part is written again. Its rows stay, and so does every other byte of them; the manifests
that list it say its new size and digest. Text in the user's own files is the user's.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.dedup.documents.references import JOINED
from pipeline.schema import METADATA_COLUMN
from pipeline.storage import naming
from pipeline.storage.manifest import Manifest, manifest_path, tables
from pipeline.storage.parquet import parquet_writer
from pipeline.storage.part import PartRecord
from pipeline.storage.shard import Shard, read_ids
from pipeline.storage.store import Store
from pipeline.storage.turns import Check, in_turn
from pipeline.takedown.committing import mark_emptied
from pipeline.takedown.tombstones import COLUMNS, Tombstones, tombstones_of

Rows = npt.NDArray[np.int64]

TURNS = "locks/erasing"
"""Where it is told whose turn it is, of a workspace."""


def erase(store: Store, text: Manifest) -> int:
    """Empty the text of what is taken down, wherever this table's text lies in the workspace. Returns how many parts were
    written again; those that hold none of it any more are only read."""
    # one at a time, and by the records as they are in its turn: of two takedowns at once the one that ends last would
    # else write again what it read before the other emptied it. One in the workspace, not in a corpus: tables beside
    # reference sets list parts of several
    with in_turn(store, TURNS) as check:
        return _erase(store, text, tombstones_of(store, text.corpus), check)


def _erase(store: Store, text: Manifest, tombstones: Tombstones, check: Check) -> int:
    by_part: dict[str, list[Shard]] = {}
    for shard in text.shards:
        path = shard.texts[0].path
        if not path.startswith("/") and "://" not in path and shard.readable:
            by_part.setdefault(path, []).append(shard)
    written = 0
    for path, shards in by_part.items():
        rows = _rows_of_groups(store, shards, tombstones)
        if any(len(r) for r in rows.values()) and _holds_text(store, path, shards[0].column, rows):
            mark_emptied(store, text.corpus, path)
            _write_again(store, path, shards[0].column, rows, check)
            _list_again(store, path, check)
            written += 1
        elif any(p.path == path and p.bytes != store.size(path) for p in text.parts):
            _list_again(store, path, check)  # written again by one that was cut short before it said so
    return written


def _rows_of_groups(store: Store, shards: list[Shard], tombstones: Tombstones) -> dict[int, Rows]:
    """By row group of the part: its rows that are taken down."""
    found: dict[int, Rows] = {}
    for shard in shards:
        taken = tombstones.mask(read_ids(store, shard, list(COLUMNS)))
        start = 0
        metadata = store.parquet(shard.texts[0].path).metadata
        for group in shard.texts[0].groups:
            size = metadata.row_group(group).num_rows
            found[group] = np.flatnonzero(taken[start : start + size])
            start += size
    return found


def _holds_text(store: Store, path: str, column: str, rows: dict[int, Rows]) -> bool:
    parquet = store.parquet(path)
    for group, taken in rows.items():
        if len(taken):
            text = parquet.read_row_group(group, columns=[column]).column(0).take(pa.array(taken))
            if pc.any(pc.greater(pc.binary_length(text.combine_chunks()), 0)).as_py():
                return True
    return False


def _write_again(store: Store, path: str, column: str, rows: dict[int, Rows], check: Check) -> None:
    fresh = f"{path}.erased.parquet"
    store.remove(fresh)  # of an attempt that was cut short

    def write(temporary: Path) -> None:
        parquet = store.parquet(path)
        with parquet_writer(temporary, parquet.schema_arrow) as writer:
            for table in _without_text(store, path, column, rows):
                writer.write_table(table, row_group_size=max(1, table.num_rows))
            own = {k: v for k, v in (parquet.metadata.metadata or {}).items() if k != b"ARROW:schema"}
            writer.add_key_value_metadata(own)

    store.commit(fresh, write)
    check()
    naming.replace(store, fresh, path)


def _without_text(store: Store, path: str, column: str, rows: dict[int, Rows]) -> Iterator[pa.Table]:
    parquet = store.parquet(path)
    for group in range(parquet.metadata.num_row_groups):
        table = parquet.read_row_group(group)
        taken = np.zeros(table.num_rows, dtype=bool)
        taken[rows.get(group, np.zeros(0, np.int64))] = True
        for name, put in ((column, ""), (METADATA_COLUMN.name, None)):
            at = table.schema.get_field_index(name)
            if at >= 0 and taken.any():
                values = pc.if_else(pa.array(taken), pa.scalar(put, table.schema.field(at).type), table.column(at))
                table = table.set_column(at, table.schema.field(at), values)
        yield table


def _list_again(store: Store, path: str, check: Check) -> None:
    """Let every manifest that lists the part say what it is now: of any corpus, for reference sets are listed by others."""
    corpora = store.names("corpora")
    # text tables last: by them is seen that this was cut short
    for table in [t for kind in (JOINED, "text") for corpus in corpora for t in tables(store, corpus, kind)]:
        parts = tuple(_as_it_is(store, p) if p.path == path else p for p in table.parts)
        if parts != table.parts:
            check()
            told = dataclasses.asdict(dataclasses.replace(table, parts=parts))
            store.put_json(manifest_path(table.corpus, table.kind, table.key), told, durable=True)


def _as_it_is(store: Store, part: PartRecord) -> PartRecord:
    return store.record(part.key, part.path)
