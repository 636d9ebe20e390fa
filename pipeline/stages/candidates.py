"""candidates: which documents might be near-duplicates, by the bands of their signatures. A candidate pair alone says
nothing: the stage `pairs` measures it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.dedup.clusters import first_of_equals
from pipeline.dedup.planner import banding
from pipeline.recipe.dedup import Fuzzy
from pipeline.schema import CANDIDATES_TABLE, arrow_schema
from pipeline.scoring import ScorerSpec
from pipeline.stage import Stage, commit_part
from pipeline.storage.manifest import Manifest
from pipeline.storage.notes import Notes, binary_rows
from pipeline.storage.shard import part_key
from pipeline.storage.store import PartRecord, Store
from pipeline.unit import Unit
from scorers.base import parameters
from scorers.kernels.lsh import NO_KEY, band_keys, candidate_pairs

FORMAT = 1


@dataclass(frozen=True)
class Candidates(Stage):
    """LSH over all documents of the text table, kept by the rules or not. exact: the alias of the scorer `exact`, by
    which one document stands for its copies."""

    store: Store
    notes: Notes
    settings: Fuzzy
    minhash: ScorerSpec
    exact: str
    kind: str = "candidates"
    in_driver: bool = False

    @property
    def corpus(self) -> str:
        return self.notes.text.corpus

    @property
    def banding(self) -> tuple[int, int]:
        """(bands, rows): as the recipe says, or as what it asks for needs."""
        return banding(self.settings, int(parameters(self.minhash.build())["num_perm"]))

    @property
    def key(self) -> str:
        said = [
            self.notes.passes[self.notes.where[a]].parameters["scorers"][a]["fingerprint"]
            for a in (self.minhash.alias, self.exact)
        ]
        return part_key(self.kind, FORMAT, self.notes.text.key, said, self.banding, self.settings.max_bucket)

    def units(self) -> list[Unit]:
        signature_bytes = self.notes.passes[self.notes.where[self.minhash.alias]].bytes
        path = Store.part(self.corpus, self.kind, self.key)
        return [Unit(self.key, path, "all documents", signature_bytes, self)]

    def task(self) -> Callable[[Any], PartRecord]:
        return partial(_candidates, self.store)

    def finish(self, parts: list[PartRecord]) -> Manifest:
        bands, rows = self.banding
        return Manifest(
            self.kind, self.key, self.corpus, tuple(parts), parts[0].rows, {"pairs": parts[0].rows},
            inputs={"text": self.notes.text.key},
            parameters={"bands": bands, "rows": rows, "max_bucket": self.settings.max_bucket},
            details={"overflowed_buckets": parts[0].counts["overflowed_buckets"]},
        )  # fmt: skip


def _candidates(store: Store, stage: Candidates) -> PartRecord:
    keys, digests, sizes = _keys(store, stage)
    first = first_of_equals(digests, keys[0] != NO_KEY)
    keys[:, first != np.arange(len(first))] = NO_KEY
    # large buckets are thinned out around the likeliest keepers; by content, so that shard order says nothing
    rank = np.empty(len(sizes), dtype=np.int64)
    rank[np.lexsort((digests[:, 1], digests[:, 0], -sizes))] = np.arange(len(sizes))
    found = candidate_pairs(keys, rank, stage.settings.max_bucket)
    columns = [pa.array(found.a.astype(np.int64)), pa.array(found.b.astype(np.int64))]
    counts = {"pairs": len(found.a), "overflowed_buckets": found.overflowed_buckets}
    table = pa.table(columns, schema=arrow_schema(CANDIDATES_TABLE))
    return commit_part(store, stage.key, Store.part(stage.corpus, stage.kind, stage.key), table, counts)


def _keys(
    store: Store, stage: Candidates
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """Band keys u64[bands, D], digests u64[D, 2] of the normalised text and text bytes i64[D], shard by shard."""
    bands, rows = stage.banding
    starts = stage.notes.text.row_offsets()
    documents = int(starts[-1])
    keys = np.empty((bands, documents), dtype=np.uint64)
    digests, sizes = np.zeros((documents, 2), dtype=np.uint64), np.zeros(documents, dtype=np.int64)
    wanted = [f"{stage.minhash.alias}.signature", f"{stage.exact}.normalised", f"{stage.exact}.text_bytes"]
    for i, start in enumerate(starts[:-1].tolist()):
        notes = stage.notes.of(i)
        stop = start + notes.shard.rows
        for path, aliases in notes.parts:
            columns = [c for c in wanted if c.split(".")[0] in aliases]
            table = store.read_table(path, columns=columns) if columns else pa.table({})
            for name in table.column_names:
                struct = table.column(name).combine_chunks()
                for field in struct.type:
                    values = pc.struct_field(struct, field.name)
                    if field.name == "signature":
                        keys[:, start:stop] = band_keys(binary_rows(values, 0xFF).view("<u4"), bands, rows)
                    elif field.name == "normalised":
                        digests[start:stop] = binary_rows(values, 0).view("<u8")
                    else:
                        sizes[start:stop] = pc.fill_null(values, 0).to_numpy()
    return keys, digests, sizes
