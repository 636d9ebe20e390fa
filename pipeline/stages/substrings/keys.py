"""substring_keys: the different runs of each shard's documents that take part, sorted, so that a range of anchors can be read
from every shard alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa

from pipeline.dedup.ranges import write_by_range
from pipeline.dedup.substrings.schema import SUBSTRING_KEYS_TABLE
from pipeline.dedup.substrings.substrings import keys_of
from pipeline.dedup.substrings.tables import ranges_for, read_runs
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
    """One part a shard, one row group a range of anchors."""

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
        return ranges_for(self.runs.rows)

    def _key_of(self, index: int) -> str:
        return part_key(self.kind, FORMAT, self.runs.parts[index].key, self.survivors.told(index), self.ranges)

    @property
    def key(self) -> str:
        return part_key(self.kind, [self._key_of(i) for i in range(len(self.runs.parts))])

    def units(self) -> list[Unit]:
        found = []
        for i, part in enumerate(self.runs.parts):
            key = self._key_of(i)
            path = Store.part(self.corpus, self.kind, key)
            payload = (key, path, part.path, self.survivors.of(i))
            found.append(Unit(key, path, self.text.shard_name(i), part.bytes, payload))
        return found

    def task(self) -> Callable[[Any], PartRecord]:
        return partial(_sort, self.store, self.ranges)

    def finish(self, parts: list[PartRecord]) -> Manifest:
        rows = sum(p.rows for p in parts)
        return Manifest(
            self.kind, self.key, self.corpus, tuple(parts), rows, {"keys": rows}, details={"ranges": self.ranges},
            inputs={"text": self.text.key, "substrings": self.runs.key},
        )  # fmt: skip


def _sort(store: Store, ranges: int, payload: tuple[str, str, str, ShardSurvivors]) -> PartRecord:
    key, path, runs_path, survivors = payload
    keys = keys_of(read_runs(store, runs_path, survivors))
    schema = arrow_schema(SUBSTRING_KEYS_TABLE)
    table = pa.table([pa.array(getattr(keys, name)) for name in schema.names], schema=schema)
    return write_by_range(store, key, path, [table], table.schema, ranges, "runs")
