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
from pipeline.dedup.measured import Payload, commit_measured
from pipeline.recipe.dedup import Lines as Settings
from pipeline.schema import arrow_schema
from pipeline.stage import Stage
from pipeline.storage.manifest import Manifest
from pipeline.storage.shard import part_key
from pipeline.storage.store import PartRecord, Store
from pipeline.unit import Unit
from scorers.text import TextBatch

FORMAT = 1


@dataclass(frozen=True)
class Lines(Stage):
    """One part a shard: its lines in order."""

    store: Store
    text: Manifest
    settings: Settings
    kind: str = "lines"
    in_driver: bool = False

    @property
    def corpus(self) -> str:
        return self.text.corpus

    @property
    def _measured(self) -> dict[str, Any]:
        """What of the settings is measured; the rest is decided later."""
        return self.settings.model_dump(include={"unit", "normalise", "skip_blank", "min_bytes", "min_words"})

    @property
    def key(self) -> str:
        return part_key(self.kind, FORMAT, self.text.key, self._measured)

    def units(self) -> list[Unit]:
        found = []
        for i, shard in enumerate(self.text.shards):
            key = part_key(self.kind, FORMAT, shard.key, self._measured)
            path = Store.part(self.corpus, self.kind, key)
            found.append(Unit(key, path, self.text.shard_name(i), shard.text_bytes, (key, path, shard)))
        return found

    def task(self) -> Callable[[Any], PartRecord]:
        return partial(_measure, self.store, self.settings)

    def finish(self, parts: list[PartRecord]) -> Manifest:
        rows = sum(p.rows for p in parts)
        return Manifest(
            self.kind, self.key, self.corpus, tuple(parts), rows, {"lines": rows}, inputs={"text": self.text.key},
            parameters=self._measured,
        )  # fmt: skip


def _measure(store: Store, settings: Settings, payload: Payload) -> PartRecord:
    def find(batch: TextBatch, first_row: int) -> pa.Table:
        found = find_lines(batch, settings)
        return lines_table(dataclasses.replace(found, row=found.row + first_row))

    return commit_measured(store, payload, arrow_schema(LINES_TABLE), "lines", find)
