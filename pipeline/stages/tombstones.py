"""tombstones: which rows of each shard are taken down. Ids alone are read; a shard that was asked is not asked again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.schema import TOMBSTONES_TABLE, arrow_schema
from pipeline.stage import OfText, commit_part
from pipeline.storage.manifest import Manifest
from pipeline.storage.part import PartRecord
from pipeline.storage.shard import Shard, part_key, read_ids
from pipeline.storage.store import Store
from pipeline.takedown.tombstones import COLUMNS, Tombstones
from pipeline.unit import Unit

FORMAT = 1


@dataclass(frozen=True)
class FindTombstones(OfText):
    """One part a shard, one row a document that is taken down."""

    tombstones: Tombstones
    kind = "tombstones"
    cheap = True

    @property
    def key(self) -> str:
        return part_key(self.kind, FORMAT, self.tombstones.digest, self.text.key)

    def units(self) -> list[Unit]:
        found = []
        for i, shard in enumerate(self.text.shards):
            key = part_key(self.kind, FORMAT, self.tombstones.digest, shard.key)
            path = Store.part(self.corpus, self.kind, key)
            found.append(Unit(key, path, self.text.shard_name(i), shard.rows, (key, path, shard)))
        return found

    def task(self) -> Callable[[Any], PartRecord]:
        return partial(_find, self.store, self.tombstones)

    def finish(self, parts: list[PartRecord]) -> Manifest:
        rows = sum(p.rows for p in parts)
        told = [t.as_dict() for t in self.tombstones.takedowns]
        return Manifest(
            self.kind, self.key, self.corpus, tuple(parts), rows, {"documents": rows},
            inputs={"text": self.text.key}, details={"takedowns": told},
        )  # fmt: skip


def _find(store: Store, tombstones: Tombstones, payload: tuple[str, str, Shard]) -> PartRecord:
    key, path, shard = payload
    ids = read_ids(store, shard, [*COLUMNS, "quarantine"])
    taken = np.flatnonzero(tombstones.mask(ids) & ids.column("quarantine").is_null().to_numpy())
    named = [
        tombstones.which(row["doc_id"], row["source"]) for row in ids.select(COLUMNS).take(pa.array(taken)).to_pylist()
    ]
    arrays = [
        pa.array(taken, pa.int64()),
        *(pa.array([getattr(t, c) for t in named], pa.string()) for c in ("id", "why")),
    ]
    table = pa.table(arrays, schema=arrow_schema(TOMBSTONES_TABLE))
    return commit_part(store, key, path, table, {"documents": table.num_rows})
