"""line_counts: which lines the corpus repeats, how often, and where they are first. One unit a range of hashes, which
reads that range from every shard and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from pipeline.dedup.layout import ROW_GROUP_ROWS, layout
from pipeline.dedup.lines.lines import repeated
from pipeline.dedup.lines.tables import counts_table
from pipeline.dedup.ranges import range_units, read_range
from pipeline.stage import Stage, commit_part
from pipeline.storage.manifest import Manifest
from pipeline.storage.part import PartRecord
from pipeline.storage.shard import part_key
from pipeline.storage.store import Store
from pipeline.unit import Unit

FORMAT = 1


@dataclass(frozen=True)
class LineCounts(Stage):
    """Lines that the documents taking part hold more than max_count times; the first `keep` of them stay."""

    store: Store
    keys: Manifest
    max_count: int
    keep: int
    kind = "line_counts"

    @property
    def corpus(self) -> str:
        return self.keys.corpus

    @property
    def key(self) -> str:
        return part_key(self.kind, FORMAT, self.keys.key, self.max_count, self.keep)

    def units(self) -> list[Unit]:
        return range_units(self, "hashes", int(self.keys.details["ranges"]), self.keys.bytes)

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
    names = ["hash", "count", "first_row"]
    keys, shard = read_range(store, shards, "hash", n, ranges, names)
    hashes, count, first_row = (keys.column(c).to_numpy() for c in names)
    table = counts_table(repeated(shard, hashes, count, first_row, max_count, keep))
    counts = {"repeated": table.num_rows}
    return commit_part(store, key, path, table, counts, row_group_rows=ROW_GROUP_ROWS, **layout(table.schema))
