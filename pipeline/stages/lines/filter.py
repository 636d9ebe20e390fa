"""line_filter: Bloom filters over the lines of the documents that take part. The prefilter says which lines may be there
twice, so that only those are exchanged; the lossy one decides by itself, as Dolma's does.

A filter is cut into parts by hash, so that no unit holds more than FILTER_BYTES of it; within a part lines come one after
the other in the corpus's order, so that the first of them is the first, whatever works on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.dedup.layout import ROW_GROUP_ROWS, layout
from pipeline.dedup.lines.bloom import Bloom
from pipeline.dedup.lines.lines import Repeated
from pipeline.dedup.lines.schema import LINE_FILTER_TABLE
from pipeline.dedup.lines.tables import counts_table, read_hashes
from pipeline.dedup.ranges import range_of
from pipeline.dedup.survivors import ShardSurvivors, Survivors
from pipeline.schema import arrow_schema
from pipeline.stage import Stage, add_counts, commit_part
from pipeline.storage.manifest import Manifest
from pipeline.storage.part import PartRecord
from pipeline.storage.shard import part_key
from pipeline.storage.store import Store
from pipeline.unit import Unit
from scorers.kernels.bloom import remember

FORMAT = 2
FILTER_BYTES = 128_000_000
"""Most bytes of one filter part; the prefilter holds two of them."""

Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class LineFilter(Stage):
    """A filter for as many lines as there are, at a false-positive rate. lossy: its table is one of `line_counts`."""

    store: Store
    lines: Manifest
    survivors: Survivors
    rate: float
    lossy: bool
    kind = "line_filter"

    @property
    def corpus(self) -> str:
        return self.lines.corpus

    @property
    def parts(self) -> int:
        """By the input alone."""
        return max(1, -(-8 * Bloom.of(self.lines.rows, self.rate).words // FILTER_BYTES))

    @property
    def bloom(self) -> Bloom:
        """Of each part."""
        return Bloom.of(-(-self.lines.rows // self.parts), self.rate)

    @property
    def key(self) -> str:
        told = [(p.key, self.survivors.told(i)) for i, p in enumerate(self.lines.parts)]
        return part_key(self.kind, FORMAT, told, self.rate, self.lossy)

    def units(self) -> list[Unit]:
        found = []
        for n in range(self.parts):
            key = part_key(self.key, n)
            path = Store.part(self.corpus, self.kind, key)
            found.append(Unit(key, path, f"filter {n} of {self.parts}", self.lines.bytes, (key, path, n)))
        return found

    def task(self) -> Callable[[Any], PartRecord]:
        shards = tuple((p.path, self.survivors.of(i)) for i, p in enumerate(self.lines.parts))
        return partial(_decide if self.lossy else _filter, self.store, shards, self.parts, self.bloom)

    def finish(self, parts: list[PartRecord]) -> Manifest:
        rows = sum(p.rows for p in parts)
        bloom = self.bloom
        distinct = self.parts * bloom.distinct(add_counts(parts).get("new", 0) // self.parts)
        told = {
            "filter_bytes": 8 * bloom.words * self.parts, "probes": bloom.probes, "lossy": self.lossy, "distinct_lines": distinct,
            "false_positive_rate": bloom.rate(distinct / self.parts),
            "expected_wrong_lines": self.parts * bloom.wrong(distinct // self.parts) if self.lossy else 0.0,
        }  # fmt: skip
        return Manifest(
            self.kind, self.key, self.corpus, tuple(parts), rows, {"repeated" if self.lossy else "words": rows},
            inputs={"lines": self.lines.key}, parameters={"false_positive": self.rate}, details=told,
        )  # fmt: skip


Shards = tuple[tuple[str, ShardSurvivors], ...]


def _hashes(store: Store, shards: Shards, n: int, parts: int) -> Iterator[Hashes]:
    """The hashes of each shard in order, of one part of the filter."""
    for path, survivors in shards:
        hashes, _ = read_hashes(store, path, survivors)
        yield hashes if parts == 1 else hashes[range_of(hashes, parts) == n]


def _filter(store: Store, shards: Shards, parts: int, bloom: Bloom, payload: tuple[str, str, int]) -> PartRecord:
    key, path, n = payload
    once, twice = np.zeros(bloom.words, np.uint64), np.zeros(bloom.words, np.uint64)
    new = 0
    for hashes in _hashes(store, shards, n, parts):
        known = np.empty(len(hashes), np.bool_)
        remember(hashes, once, bloom.probes, known)
        new += len(hashes) - int(known.sum())
        again = hashes[known]
        remember(again, twice, bloom.probes, np.empty(len(again), np.bool_))
    table = pa.table([pa.array(twice)], schema=arrow_schema(LINE_FILTER_TABLE))
    return commit_part(store, key, path, table, {"new": new})


def _decide(store: Store, shards: Shards, parts: int, bloom: Bloom, payload: tuple[str, str, int]) -> PartRecord:
    key, path, n = payload
    bits = np.zeros(bloom.words, np.uint64)
    new = 0
    found = []
    for i, hashes in enumerate(_hashes(store, shards, n, parts)):
        known = np.empty(len(hashes), np.bool_)
        remember(hashes, bits, bloom.probes, known)
        new += len(hashes) - int(known.sum())
        found.append(counts_table(_known_in_shard(i, hashes, known)))
    table = pa.concat_tables(found)
    counts = {"new": new}
    return commit_part(store, key, path, table, counts, row_group_rows=ROW_GROUP_ROWS, **layout(table.schema))


def _known_in_shard(shard: int, hashes: Hashes, known: npt.NDArray[np.bool_]) -> Repeated:
    """The shard's lines that the filter knew, at their first or a later occurrence: at the first, none stays."""
    again = np.unique(hashes[known])
    first = np.isin(again, hashes[~known]).astype(np.int64)
    size = len(again)
    return Repeated(
        np.full(size, shard, np.int32), again, first, np.zeros(size, np.int64), np.full(size, -1, np.int32),
        np.full(size, -1, np.int32),
    )  # fmt: skip
