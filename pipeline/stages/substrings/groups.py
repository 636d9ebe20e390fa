"""substring_groups: which runs of windows may repeat something, and where each lies first and last. One unit a range of
anchors, which reads that range from every shard and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from pipeline.dedup.ranges import range_units, read_range, write_by_shard
from pipeline.dedup.substrings.matches import groups_of
from pipeline.dedup.substrings.schema import SUBSTRING_KEYS_TABLE
from pipeline.dedup.substrings.substrings import Keys
from pipeline.dedup.substrings.tables import groups_table
from pipeline.stage import Stage, add_counts
from pipeline.storage.manifest import Manifest
from pipeline.storage.part import PartRecord
from pipeline.storage.shard import part_key
from pipeline.storage.store import Store
from pipeline.unit import Unit

FORMAT = 2


@dataclass(frozen=True)
class SubstringGroups(Stage):
    """Runs whose anchor the documents taking part hold more than once."""

    store: Store
    keys: Manifest
    kind = "substring_groups"

    @property
    def corpus(self) -> str:
        return self.keys.corpus

    @property
    def key(self) -> str:
        return part_key(self.kind, FORMAT, self.keys.key)

    def units(self) -> list[Unit]:
        return range_units(self, "anchors", int(self.keys.details["ranges"]), self.keys.bytes)

    def task(self) -> Callable[[Any], PartRecord]:
        return partial(_group, self.store, tuple(p.path for p in self.keys.parts))

    def finish(self, parts: list[PartRecord]) -> Manifest:
        rows = sum(p.rows for p in parts)
        return Manifest(
            self.kind, self.key, self.corpus, tuple(parts), rows, {"groups": rows},
            inputs={"substring_keys": self.keys.key}, details={"contexts": add_counts(parts).get("contexts", 0)},
        )  # fmt: skip


def _group(store: Store, shards: tuple[str, ...], payload: tuple[str, str, int, int]) -> PartRecord:
    key, path, n, ranges = payload
    names = [c.name for c in SUBSTRING_KEYS_TABLE]
    keys, shard = read_range(store, shards, "anchor", n, ranges, names)
    groups = groups_of(shard, Keys(*(keys.column(c).to_numpy() for c in names)))
    table = groups_table(groups)
    counts = {"groups": table.num_rows, "contexts": int(groups.source.sum())}
    return write_by_shard(store, key, path, table, counts)
