"""line_keys: the distinct lines of each shard's documents that take part, by ranges of their hashes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.dedup.keys_by_range import KeysByRange, Payload
from pipeline.dedup.lines.lines import Keys, keys_of
from pipeline.dedup.lines.schema import LINE_COUNTS_TABLE, LINE_KEYS_TABLE
from pipeline.dedup.lines.tables import read_lines
from pipeline.dedup.ranges import range_of, write_by_range
from pipeline.schema import arrow_schema
from pipeline.storage.manifest import Manifest
from pipeline.storage.part import PartRecord
from pipeline.storage.store import Store
from scorers.kernels.bloom import holds


@dataclass(frozen=True)
class LineKeys(KeysByRange):
    """Of lines. filter: where to look which lines may be there twice."""

    per_document: bool
    filter: Manifest | None = None
    kind = "line_keys"
    format = 2
    gathered = arrow_schema(LINE_COUNTS_TABLE)

    @property
    def asked(self) -> tuple[object, ...]:
        return self.per_document, self.filter and self.filter.key

    def task(self) -> Callable[[Any], PartRecord]:
        filters = tuple(p.path for p in self.filter.parts) if self.filter else ()
        probes = int(self.filter.details["probes"]) if self.filter else 0
        return partial(_sort, self.store, self.per_document, filters, probes)

    def finish(self, parts: list[PartRecord]) -> Manifest:
        made = super().finish(parts)
        return dataclasses.replace(made, inputs=made.inputs | {"filter": self.filter and self.filter.key})


def _sort(store: Store, per_document: bool, filters: tuple[str, ...], probes: int, payload: Payload) -> PartRecord:
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
