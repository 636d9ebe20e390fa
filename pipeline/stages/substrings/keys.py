"""substring_keys: the different runs of each shard's documents that take part, by ranges of their anchors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa

from pipeline.dedup.keys_by_range import KeysByRange, Payload
from pipeline.dedup.ranges import write_by_range
from pipeline.dedup.substrings.schema import SUBSTRING_GROUPS_TABLE, SUBSTRING_KEYS_TABLE
from pipeline.dedup.substrings.substrings import keys_of
from pipeline.dedup.substrings.tables import read_runs
from pipeline.schema import arrow_schema
from pipeline.storage.part import PartRecord
from pipeline.storage.store import Store


@dataclass(frozen=True)
class SubstringKeys(KeysByRange):
    """Of runs."""

    kind = "substring_keys"
    format = 1
    gathered = arrow_schema(SUBSTRING_GROUPS_TABLE)

    def task(self) -> Callable[[Any], PartRecord]:
        return partial(_sort, self.store)


def _sort(store: Store, payload: Payload) -> PartRecord:
    key, path, runs_path, survivors, groups = payload
    keys = keys_of(read_runs(store, runs_path, survivors))
    schema = arrow_schema(SUBSTRING_KEYS_TABLE)
    table = pa.table([pa.array(getattr(keys, name)) for name in schema.names], schema=schema)
    return write_by_range(store, key, path, [table], table.schema, groups, "runs")
