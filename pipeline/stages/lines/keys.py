"""line_keys: the distinct lines of each shard's documents that take part, sorted, so that a range of hashes can be read
from every shard alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.dedup.lines.lines import Keys, keys_of
from pipeline.dedup.lines.schema import LINE_COUNTS_TABLE, LINE_KEYS_TABLE
from pipeline.dedup.lines.tables import read_lines
from pipeline.dedup.ranges import groups_for, range_of, ranges_for, row_bytes, write_by_range
from pipeline.dedup.survivors import ShardSurvivors, Survivors
from pipeline.schema import arrow_schema
from pipeline.stage import Stage
from pipeline.storage.manifest import Manifest
from pipeline.storage.shard import part_key
from pipeline.storage.store import PartRecord, Store
from pipeline.unit import Unit
from scorers.kernels.bloom import holds

FORMAT = 1


@dataclass(frozen=True)
class LineKeys(Stage):
    """One part a shard, in row groups of ranges of hashes. filter: where to look which lines may be there twice."""

    store: Store
    text: Manifest
    lines: Manifest
    survivors: Survivors
    per_document: bool
    filter: Manifest | None = None
    kind: str = "line_keys"
    in_driver: bool = False

    @property
    def corpus(self) -> str:
        return self.text.corpus

    @property
    def ranges(self) -> int:
        return ranges_for(self.lines.rows, row_bytes(arrow_schema(LINE_COUNTS_TABLE)))

    def _groups_of(self, index: int) -> int:
        return groups_for(self.ranges, self.lines.parts[index].rows)

    def _key_of(self, index: int) -> str:
        told = [self.lines.parts[index].key, self.survivors.told(index), self.per_document, self._groups_of(index)]
        return part_key(self.kind, FORMAT, told, self.filter and self.filter.key)

    @property
    def key(self) -> str:
        return part_key(self.kind, [self._key_of(i) for i in range(len(self.lines.parts))])

    def units(self) -> list[Unit]:
        found = []
        for i, part in enumerate(self.lines.parts):
            key = self._key_of(i)
            path = Store.part(self.corpus, self.kind, key)
            payload = (key, path, part.path, self.survivors.of(i), self._groups_of(i))
            found.append(Unit(key, path, self.text.shard_name(i), part.bytes, payload))
        return found

    def task(self) -> Callable[[Any], PartRecord]:
        filters = tuple(p.path for p in self.filter.parts) if self.filter else ()
        probes = int(self.filter.details["probes"]) if self.filter else 0
        return partial(_sort, self.store, self.per_document, filters, probes)

    def finish(self, parts: list[PartRecord]) -> Manifest:
        rows = sum(p.rows for p in parts)
        return Manifest(
            self.kind, self.key, self.corpus, tuple(parts), rows, {"keys": rows}, details={"ranges": self.ranges},
            inputs={"text": self.text.key, "lines": self.lines.key, "filter": self.filter and self.filter.key},
        )  # fmt: skip


def _sort(
    store: Store,
    per_document: bool,
    filters: tuple[str, ...],
    probes: int,
    payload: tuple[str, str, str, ShardSurvivors, int],
) -> PartRecord:
    key, path, lines_path, survivors, groups = payload
    keys = keys_of(read_lines(store, lines_path, survivors), per_document)
    if filters:
        keys = _that_may_repeat(store, keys, filters, probes)
    schema = arrow_schema(LINE_KEYS_TABLE)
    table = pa.table([pa.array(keys.hash), pa.array(keys.count), pa.array(keys.first_row)], schema=schema)
    return write_by_range(store, key, path, [table], table.schema, groups, "keys")


def _that_may_repeat(store: Store, keys: Keys, filters: tuple[str, ...], probes: int) -> Keys:
    """The keys that the filter, cut into parts by hash, knows as repeated."""
    cuts = np.searchsorted(range_of(keys.hash, len(filters)), np.arange(len(filters) + 1))
    known = np.zeros(len(keys.hash), np.bool_)
    for filter_path, start, end in zip(filters, cuts[:-1], cuts[1:], strict=True):
        bits = store.read_table(filter_path).column("word").combine_chunks().to_numpy()
        holds(keys.hash[start:end], bits, probes, known[start:end])
    return Keys(keys.hash[known], keys.count[known], keys.first_row[known])
