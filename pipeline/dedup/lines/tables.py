"""Lines as they lie in tables: reading and writing what `pipeline.dedup.lines.lines` works on."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from pipeline.dedup.lines.lines import Found, Repeated
from pipeline.dedup.lines.schema import LINE_COUNTS_TABLE, LINES_TABLE
from pipeline.dedup.survivors import ShardSurvivors
from pipeline.schema import arrow_schema
from pipeline.storage.store import Store


def lines_table(lines: Found) -> pa.Table:
    arrays = [lines.row, lines.start, lines.size, lines.hash, lines.flags]
    return pa.table([pa.array(a) for a in arrays], schema=arrow_schema(LINES_TABLE))


def read_lines(store: Store, path: str, survivors: ShardSurvivors) -> Found:
    """The lines of a shard's documents that take part, in the shard's order."""
    table = store.read_table(path)
    found = Found(*(table.column(c.name).to_numpy() for c in LINES_TABLE))
    among = survivors.among(store, found.row)
    return found if among is None else found.take(among)


def read_hashes(
    store: Store, path: str, survivors: ShardSurvivors
) -> tuple[np.ndarray[tuple[int], np.dtype[np.uint64]], np.ndarray[tuple[int], np.dtype[np.int32]]]:
    """(hash u64[N], row i32[N]) of the lines that take part, in the shard's order; those without a hash left out."""
    table = store.read_table(path, columns=["row", "hash"])
    row, hashes = table.column("row").to_numpy(), table.column("hash").to_numpy()
    among = survivors.among(store, row)
    chosen = hashes != 0 if among is None else (hashes != 0) & among
    return hashes[chosen], row[chosen]


def counts_table(found: Repeated) -> pa.Table:
    arrays = [found.shard, found.hash, found.stays, found.count, found.first_shard, found.first_row]
    return pa.table([pa.array(a) for a in arrays], schema=arrow_schema(LINE_COUNTS_TABLE))


def read_counts(store: Store, paths: tuple[str, ...], shard: int) -> Repeated:
    """What the parts of a counts table, by rising ranges of hashes, say of one shard; hashes ascending."""
    columns = [c.name for c in LINE_COUNTS_TABLE]
    table = pa.concat_tables([store.read_shard(p, shard, columns) for p in paths])
    return Repeated(*(table.column(c).to_numpy() for c in columns))
