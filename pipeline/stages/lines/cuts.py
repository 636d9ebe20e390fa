"""line_cuts: the lines that go, of each shard: spans for export, each with how often the corpus has the line and where the
first one lies; and the documents of which nothing is left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.dedup.layout import layout
from pipeline.dedup.lines.lines import bounds, cut, emptied
from pipeline.dedup.lines.schema import LINE_CUTS_TABLE
from pipeline.dedup.lines.tables import read_counts, read_lines
from pipeline.dedup.survivors import ShardSurvivors, Survivors
from pipeline.schema import arrow_schema
from pipeline.stage import OfText, add_counts, commit_part
from pipeline.storage.manifest import Manifest
from pipeline.storage.part import PartRecord
from pipeline.storage.shard import part_key
from pipeline.storage.store import Store
from pipeline.unit import Unit

FORMAT = 1


@dataclass(frozen=True)
class LineCuts(OfText):
    """One part a shard, one row a line that goes. counts: the table `line_counts`, or that of a lossy filter."""

    lines: Manifest
    survivors: Survivors
    counts: Manifest
    per_document: bool
    kind = "line_cuts"

    @property
    def key(self) -> str:
        return part_key(self.kind, FORMAT, self.lines.key, self.counts.key, self.per_document)

    def units(self) -> list[Unit]:
        found = []
        for i, part in enumerate(self.lines.parts):
            key = part_key(self.key, i)
            path = Store.part(self.corpus, self.kind, key)
            payload = (key, path, part.path, self.survivors.of(i))
            found.append(Unit(key, path, self.text.shard_name(i), part.bytes, payload))
        return found

    def task(self) -> Callable[[Any], PartRecord]:
        return partial(_cut, self.store, tuple(p.path for p in self.counts.parts), self.per_document)

    def finish(self, parts: list[PartRecord]) -> Manifest:
        totals = add_counts(parts)
        rows = sum(p.rows for p in parts)
        told = {**{n: totals.get(n, 0) for n in ("bytes", "documents", "emptied")}, "warnings": self._warnings()}
        return Manifest(
            self.kind, self.key, self.corpus, tuple(parts), rows, {"lines": rows},
            inputs={"text": self.text.key, "lines": self.lines.key, "line_counts": self.counts.key}, details=told,
        )  # fmt: skip

    def _warnings(self) -> list[str]:
        told = self.counts.details
        if not told.get("lossy"):
            return []
        return [
            f"the lossy line filter ({told['filter_bytes'] / 1e6:,.1f} MB, false-positive rate {told['false_positive_rate']:.2g}) took "
            f"about {told['expected_wrong_lines']:.2g} of {told['distinct_lines']:,} distinct lines wrongly; "
            "dedup.lines.bloom.mode: prefilter takes none wrongly"
        ]


def _cut(
    store: Store, counts_paths: tuple[str, ...], per_document: bool, payload: tuple[str, str, str, ShardSurvivors]
) -> PartRecord:
    key, path, lines_path, survivors = payload
    lines = read_lines(store, lines_path, survivors)
    often = read_counts(store, counts_paths, survivors.index)
    goes, entry = cut(lines, often, per_document)
    start, end = bounds(lines, goes)
    row, entry, empty = lines.row[goes], entry[goes], emptied(lines, goes)
    counted = entry >= 0
    count, first_shard = np.ones(len(row), np.int64), np.full(len(row), survivors.index, np.int32)
    first_row = row.astype(np.int64)  # a line that goes for standing twice in its own document is first there
    count[counted], first_shard[counted] = often.count[entry[counted]], often.first_shard[entry[counted]]
    first_row[counted] = often.first_row[entry[counted]]
    arrays = [row.astype(np.int64), start, end, count, first_shard, first_row, np.isin(row, empty)]
    table = pa.table([pa.array(a) for a in arrays], schema=arrow_schema(LINE_CUTS_TABLE))
    counts = {
        "bytes": int((end - start).sum()), "documents": len(np.unique(row)), "emptied": len(empty), "lines": len(row)
    }  # fmt: skip
    return commit_part(store, key, path, table, counts, **layout(table.schema))
