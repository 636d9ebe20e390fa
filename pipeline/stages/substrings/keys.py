"""substring_keys: the different runs of each shard's documents that take part, sorted, so that a range of anchors can be read
from every shard alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa

from pipeline.dedup.ranges import groups_for, ranges_for, row_bytes, write_by_range
from pipeline.dedup.substrings.schema import SUBSTRING_GROUPS_TABLE, SUBSTRING_KEYS_TABLE
from pipeline.dedup.substrings.substrings import keys_of
from pipeline.dedup.substrings.tables import read_runs
from pipeline.dedup.survivors import ShardSurvivors, Survivors
from pipeline.schema import arrow_schema
from pipeline.stage import Stage
from pipeline.storage.manifest import Manifest
from pipeline.storage.shard import part_key
from pipeline.storage.store import PartRecord, Store
from pipeline.unit import Unit

FORMAT = 1


@dataclass(frozen=True)
class SubstringKeys(Stage):
    """One part a shard, in row groups of ranges of anchors."""

    store: Store
    text: Manifest
    runs: Manifest
    survivors: Survivors
    kind: str = "substring_keys"
    in_driver: bool = False

    @property
    def corpus(self) -> str:
        return self.text.corpus

    @property
    def ranges(self) -> int:
        return ranges_for(self.runs.rows, row_bytes(arrow_schema(SUBSTRING_GROUPS_TABLE)))

    def _groups_of(self, index: int) -> int:
        return groups_for(self.ranges, self.runs.parts[index].rows)

    def _key_of(self, index: int) -> str:
        told = [self.runs.parts[index].key, self.survivors.told(index), self._groups_of(index)]
        return part_key(self.kind, FORMAT, *told)

    @property
    def key(self) -> str:
        return part_key(self.kind, [self._key_of(i) for i in range(len(self.runs.parts))])

    def units(self) -> list[Unit]:
        found = []
        for i, part in enumerate(self.runs.parts):
            key = self._key_of(i)
            path = Store.part(self.corpus, self.kind, key)
            payload = (key, path, part.path, self.survivors.of(i), self._groups_of(i))
            found.append(Unit(key, path, self.text.shard_name(i), part.bytes, payload))
        return found

    def task(self) -> Callable[[Any], PartRecord]:
        return partial(_sort, self.store)

    def finish(self, parts: list[PartRecord]) -> Manifest:
        rows = sum(p.rows for p in parts)
        return Manifest(
            self.kind, self.key, self.corpus, tuple(parts), rows, {"keys": rows}, details={"ranges": self.ranges},
            inputs={"text": self.text.key, "substrings": self.runs.key},
        )  # fmt: skip


def _sort(store: Store, payload: tuple[str, str, str, ShardSurvivors, int]) -> PartRecord:
    key, path, runs_path, survivors, groups = payload
    keys = keys_of(read_runs(store, runs_path, survivors))
    schema = arrow_schema(SUBSTRING_KEYS_TABLE)
    table = pa.table([pa.array(getattr(keys, name)) for name in schema.names], schema=schema)
    return write_by_range(store, key, path, [table], table.schema, groups, "runs")
