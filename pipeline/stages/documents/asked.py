"""asked: every candidate pair once, by its documents, and how similar an earlier table says they are. Goes with the job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.dedup.documents.candidate_pairs import pairs_from, with_unmeasured_mirrored
from pipeline.dedup.documents.measured_before import MeasuredBefore, similarities_of
from pipeline.dedup.documents.schema import ASKED_TABLE, CANDIDATES_TABLE
from pipeline.dedup.layout import GROUP_ROWS, layout
from pipeline.dedup.ranges import row_bytes
from pipeline.dedup.sorted_rows import distinct
from pipeline.schema import arrow_schema
from pipeline.stage import Stage, commit_part
from pipeline.storage.manifest import Manifest
from pipeline.storage.part import PartRecord
from pipeline.storage.shard import part_key
from pipeline.storage.store import Store
from pipeline.unit import Unit

FORMAT = 1
RUN_BYTES = 8_000_000
"""Rows of `candidates` that a unit takes in, of as many documents as the others: some have ten times the pairs, and it holds them and their
mirror beside what sorts them."""


@dataclass(frozen=True)
class Asked(Stage):
    """One part a run of rows that the first documents of its pairs lie in: few, so that neither a shard nor a unit of `pairs` has
    to look into the many parts of `candidates`. What is still to be measured stands there from both sides. cuts: the rows that
    units of `pairs` lie between; before: pairs that are measured already; scratch: where the parts go."""

    store: Store
    candidates: Manifest
    before: MeasuredBefore | None
    cuts: npt.NDArray[np.int64]
    scratch: str
    kind = "asked"

    @property
    def corpus(self) -> str:
        return self.candidates.corpus

    @property
    def key(self) -> str:
        before = (self.before.parts, self.before.now.tolist()) if self.before else ()
        return part_key(self.kind, FORMAT, self.candidates.key, before, self.cuts.tolist())

    @property
    def runs(self) -> npt.NDArray[np.int64]:
        """The rows that its parts lie between: i64[parts+1]."""
        parts = max(1, -(-self.candidates.rows * row_bytes(arrow_schema(CANDIDATES_TABLE)) // RUN_BYTES))
        return self.cuts[distinct(np.linspace(0, len(self.cuts) - 1, parts + 1).astype(np.int64))]

    def units(self) -> list[Unit]:
        found, runs = [], self.runs.tolist()
        for low, high in pairwise(runs):
            key = part_key(self.key, low, high)
            path = f"{self.scratch}/{key}.parquet"
            size = self.candidates.bytes // (len(runs) - 1)
            found.append(Unit(key, path, f"pairs of rows {low}..{high}", size, (key, path, low, high)))
        return found

    def task(self) -> Callable[[Any], PartRecord]:
        return partial(_asked, self.store, tuple(p.path for p in self.candidates.parts), self.before)

    def finish(self, parts: list[PartRecord]) -> Manifest:
        rows = sum(p.rows for p in parts)
        told = {"cuts": self.runs.tolist()}
        return Manifest(self.kind, self.key, self.corpus, tuple(parts), rows, {"rows": rows}, details=told)


def _asked(
    store: Store, candidates: tuple[str, ...], before: MeasuredBefore | None, payload: tuple[str, str, int, int]
) -> PartRecord:
    key, path, low, high = payload
    a, b = pairs_from(store, candidates, low, high)
    jaccard = similarities_of(a, b, before.between(store, low, high)) if before else np.full(len(a), np.nan)
    document, other, jaccard = with_unmeasured_mirrored(a, b, jaccard)
    columns = [pa.array(document), pa.array(other), pa.array(jaccard, mask=np.isnan(jaccard))]
    table = pa.table(columns, schema=arrow_schema(ASKED_TABLE))
    written = layout(table.schema)
    return commit_part(
        store, key, path, table, {"rows": table.num_rows}, row_group_rows=GROUP_ROWS, durable=False, **written
    )
