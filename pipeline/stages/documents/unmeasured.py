"""unmeasured: the candidate pairs that no earlier table has measured: what shingles are still made for. Goes with the job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.dedup.documents.candidate_pairs import from_both_sides, pairs_from
from pipeline.dedup.documents.measured_before import MeasuredBefore, similarities_of
from pipeline.dedup.documents.schema import CANDIDATES_TABLE
from pipeline.dedup.layout import GROUP_ROWS, layout
from pipeline.dedup.ranges import RANGE_BYTES, row_bytes
from pipeline.dedup.sorted_rows import distinct
from pipeline.schema import arrow_schema
from pipeline.stage import Stage, commit_part
from pipeline.storage.manifest import Manifest
from pipeline.storage.shard import part_key
from pipeline.storage.store import PartRecord, Store
from pipeline.unit import Unit

FORMAT = 3


@dataclass(frozen=True)
class Unmeasured(Stage):
    """One part a run of rows, as `candidates` has them: few, because every shard looks into each for what it is asked. cuts:
    the rows that units of `pairs` lie between; scratch: where the parts go."""

    store: Store
    candidates: Manifest
    before: MeasuredBefore
    cuts: npt.NDArray[np.int64]
    scratch: str
    kind = "unmeasured"

    @property
    def corpus(self) -> str:
        return self.candidates.corpus

    @property
    def key(self) -> str:
        told = (self.candidates.key, self.before.parts, self.before.now.tolist(), self.cuts.tolist())
        return part_key(self.kind, FORMAT, told)

    def units(self) -> list[Unit]:
        runs = max(1, -(-self.candidates.rows * row_bytes(arrow_schema(CANDIDATES_TABLE)) // RANGE_BYTES))
        ends = np.linspace(0, len(self.cuts) - 1, runs + 1).astype(np.int64)
        found = []
        for low, high in pairwise(self.cuts[distinct(ends)].tolist()):
            key = part_key(self.key, low, high)
            path = f"{self.scratch}/{key}.parquet"
            found.append(
                Unit(key, path, f"pairs of rows {low}..{high}", self.candidates.bytes // runs, (key, path, low, high))
            )
        return found

    def task(self) -> Callable[[Any], PartRecord]:
        return partial(_unmeasured, self.store, tuple(p.path for p in self.candidates.parts), self.before)

    def finish(self, parts: list[PartRecord]) -> Manifest:
        rows = sum(p.rows for p in parts)
        return Manifest(self.kind, self.key, self.corpus, tuple(parts), rows, {"pairs": rows})


def _unmeasured(
    store: Store, candidates: tuple[str, ...], before: MeasuredBefore, payload: tuple[str, str, int, int]
) -> PartRecord:
    key, path, low, high = payload
    a, b = pairs_from(store, candidates, low, high)
    new = np.isnan(similarities_of(a, b, before.between(store, low, high)))
    columns = [pa.array(rows) for rows in from_both_sides(a[new], b[new])]
    table = pa.table(columns, schema=arrow_schema(CANDIDATES_TABLE))
    return commit_part(
        store,
        key,
        path,
        table,
        {"pairs": table.num_rows},
        row_group_rows=GROUP_ROWS,
        durable=False,
        **layout(table.schema),
    )
