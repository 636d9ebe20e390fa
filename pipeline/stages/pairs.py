"""pairs: how similar candidate pairs are, measured exactly and once, whatever is decided later."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.schema import PAIRS_TABLE, arrow_schema
from pipeline.stage import Stage, commit_part
from pipeline.storage.manifest import Manifest
from pipeline.storage.shard import part_key
from pipeline.storage.store import PartRecord, Store
from pipeline.unit import Unit
from scorers.kernels.jaccard import jaccard_between

FORMAT = 2
BLOCK_CACHE_BYTES = 256_000_000
"""Shingle sets held while pairs are compared; beyond it blocks are read again."""

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Pairs(Stage):
    """The exact Jaccard similarity of every candidate pair. make_shingles: gives the table `shingles`, asked for only
    where there is something to do."""

    store: Store
    text: Manifest
    candidates: Manifest
    ngram: int
    make_shingles: Callable[[], Manifest]
    kind: str = "pairs"
    in_driver: bool = False

    @property
    def corpus(self) -> str:
        return self.text.corpus

    @property
    def key(self) -> str:
        return part_key(self.kind, FORMAT, self.candidates.key, self.ngram)

    def units(self) -> list[Unit]:
        path = Store.part(self.corpus, self.kind, self.key)
        shingles = self.make_shingles()
        payload = (self.key, path, self.candidates.parts[0].path, shingles, self.text.row_offsets())
        return [Unit(self.key, path, "all pairs", shingles.bytes, payload)]

    def task(self) -> Callable[[Any], PartRecord]:
        return partial(_verify, self.store)

    def finish(self, parts: list[PartRecord]) -> Manifest:
        overflowed = self.candidates.details["overflowed_buckets"]
        warnings = [
            f"{overflowed} LSH buckets held more than {self.candidates.parameters['max_bucket']} distinct documents; "
            "only part of their pairs was compared"
        ]
        return Manifest(
            self.kind, self.key, self.corpus, tuple(parts), parts[0].rows, parts[0].counts,
            inputs={"text": self.text.key, "candidates": self.candidates.key},
            parameters=self.candidates.parameters | {"ngram": self.ngram},
            details={"overflowed_buckets": overflowed, "warnings": warnings if overflowed else []},
        )  # fmt: skip


def _verify(store: Store, payload: tuple[str, str, str, Manifest, Rows]) -> PartRecord:
    key, path, candidates, shingles, offsets = payload
    pairs = store.read_table(candidates)
    a, b = pairs.column("a").to_numpy(), pairs.column("b").to_numpy()
    parts = {shard: p.path for shard, p in zip(shingles.details["shards"], shingles.parts, strict=True)}
    jaccard = _similarities(store, parts, offsets, a, b)
    table = pa.table([pa.array(a), pa.array(b), pa.array(jaccard)], schema=arrow_schema(PAIRS_TABLE))
    return commit_part(store, key, path, table, {"pairs": len(a)})


def _similarities(store: Store, parts: dict[int, str], offsets: Rows, a: Rows, b: Rows) -> npt.NDArray[np.float64]:
    """Exact Jaccard of every candidate pair: global rows a, b: i64[K] -> f64[K]. Pairs are taken by the two shards they
    touch, so that only the blocks at hand are in memory."""
    jaccard = np.zeros(len(a), dtype=np.float64)
    in_a, in_b = (np.searchsorted(offsets, x, side="right") - 1 for x in (a, b))
    blocks = _Blocks(store, parts)
    for i, j, pairs in _by_shards(in_a, in_b):
        left_rows, left_bounds, left = blocks.of(i)
        right_rows, right_bounds, right = blocks.of(j)
        at_a = np.searchsorted(left_rows, a[pairs] - offsets[i]).astype(np.int32)
        at_b = np.searchsorted(right_rows, b[pairs] - offsets[j]).astype(np.int32)
        jaccard[pairs] = jaccard_between(left_bounds, left, right_bounds, right, at_a, at_b)
    return jaccard


Block = tuple[Rows, Rows, npt.NDArray[np.uint64]]
"""(rows i64[N] ascending, bounds i64[N+1], hashes u64[S])."""


class _Blocks:
    """Shingle sets by shard, the latest used kept within BLOCK_CACHE_BYTES."""

    def __init__(self, store: Store, parts: dict[int, str]) -> None:
        largest = max((store.parquet(p).metadata.row_group(0).total_byte_size for p in parts.values()), default=1)
        self.of = lru_cache(maxsize=max(2, BLOCK_CACHE_BYTES // max(1, largest)))(partial(self._read, store, parts))

    @staticmethod
    def _read(store: Store, parts: dict[int, str], shard: int) -> Block:
        table = store.read_table(parts[shard])
        shingles = table.column("shingles").combine_chunks()
        values = shingles.values.to_numpy()
        offsets = np.asarray(shingles.offsets)
        return table.column("row").to_numpy(), offsets - offsets[0], values[offsets[0] : offsets[-1]]


def _by_shards(in_a: Rows, in_b: Rows) -> Iterator[tuple[int, int, Rows]]:
    """(shard of a, shard of b, the pairs between them), in ascending order."""
    if len(in_a) == 0:
        return
    order = np.lexsort((in_b, in_a))
    left, right = in_a[order], in_b[order]
    begins = np.flatnonzero(np.r_[True, (left[1:] != left[:-1]) | (right[1:] != right[:-1])])
    for begin, end in zip(begins, np.r_[begins[1:], len(order)], strict=True):
        yield int(left[begin]), int(right[begin]), order[begin:end]
