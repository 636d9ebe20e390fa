"""effects: what deduplication would do to sources, the largest clusters and the removals at the threshold's edge, counted by
runs of shards. `guards` adds them up and holds them against the recipe's budgets."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.dedup.documents.by_shard import cluster_digests
from pipeline.dedup.documents.guards import CLUSTER, LISTED, SOURCE, added_up
from pipeline.dedup.documents.schema import EFFECTS_TABLE
from pipeline.recipe.dedup import Dedup as Settings
from pipeline.schema import arrow_schema
from pipeline.stage import OfText, add_counts, commit_part
from pipeline.storage.manifest import Manifest
from pipeline.storage.part import PartRecord
from pipeline.storage.shard import Shard, part_key, read_ids
from pipeline.storage.store import Store
from pipeline.unit import Unit

FORMAT = 2
COUNTED = ("row", "keep", "cluster", "cluster_size", "method", "jaccard")
"""What counts of a cluster's documents."""
UNIT_ROWS = 200_000
CLUSTERS_HELD = 100_000
"""Largest clusters that are held against the budgets; all of them are in the table `dedup`."""


@dataclass(frozen=True)
class _Run:
    """Some shards one after the other. first: number of the first; verdicts: the path of each one's verdict."""

    first: int
    shards: tuple[Shard, ...]
    verdicts: tuple[str, ...]


@dataclass(frozen=True)
class Effects(OfText):
    """Over the documents that the rules kept."""

    verdict: Manifest
    dedup: Manifest
    settings: Settings
    kind = "effects"
    cheap = True

    @property
    def edge(self) -> float | None:
        """Near-duplicates less similar than this lie at the edge; None where nothing is compared by similarity."""
        fuzzy = self.settings.fuzzy
        return fuzzy.jaccard + self.settings.guard.edge if fuzzy else None

    @property
    def clusters_held(self) -> int:
        guard = self.settings.guard
        return LISTED if guard.max_cluster_docs is None and guard.max_cluster_frac is None else CLUSTERS_HELD

    def _key_of(self, *told: object) -> str:
        return part_key(self.kind, FORMAT, (self.edge, self.clusters_held), told)

    @property
    def key(self) -> str:
        return self._key_of(self.text.key, self.dedup.key, self.verdict.key)

    def units(self) -> list[Unit]:
        """By what is said of the shards of a run: where that is as before, nothing is counted again."""
        clusters = cluster_digests(self.store, self.dedup, COUNTED)
        said = zip(self.text.shards, self.verdict.parts, strict=True)
        told = [(shard.key, part.sha256, clusters.get(i)) for i, (shard, part) in enumerate(said)]
        found = []
        for first, end in runs_of([s.rows for s in self.text.shards]):
            key = self._key_of(told[first:end])
            path = Store.part(self.corpus, self.kind, key)
            verdicts = tuple(p.path for p in self.verdict.parts[first:end])
            run = _Run(first, tuple(self.text.shards[first:end]), verdicts)
            size = sum(p.bytes for p in self.verdict.parts[first:end])
            found.append(Unit(key, path, f"shards {first} to {end - 1}", size, (key, path, run)))
        return found

    def task(self) -> Callable[[Any], PartRecord]:
        return partial(_count, self.store, self.dedup.parts[0].path, self.edge, self.clusters_held)

    def finish(self, parts: list[PartRecord]) -> Manifest:
        inputs = {"text": self.text.key, "verdict": self.verdict.key, "dedup": self.dedup.key}
        parameters = {"edge": self.edge, "clusters_held": self.clusters_held}
        rows = sum(p.rows for p in parts)
        return Manifest(
            self.kind, self.key, self.corpus, tuple(parts), rows, {"counted": rows}, inputs=inputs, parameters=parameters,
            details=dict(add_counts(parts)),
        )  # fmt: skip


def runs_of(rows: list[int]) -> Iterator[tuple[int, int]]:
    """(first, end) of shards that together have UNIT_ROWS documents or, at the last of them, more."""
    first = held = 0
    for end, here in enumerate(rows, 1):
        held += here
        if held >= UNIT_ROWS or end == len(rows):
            yield first, end
            first, held = end, 0


def _count(
    store: Store, dedup: str, edge: float | None, clusters_held: int, payload: tuple[str, str, _Run]
) -> PartRecord:
    """Shard by shard, so that a run is counted in the memory of one."""
    key, path, run = payload
    sources: list[pa.Table] = []
    clusters: list[tuple[int, str]] = []
    near = at_edge = 0
    for i, (shard, verdict) in enumerate(zip(run.shards, run.verdicts, strict=True)):
        found = store.read_shard(dedup, run.first + i, list(COUNTED))
        sources.append(_sources(store, shard, verdict, found))
        heads = found.filter(found.column("keep"))
        sizes = zip(heads.column("cluster_size").to_pylist(), heads.column("cluster").to_pylist(), strict=True)
        clusters = heapq.nlargest(clusters_held, [*clusters, *sizes])
        fuzzy = found.filter(pc.equal(found.column("method"), "fuzzy")).column("jaccard").to_numpy()
        near += len(fuzzy)
        at_edge += 0 if edge is None else int((fuzzy < edge).sum())
    made = pa.concat_tables([added_up(pa.concat_tables(sources)), _clusters(clusters)])
    return commit_part(store, key, path, made, {"near": near, "edge": at_edge})


def _sources(store: Store, shard: Shard, verdict: str, found: pa.Table) -> pa.Table:
    """Documents kept by rules, and those of them that are removed, by source (the file, where there is none)."""
    ids = read_ids(store, shard, ["source", "file_path"])
    kept = store.read_table(verdict, columns=["kept"]).column("kept").to_numpy()
    gone = np.zeros(len(kept), dtype=np.int64)
    gone[found.column("row").to_numpy()[~found.column("keep").to_numpy()]] = 1
    names = pc.coalesce(ids.column("source"), ids.column("file_path")).filter(pa.array(kept)).cast(pa.string())
    each = [names, pa.array(np.ones(len(names), np.int64)), pa.array(gone[kept])]
    about = pa.repeat(pa.scalar(SOURCE), len(names))
    return added_up(pa.table([about, *each], schema=arrow_schema(EFFECTS_TABLE)))


def _clusters(largest: list[tuple[int, str]]) -> pa.Table:
    sizes, names = [n for n, _ in largest], [name for _, name in largest]
    arrays = [[CLUSTER] * len(names), names, sizes, [n - 1 for n in sizes]]
    fields = arrow_schema(EFFECTS_TABLE)
    return pa.table([pa.array(a, f.type) for a, f in zip(arrays, fields, strict=True)], schema=fields)
