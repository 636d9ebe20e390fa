"""candidates: which documents might be near-duplicates, by the buckets they share. One unit a range of buckets, which
reads that range from every part and nothing else. A candidate pair alone says nothing: the stage `pairs` measures it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.dedup.documents.candidate_pairs import from_both_sides
from pipeline.dedup.documents.schema import BANDS_TABLE, CANDIDATES_TABLE
from pipeline.dedup.documents.shard_runs import first_rows
from pipeline.dedup.layout import GROUP_ROWS, layout
from pipeline.dedup.ranges import range_bounds, range_units, ranges_for, read_each, row_bytes
from pipeline.schema import arrow_schema
from pipeline.stage import OfText, add_counts, commit_part
from pipeline.storage.manifest import Manifest
from pipeline.storage.part import PartRecord
from pipeline.storage.shard import part_key
from pipeline.storage.store import Store
from pipeline.unit import Unit
from scorers.kernels.lsh import Entries, bucket_pairs
from scorers.kernels.slots import Meetings

FORMAT = 3

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Candidates(OfText):
    """LSH over all documents of the text table, kept by the rules or not. The pairs of a range are distinct; a pair that
    shares several buckets may be in several ranges."""

    bands: Manifest
    max_bucket: int
    kind = "candidates"

    @property
    def ranges(self) -> int:
        return ranges_for(self.bands.rows, row_bytes(arrow_schema(BANDS_TABLE)))

    @property
    def key(self) -> str:
        return part_key(self.kind, FORMAT, self.text.key, self.bands.key, self.max_bucket, self.ranges)

    def units(self) -> list[Unit]:
        return range_units(self, "buckets", self.ranges, self.bands.bytes)

    def task(self) -> Callable[[Any], PartRecord]:
        paths = tuple(p.path for p in self.bands.parts)
        return partial(_join, self.store, paths, first_rows(self.text, self.bands), self.max_bucket)

    def finish(self, parts: list[PartRecord]) -> Manifest:
        counts = add_counts(parts)
        overflowed = counts.pop("overflowed_buckets")
        return Manifest(
            self.kind, self.key, self.corpus, tuple(parts), sum(p.rows for p in parts), counts,
            inputs={"text": self.text.key, "bands": self.bands.key},
            parameters=self.bands.parameters | {"max_bucket": self.max_bucket},
            details={"overflowed_buckets": overflowed},
        )  # fmt: skip


def _join(
    store: Store, paths: tuple[str, ...], starts: Rows, max_bucket: int, payload: tuple[str, str, int, int]
) -> PartRecord:
    key, path, n, ranges = payload
    found = bucket_pairs(_meeting(store, paths, starts, n, ranges), max_bucket)
    columns = [pa.array(rows) for rows in from_both_sides(found.a, found.b)]
    made = pa.table(columns, schema=arrow_schema(CANDIDATES_TABLE))
    pairs = len(found.a)
    counts = {"pairs": pairs, "mirrored": pairs, "overflowed_buckets": found.overflowed_buckets}
    return commit_part(store, key, path, made, counts, row_group_rows=GROUP_ROWS, **layout(made.schema))


def _meeting(store: Store, paths: tuple[str, ...], starts: Rows, n: int, ranges: int) -> Entries:
    """The entries of one range without most of those whose bucket is theirs alone, by part, key and row."""
    tables = read_each(store, paths, "key", n, ranges, [c.name for c in BANDS_TABLE])
    meetings = Meetings.of(*range_bounds(n, ranges), sum(t.num_rows for t in tables))
    for table in tables:
        meetings.count(table.column("key").to_numpy())
    parts = []
    tables.reverse()
    for start in starts.tolist():
        # popped, so that each is let go of once it is looked through
        key, text, near, row = (column.to_numpy() for column in tables.pop().columns)
        at = meetings.may_meet(key)
        parts.append((key.take(at), text.take(at), near.take(at), row.take(at) + np.int64(start)))
    return Entries(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
