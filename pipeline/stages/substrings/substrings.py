"""substrings: the runs of windows of the text, measured once, whatever is decided about repeated passages."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa

from pipeline.dedup.measured import Measuring, Payload, commit_measured
from pipeline.dedup.substrings.schema import SUBSTRINGS_TABLE
from pipeline.dedup.substrings.substrings import elements_of, runs_of
from pipeline.dedup.substrings.tables import runs_table
from pipeline.recipe.dedup import Substrings as Settings
from pipeline.schema import arrow_schema
from pipeline.storage.part import PartRecord
from pipeline.storage.store import Store
from scorers.text import TextBatch


@dataclass(frozen=True)
class Substrings(Measuring):
    """One part a shard: its runs in order."""

    settings: Settings
    kind = "substrings"
    format = 1
    counted = "runs"
    asked = frozenset({"min_bytes", "min_tokens"})

    def task(self) -> Callable[[Any], PartRecord]:
        return partial(_measure, self.store, self.settings)


def _measure(store: Store, settings: Settings, payload: Payload) -> PartRecord:
    def find(batch: TextBatch, first_row: int) -> pa.Table:
        found = runs_of(elements_of(batch, settings), settings.size)
        return runs_table(dataclasses.replace(found, row=found.row + first_row))

    return commit_measured(store, payload, arrow_schema(SUBSTRINGS_TABLE), Substrings.counted, find)
