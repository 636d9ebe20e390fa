"""guards: what deduplication would do to sources, how large its clusters are and how many removals lie at the threshold's
edge, held against the recipe's budgets. Read after the table `dedup` is there: what is held stays readable, and accepting
it costs nothing."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.dedup.documents.guards import LISTED, Effect, Held, held_against
from pipeline.dedup.documents.schema import GUARDS_TABLE
from pipeline.recipe.dedup import Dedup as Settings
from pipeline.schema import arrow_schema
from pipeline.stage import Stage, commit_part
from pipeline.storage.manifest import Manifest
from pipeline.storage.shard import part_key, read_ids
from pipeline.storage.store import PartRecord, Store
from pipeline.unit import Unit

FORMAT = 1
CLUSTERS_HELD = 100_000
"""Largest clusters that are held against the budgets; all of them are in the table `dedup`."""


@dataclass(frozen=True)
class Guards(Stage):
    """Over the documents that the rules kept."""

    store: Store
    text: Manifest
    verdict: Manifest
    dedup: Manifest
    settings: Settings
    kind: str = "guards"
    in_driver: bool = True

    @property
    def corpus(self) -> str:
        return self.text.corpus

    @property
    def threshold(self) -> float | None:
        return self.settings.fuzzy.jaccard if self.settings.fuzzy else None

    @property
    def key(self) -> str:
        guard = self.settings.guard.model_dump(mode="json")
        return part_key(self.kind, FORMAT, self.dedup.key, self.verdict.key, self.threshold, guard)

    def units(self) -> list[Unit]:
        path = Store.part(self.corpus, self.kind, self.key)
        return [Unit(self.key, path, "all documents", self.dedup.bytes, self)]

    def task(self) -> Callable[[Any], PartRecord]:
        return partial(_hold, self.store)

    def finish(self, parts: list[PartRecord]) -> Manifest:
        inputs = {"text": self.text.key, "verdict": self.verdict.key, "dedup": self.dedup.key}
        size = parts[0].counts["largest_cluster"]
        warnings = []
        if size > self.settings.guard.warn_cluster_size:
            warnings.append(
                f"the largest duplicate cluster has {size} documents (warned above {self.settings.guard.warn_cluster_size}); "
                'look at it: winnow sql "select * from duplicates order by cluster_size desc limit 20"'
            )
        return Manifest(
            self.kind, self.key, self.corpus, tuple(parts), parts[0].rows, {"held_against": parts[0].rows}, inputs=inputs,
            parameters=self.settings.guard.model_dump(mode="json"), details=dict(parts[0].counts) | {"warnings": warnings},
        )  # fmt: skip


def read_guards(store: Store, guards: Manifest) -> list[Held]:
    """The rows of a table `guards`."""
    rows = store.read_table(guards.parts[0].path, columns=list(Held._fields)).to_pylist()
    return [Held(**row) for row in rows]


def _hold(store: Store, stage: Guards) -> PartRecord:
    effect = _effect(store, stage)
    rows = held_against(stage.settings.guard, effect)
    table = pa.Table.from_pylist([r._asdict() | {"broken": r.broken} for r in rows], schema=arrow_schema(GUARDS_TABLE))
    counts = {
        "documents": effect.documents, "removed": effect.removed, "near": effect.near, "edge": effect.edge,
        "largest_cluster": max((n for n, _ in effect.clusters), default=0), "broken": sum(r.broken for r in rows),
    }  # fmt: skip
    return commit_part(store, stage.key, Store.part(stage.corpus, stage.kind, stage.key), table, counts)


def _effect(store: Store, stage: Guards) -> Effect:
    """Shard by shard, so that a corpus of any size is counted in the memory of one."""
    kept_of: Counter[str] = Counter()
    lost_of: Counter[str] = Counter()
    clusters: list[tuple[int, str]] = []
    near = edge = 0
    held = CLUSTERS_HELD if _has_cluster_budget(stage) else LISTED
    for i in range(len(stage.text.shards)):
        found = store.read_shard(
            stage.dedup.parts[0].path, i, ["row", "keep", "cluster", "cluster_size", "method", "jaccard"]
        )
        _count_sources(store, stage, i, found, kept_of, lost_of)
        heads = found.filter(found.column("keep"))
        sizes = zip(heads.column("cluster_size").to_pylist(), heads.column("cluster").to_pylist(), strict=True)
        clusters = heapq.nlargest(held, [*clusters, *sizes])
        fuzzy = found.filter(pc.equal(found.column("method"), "fuzzy")).column("jaccard").to_numpy()
        near += len(fuzzy)
        edge += 0 if stage.threshold is None else int((fuzzy < stage.threshold + stage.settings.guard.edge).sum())
    least = stage.settings.guard.min_source_docs
    sources = {name: (of, lost_of[name]) for name, of in kept_of.items() if of >= least and lost_of[name]}
    return Effect(kept_of.total(), lost_of.total(), sources, tuple(clusters), near, edge)


def _has_cluster_budget(stage: Guards) -> bool:
    guard = stage.settings.guard
    return guard.max_cluster_docs is not None or guard.max_cluster_frac is not None


def _count_sources(
    store: Store, stage: Guards, shard: int, found: pa.Table, kept_of: Counter[str], lost_of: Counter[str]
) -> None:
    """Documents kept by rules, and those of them that are removed, by source (the file, where there is none)."""
    ids = read_ids(store, stage.text.shards[shard], ["source", "file_path"])
    kept = store.read_table(stage.verdict.parts[shard].path, columns=["kept"]).column("kept").to_numpy()
    gone = np.zeros(len(kept), dtype=np.bool_)
    gone[found.column("row").to_numpy()[~found.column("keep").to_numpy()]] = True
    names = pc.coalesce(ids.column("source"), ids.column("file_path"))
    for rows, counts in ((kept, kept_of), (kept & gone, lost_of)):
        for value in pc.value_counts(names.filter(pa.array(rows)).combine_chunks()):
            counts[value["values"].as_py()] += value["counts"].as_py()
