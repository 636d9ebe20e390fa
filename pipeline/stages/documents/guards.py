"""guards: what deduplication would do (the table `effects`), held against the recipe's budgets. What is held stays readable, and
accepting it costs nothing."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.dedup.documents.guards import CLUSTER, SOURCE, Effect, Held, added_up, held_against
from pipeline.dedup.documents.schema import EFFECTS_TABLE, GUARDS_TABLE
from pipeline.recipe.dedup import Dedup as Settings
from pipeline.schema import arrow_schema
from pipeline.stage import Stage, commit_part
from pipeline.storage.manifest import Manifest
from pipeline.storage.part import PartRecord
from pipeline.storage.shard import part_key
from pipeline.storage.store import Store
from pipeline.unit import Unit

FORMAT = 2


@dataclass(frozen=True)
class Guards(Stage):
    """effects: the counts of all shards."""

    store: Store
    effects: Manifest
    settings: Settings
    kind = "guards"
    in_driver = True

    @property
    def corpus(self) -> str:
        return self.effects.corpus

    @property
    def key(self) -> str:
        return part_key(self.kind, FORMAT, self.effects.key, self.settings.guard.model_dump(mode="json"))

    def units(self) -> list[Unit]:
        path = Store.part(self.corpus, self.kind, self.key)
        return [Unit(self.key, path, "all counts", self.effects.bytes, self)]

    def task(self) -> Callable[[Any], PartRecord]:
        return partial(_hold, self.store)

    def finish(self, parts: list[PartRecord]) -> Manifest:
        size = parts[0].counts["largest_cluster"]
        warnings = []
        if size > self.settings.guard.warn_cluster_size:
            warnings.append(
                f"the largest duplicate cluster has {size} documents (warned above {self.settings.guard.warn_cluster_size}); "
                'look at it: winnow sql "select * from duplicates order by cluster_size desc limit 20"'
            )
        return Manifest(
            self.kind, self.key, self.corpus, tuple(parts), parts[0].rows, {"held_against": parts[0].rows}, inputs=self.effects.inputs,
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
    tables = [store.read_table(p.path) for p in stage.effects.parts]
    counted = pa.concat_tables([arrow_schema(EFFECTS_TABLE).empty_table(), *tables])
    sources = added_up(counted.filter(pc.equal(counted.column("about"), SOURCE)))
    documents, removed = sources.column("documents").to_numpy(), sources.column("removed").to_numpy()
    told = sources.filter(pa.array((documents >= stage.settings.guard.min_source_docs) & (removed > 0)))
    losses = {r["name"]: (r["documents"], r["removed"]) for r in told.to_pylist()}
    clusters = counted.filter(pc.equal(counted.column("about"), CLUSTER))
    sizes = zip(clusters.column("documents").to_pylist(), clusters.column("name").to_pylist(), strict=True)
    largest = tuple(heapq.nlargest(int(stage.effects.parameters["clusters_held"]), sizes))
    near, edge = (int(stage.effects.details.get(name, 0)) for name in ("near", "edge"))
    return Effect(int(documents.sum()), int(removed.sum()), losses, largest, near, edge)
