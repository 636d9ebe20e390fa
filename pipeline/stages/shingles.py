"""shingles: the shingle sets of the documents that are in any candidate pair. Larger than anything that stays, so they
lie in a folder of the job alone and go with it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.stage import Stage, commit_part
from pipeline.storage.manifest import Manifest
from pipeline.storage.shard import Shard, part_key, read_ids, read_text, usable_rows
from pipeline.storage.store import PartRecord, Store
from pipeline.unit import Unit
from scorers.kernels.jaccard import shingle_sets
from scorers.text import TextBatch

FORMAT = 1


@dataclass(frozen=True)
class Shingles(Stage):
    """One part a shard that has any document in a candidate pair; scratch: where they go; ngram: words a shingle."""

    store: Store
    text: Manifest
    candidates: Manifest
    ngram: int
    scratch: str
    kind: str = "shingles"
    in_driver: bool = False

    @property
    def corpus(self) -> str:
        return self.text.corpus

    @property
    def key(self) -> str:
        return part_key(self.kind, FORMAT, self.candidates.key, self.ngram)

    def units(self) -> list[Unit]:
        pairs = self.store.read_table(self.candidates.parts[0].path)
        involved = np.unique(np.concatenate([pairs.column("a").to_numpy(), pairs.column("b").to_numpy()]))
        starts = self.text.row_offsets()
        cuts = np.searchsorted(involved, starts)
        found = []
        for i, shard in enumerate(self.text.shards):
            rows = involved[cuts[i] : cuts[i + 1]] - starts[i]
            if len(rows):
                asked = hashlib.sha256(rows.tobytes()).hexdigest()
                key = part_key(self.kind, FORMAT, shard.key, self.ngram, asked)
                payload = (key, f"{self.scratch}/{key}.parquet", shard, rows, self.ngram, i)
                found.append(Unit(key, payload[1], self.text.shard_name(i), shard.text_bytes, payload))
        return found

    def task(self) -> Callable[[Any], PartRecord]:
        return partial(_shingle, self.store)

    def finish(self, parts: list[PartRecord]) -> Manifest:
        rows = sum(p.rows for p in parts)
        shards = [u.payload[-1] for u in self.units()]
        return Manifest(
            self.kind, self.key, self.corpus, tuple(parts), rows, {"documents": rows}, details={"shards": shards}
        )


def _shingle(store: Store, payload: tuple[str, str, Shard, npt.NDArray[np.int64], int, int]) -> PartRecord:
    """The shingle sets of some rows of a shard, as one part: row, and its sorted distinct hashes."""
    key, path, shard, rows, ngram, _ = payload
    usable = usable_rows(read_ids(store, shard, ["quarantine"]))
    made = []
    start = 0
    for text in read_text(store, shard, usable):
        here = rows[np.searchsorted(rows, start) : np.searchsorted(rows, start + len(text))]
        batch = TextBatch.from_arrow(text.take(pa.array(here - start)))
        start += len(text)
        if len(here):
            bounds, hashes = shingle_sets(batch.data, batch.offsets, ngram)
            sets = pa.LargeListArray.from_arrays(pa.array(bounds), pa.array(hashes))
            made.append(pa.table({"row": pa.array(here), "shingles": sets}))
    counts = {"documents": len(rows)}
    raw: dict[str, Any] = {"compression": "none", "compression_level": None}  # hashes do not compress
    return commit_part(store, key, path, pa.concat_tables(made), counts, durable=False, **raw)
