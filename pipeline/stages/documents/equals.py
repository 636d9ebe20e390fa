"""equals: which documents equal an earlier one. One unit a range of digests, which reads that range from every part and
nothing else; k copies are k-1 rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.dedup.documents.equals import WORK_BYTES, equal_rows
from pipeline.dedup.documents.schema import DIGESTS_TABLE, EQUALS_TABLE
from pipeline.dedup.documents.shard_runs import first_rows
from pipeline.dedup.layout import GROUP_ROWS
from pipeline.dedup.ranges import range_units, ranges_for, read_range
from pipeline.schema import arrow_schema
from pipeline.stage import OfText, commit_part
from pipeline.storage.manifest import Manifest
from pipeline.storage.part import PartRecord
from pipeline.storage.shard import part_key
from pipeline.storage.store import Store
from pipeline.unit import Unit

FORMAT = 1

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class EqualRows(OfText):
    """Copies and what they are copies of, over all documents of the text table, kept by the rules or not."""

    digests: Manifest
    kind = "equals"

    @property
    def ranges(self) -> int:
        return ranges_for(self.digests.rows, WORK_BYTES)

    @property
    def key(self) -> str:
        return part_key(self.kind, FORMAT, self.text.key, self.digests.key, self.ranges)

    def units(self) -> list[Unit]:
        return range_units(self, "digests", self.ranges, self.digests.bytes)

    def task(self) -> Callable[[Any], PartRecord]:
        paths = tuple(p.path for p in self.digests.parts)
        return partial(_group, self.store, paths, first_rows(self.text, self.digests))

    def finish(self, parts: list[PartRecord]) -> Manifest:
        rows = sum(p.rows for p in parts)
        return Manifest(
            self.kind, self.key, self.corpus, tuple(parts), rows, {"copies": rows},
            inputs={"text": self.text.key, "digests": self.digests.key}, parameters=self.digests.parameters,
        )  # fmt: skip


def _group(
    store: Store, paths: tuple[str, ...], starts: Rows, payload: tuple[str, str, int, int]
) -> PartRecord:  # fmt: skip
    key, path, n, ranges = payload
    table, part = read_range(store, paths, "high", n, ranges, [c.name for c in DIGESTS_TABLE])
    high, low, label, row = (table.column(c.name).to_numpy() for c in DIGESTS_TABLE)
    del table  # of several parts the arrays are copies
    row = starts[part] + row
    del part
    found = equal_rows(high, low, label, row)
    columns = [pa.array(found.row), pa.array(found.first), pa.array(found.same)]
    made = pa.table(columns, schema=arrow_schema(EQUALS_TABLE))
    return commit_part(store, key, path, made, {"copies": made.num_rows}, row_group_rows=GROUP_ROWS)
