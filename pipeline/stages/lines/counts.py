"""line_counts: which lines the corpus repeats, how often, and where they are first. One unit a range of hashes, which
reads that range from every shard and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from pipeline.dedup.lines.lines import range_bounds, repeated
from pipeline.dedup.lines.tables import ROW_GROUP_ROWS, counts_table, layout
from pipeline.stage import Stage, commit_part
from pipeline.storage.manifest import Manifest
from pipeline.storage.shard import part_key
from pipeline.storage.store import PartRecord, Store
from pipeline.unit import Unit

FORMAT = 1


@dataclass(frozen=True)
class LineCounts(Stage):
    """Lines that the documents taking part hold more than max_count times; the first `keep` of them stay."""

    store: Store
    keys: Manifest
    max_count: int
    keep: int
    kind: str = "line_counts"
    in_driver: bool = False

    @property
    def corpus(self) -> str:
        return self.keys.corpus

    @property
    def key(self) -> str:
        return part_key(self.kind, FORMAT, self.keys.key, self.max_count, self.keep)

    def units(self) -> list[Unit]:
        ranges = int(self.keys.details["ranges"])
        found = []
        for n in range(ranges):
            key = part_key(self.key, n)
            path = Store.part(self.corpus, self.kind, key)
            found.append(Unit(key, path, f"hashes {n} of {ranges}", self.keys.bytes // ranges, (key, path, n, ranges)))
        return found

    def task(self) -> Callable[[Any], PartRecord]:
        return partial(_count, self.store, tuple(p.path for p in self.keys.parts), self.max_count, self.keep)

    def finish(self, parts: list[PartRecord]) -> Manifest:
        rows = sum(p.rows for p in parts)
        return Manifest(
            self.kind, self.key, self.corpus, tuple(parts), rows, {"repeated": rows},
            inputs={"line_keys": self.keys.key}, parameters={"max_count": self.max_count, "keep": self.keep},
        )  # fmt: skip


def _count(
    store: Store, shards: tuple[str, ...], max_count: int, keep: int, payload: tuple[str, str, int, int]
) -> PartRecord:
    key, path, n, ranges = payload
    low, high = range_bounds(n, ranges)
    shard, hashes, count, first_row = [], [], [], []
    for i, keys_path in enumerate(shards):
        table = store.rows_between(keys_path, "hash", low, high, ["hash", "count", "first_row"])
        shard.append(np.full(table.num_rows, i, np.int32))
        hashes.append(table.column("hash").to_numpy())
        count.append(table.column("count").to_numpy())
        first_row.append(table.column("first_row").to_numpy())
    places, rows = np.concatenate(shard), np.concatenate(first_row)
    found = repeated(places, np.concatenate(hashes), np.concatenate(count), rows, max_count, keep)
    table = counts_table(found)
    counts = {"repeated": table.num_rows}
    return commit_part(store, key, path, table, counts, row_group_rows=ROW_GROUP_ROWS, **layout(table.schema))
