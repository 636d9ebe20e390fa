"""What deduplication measures itself, as parts: what it finds in every text, and notes beside those of the scorers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.dedup.layout import layout
from pipeline.recipe.tree import Strict
from pipeline.stage import OfText, commit_part, counts_metadata
from pipeline.storage.manifest import Manifest
from pipeline.storage.parquet import parquet_writer
from pipeline.storage.part import PartRecord
from pipeline.storage.shard import Shard, part_key, read_ids, read_text, usable_rows
from pipeline.storage.store import Store
from pipeline.unit import Unit
from scorers.text import TextBatch

Payload = tuple[str, str, Shard]
"""(key of the part, its path, the shard)"""


@dataclass(frozen=True)
class Measuring(OfText):
    """A stage that measures every text once, whatever is decided later: one part a shard, its finds in order."""

    settings: Strict
    format: ClassVar[int]
    counted: ClassVar[str]
    """The name of what is found."""
    asked: ClassVar[frozenset[str]]
    """The settings that are measured by; the rest is decided later."""

    @property
    def _parameters(self) -> dict[str, Any]:
        return self.settings.model_dump(include=set(self.asked))

    @property
    def key(self) -> str:
        return part_key(self.kind, self.format, self.text.key, self._parameters)

    def units(self) -> list[Unit]:
        found = []
        for i, shard in enumerate(self.text.shards):
            key = part_key(self.kind, self.format, shard.key, self._parameters)
            path = Store.part(self.corpus, self.kind, key)
            found.append(Unit(key, path, self.text.shard_name(i), shard.text_bytes, (key, path, shard)))
        return found

    def finish(self, parts: list[PartRecord]) -> Manifest:
        rows = sum(p.rows for p in parts)
        return Manifest(
            self.kind, self.key, self.corpus, tuple(parts), rows, {self.counted: rows},
            inputs={"text": self.text.key}, parameters=self._parameters,
        )  # fmt: skip


def commit_measured(
    store: Store, payload: Payload, schema: pa.Schema, what: str, find: Callable[[TextBatch, int], pa.Table]
) -> PartRecord:
    """Commit what `find` makes of each batch and its first row in the shard. what: the name of what is counted."""
    key, path, shard = payload
    usable = usable_rows(read_ids(store, shard, ["quarantine"]))

    def write(temporary: Path) -> int:
        start = counted = 0
        with parquet_writer(temporary, schema, **layout(schema)) as writer:
            for text in read_text(store, shard, usable):
                found = find(TextBatch.from_arrow(text), start)
                writer.write_table(found)
                start += len(text)
                counted += found.num_rows
            writer.add_key_value_metadata(counts_metadata({what: counted}))
        return counted

    return store.commit_part(key, path, write)


def commit_notes(
    store: Store, key: str, path: str, ids: pa.Table, notes: pa.Field, columns: Sequence[npt.NDArray[np.generic]]
) -> PartRecord:
    """Commit a part of notes, null where a row is in quarantine. ids: doc_id and quarantine of a shard; notes: a struct of so
    many columns."""
    missing = ~np.asarray(usable_rows(ids).to_numpy(zero_copy_only=False), dtype=bool)
    struct = pa.StructArray.from_arrays([pa.array(c) for c in columns], fields=list(notes.type), mask=pa.array(missing))
    table = pa.table([ids.column("doc_id"), struct], schema=pa.schema([pa.field("doc_id", pa.string()), notes]))
    quarantined = int(np.count_nonzero(missing))
    counts = {"measured": ids.num_rows - quarantined, "quarantined": quarantined}
    return commit_part(store, key, path, table, counts)
