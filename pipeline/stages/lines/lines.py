"""lines: the hash of every line (or paragraph) of the text, measured once, whatever is decided about repeated ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa

from pipeline.dedup.lines.lines import find_lines
from pipeline.dedup.lines.schema import LINES_TABLE
from pipeline.dedup.lines.tables import lines_table
from pipeline.dedup.measured import Measuring, Payload, commit_measured
from pipeline.recipe.dedup import Lines as Settings
from pipeline.schema import arrow_schema
from pipeline.storage.part import PartRecord
from pipeline.storage.store import Store
from scorers.text import TextBatch


@dataclass(frozen=True)
class Lines(Measuring):
    """One part a shard: its lines in order."""

    settings: Settings
    kind = "lines"
    format = 1
    counted = "lines"
    asked = frozenset({"unit", "normalise", "skip_blank", "min_bytes", "min_words"})

    def task(self) -> Callable[[Any], PartRecord]:
        return partial(_measure, self.store, self.settings)


def _measure(store: Store, settings: Settings, payload: Payload) -> PartRecord:
    def find(batch: TextBatch, first_row: int) -> pa.Table:
        found = find_lines(batch, settings)
        return lines_table(dataclasses.replace(found, row=found.row + first_row))

    return commit_measured(store, payload, arrow_schema(LINES_TABLE), Lines.counted, find)
