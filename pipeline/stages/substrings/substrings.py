"""substrings: the runs of windows of the text, measured once, whatever is decided about repeated passages."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa

from pipeline.dedup.measured import Payload, commit_measured
from pipeline.dedup.substrings.schema import SUBSTRINGS_TABLE
from pipeline.dedup.substrings.substrings import elements_of, runs_of
from pipeline.dedup.substrings.tables import runs_table
from pipeline.recipe.dedup import Substrings as Settings
from pipeline.schema import arrow_schema
from pipeline.stage import Stage
from pipeline.storage.manifest import Manifest
from pipeline.storage.shard import part_key
from pipeline.storage.store import PartRecord, Store
from pipeline.unit import Unit
from scorers.text import TextBatch

FORMAT = 1


@dataclass(frozen=True)
class Substrings(Stage):
    """One part a shard: its runs in order."""

    store: Store
    text: Manifest
    settings: Settings
    kind: str = "substrings"
    in_driver: bool = False

    @property
    def corpus(self) -> str:
        return self.text.corpus

    @property
    def _measured(self) -> dict[str, Any]:
        """What of the settings is measured; the rest is decided later."""
        return self.settings.model_dump(include={"min_bytes", "min_tokens"})

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
            self.kind, self.key, self.corpus, tuple(parts), rows, {"runs": rows}, inputs={"text": self.text.key},
            parameters=self._measured,
        )  # fmt: skip


def _measure(store: Store, settings: Settings, payload: Payload) -> PartRecord:
    def find(batch: TextBatch, first_row: int) -> pa.Table:
        found = runs_of(elements_of(batch, settings), settings.size)
        return runs_table(dataclasses.replace(found, row=found.row + first_row))

    return commit_measured(store, payload, arrow_schema(SUBSTRINGS_TABLE), "runs", find)
