"""Which documents of a shard are still in: what rules kept, less what deduplication took."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.storage.manifest import Manifest, rows_of
from pipeline.storage.store import Store
from pipeline.takedown.tombstones import taken_rows


@dataclass(frozen=True)
class Survivors:
    """The documents that take part in a later step. verdict None: all that were measured, but what is taken down (`taken`; a
    verdict knows that by itself)."""

    verdict: Manifest | None = None
    dedup: Manifest | None = None
    taken: Manifest | None = None

    def told(self, index: int) -> list[object]:
        """What determines them, for the key of a shard's part."""
        removed = [self.dedup.key, index] if self.dedup else []
        if self.verdict:
            return [self.verdict.parts[index].key, *removed]
        taken = rows_of(self.taken, index)
        return [taken.key] if taken else []

    def of(self, index: int) -> ShardSurvivors:
        """Those of one shard, as a worker reads them."""
        verdict = self.verdict.parts[index].path if self.verdict else None
        dedup, taken = self.dedup.parts[0].path if self.dedup else None, rows_of(self.taken, index)
        return ShardSurvivors(index, verdict, dedup, taken.path if taken else None)


@dataclass(frozen=True, slots=True)
class ShardSurvivors:
    """One shard's. Small enough to travel to a worker."""

    index: int
    verdict: str | None
    dedup: str | None
    taken: str | None = None

    def among(self, store: Store, row: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.bool_] | None:
        """Which of these rows take part: bool[N], or None where all do. What was read of a document before it was taken down no
        longer lies in the text."""
        if self.verdict is None:
            taken = taken_rows(store, self.taken)
            return ~np.isin(row, taken) if len(taken) else None
        kept: npt.NDArray[np.bool_] = store.read_table(self.verdict, columns=["kept"]).column("kept").to_numpy().copy()
        if self.dedup is not None:
            found = store.read_shard(self.dedup, self.index, ["row", "keep"])
            kept[found.column("row").to_numpy()[~found.column("keep").to_numpy()]] = False
        among: npt.NDArray[np.bool_] = kept[row]
        return among
