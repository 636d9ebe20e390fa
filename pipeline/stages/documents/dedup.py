"""dedup: equal documents and verified pairs to clusters, among the documents the rules kept; and who stays.

Nothing is measured here, so that another threshold or keeper order costs seconds. What is held are the documents that
equal or resemble another (see `pipeline.dedup.documents.clusters`) and the ids of keepers; all else is read shard by shard.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.dedup.documents.clusters import (
    NONE,
    Clusters,
    Flags,
    Nodes,
    cluster,
    drop_copies,
    join_by_url,
    leads_by_url,
    sizes,
)
from pipeline.dedup.documents.graph import Graph, read_graph
from pipeline.dedup.documents.keeper_order import rank_keepers
from pipeline.dedup.documents.references import Reference
from pipeline.dedup.room import chunks
from pipeline.recipe.dedup import Dedup as Settings
from pipeline.schema import DEDUP_TABLE, arrow_schema
from pipeline.stage import Stage, counts_metadata
from pipeline.storage.manifest import Manifest
from pipeline.storage.notes import Notes
from pipeline.storage.parquet import parquet_writer
from pipeline.storage.part import PartRecord
from pipeline.storage.shard import part_key, read_ids
from pipeline.storage.store import Store
from pipeline.unit import Unit

FORMAT = 5
ROW_GROUP_ROWS = 20_000
"""Rows come by shard, so that a reader of one shard decodes little more than its own."""


@dataclass(frozen=True)
class Dedup(Stage):
    """Clusters of the kept documents. texts, urls: tables `equals`, where the recipe asks for them. text: the corpus with the
    reference sets behind it, whose documents are better than any of its own, and are in no cluster with one another."""

    store: Store
    notes: Notes
    verdict: Manifest
    texts: Manifest | None
    urls: Manifest | None
    pairs: Manifest | None
    settings: Settings
    text: Manifest
    references: tuple[Reference, ...] = ()
    kind = "dedup"
    in_driver = True

    @property
    def corpus(self) -> str:
        return self.notes.text.corpus

    @property
    def key(self) -> str:
        tables = [
            *(t and t.key for t in (self.verdict, self.texts, self.urls, self.pairs)),
            *(r.told for r in self.references),
        ]
        return part_key(
            self.kind, FORMAT, self.notes.key, tables, self.settings.model_dump(mode="json", exclude={"guard"})
        )

    @property
    def own_rows(self) -> int:
        """Rows from here on are of reference sets."""
        return int(self.notes.text.row_offsets()[-1])

    def units(self) -> list[Unit]:
        path = Store.part(self.corpus, self.kind, self.key)
        tables = [t for t in (self.verdict, self.texts, self.urls, self.pairs) if t]
        return [Unit(self.key, path, "all documents", sum(t.bytes for t in tables), self)]

    def task(self) -> Callable[[Any], PartRecord]:
        return partial(_dedup, self.store)

    def finish(self, parts: list[PartRecord]) -> Manifest:
        told = {"keepers": 0, "exact": 0, "fuzzy": 0, **parts[0].counts}
        size = told.pop(LARGEST)
        inputs = {"text": self.notes.text.key, "verdict": self.verdict.key, "pairs": self.pairs and self.pairs.key}
        pairs = self.pairs.parameters if self.pairs else {}
        banding = [pairs["bands"], pairs["rows"]] if pairs else None
        return Manifest(
            self.kind, self.key, self.corpus, tuple(parts), parts[0].rows, told, inputs=inputs,
            parameters=self.settings.model_dump(mode="json", exclude={"guard"}),
            details={"largest_cluster": size, "banding": banding},
        )  # fmt: skip


LARGEST = "largest_cluster"


def _dedup(store: Store, stage: Dedup) -> PartRecord:
    fuzzy = stage.settings.fuzzy
    graph = read_graph(store, stage.texts, stage.urls, stage.pairs, fuzzy.jaccard if fuzzy else 1.0)
    offsets = stage.text.row_offsets()
    cuts = np.searchsorted(graph.documents, offsets)
    kept = _kept(store, stage, graph, offsets, cuts)
    made, by_url = _clusters(store, stage, graph, kept)
    table = _Table(store, stage, graph, made, sizes(made.keeper, graph.room), by_url, offsets, cuts)
    return store.commit_part(stage.key, Store.part(stage.corpus, stage.kind, stage.key), table.write)


def _kept(
    store: Store, stage: Dedup, graph: Graph, offsets: npt.NDArray[np.int64], cuts: npt.NDArray[np.int64]
) -> Flags:
    """bool[N]: met every rule; of a reference set: takes part."""
    kept = graph.room.full(len(graph.documents), np.bool_, False)
    others = [(reference, n) for reference in stage.references for n in range(len(reference.notes.text.shards))]
    for shard in np.flatnonzero(np.diff(cuts)).tolist():
        here = slice(cuts[shard], cuts[shard + 1])
        if shard < len(stage.verdict.parts):
            said = store.read_table(stage.verdict.parts[shard].path, columns=["kept"]).column("kept").to_numpy()
        else:
            reference, n = others[shard - len(stage.verdict.parts)]
            said = reference.kept(store, n)
        kept[here] = said[graph.documents[here] - offsets[shard]]
    return kept


def _clusters(store: Store, stage: Dedup, graph: Graph, kept: Flags) -> tuple[Clusters, Flags]:
    """The clusters, and bool[N]: whether another of the same address stands for a document."""
    room, count = graph.room, len(kept)
    others = int(np.searchsorted(graph.documents, stage.own_rows))
    rank = _ranks(store, stage, graph, kept, others)
    by_url, takes_part = room.full(count, np.bool_, False), room.empty(count, np.bool_)
    leader = room.full(count, np.int32, NONE)
    if stage.urls is not None:
        leader = leads_by_url(graph.urls, rank, kept, room)
        for here in chunks(count):
            nodes = np.arange(here.start, here.stop, dtype=np.int32)
            own = nodes < others  # nothing stands for a reference, not another one either
            leader[here] = np.where(own | ~kept[here], leader[here], nodes)
            by_url[here] = (leader[here] != NONE) & (leader[here] != nodes)
    for here in chunks(count):
        takes_part[here] = kept[here] & (graph.groups[here] != NONE) & ~by_url[here]
    made = cluster(graph.groups, rank, graph.a, graph.b, graph.jaccard, takes_part, room)
    if stage.urls is not None:
        join_by_url(made, leader)
    drop_copies(made, others)
    return made, by_url


def _ranks(store: Store, stage: Dedup, graph: Graph, kept: Flags, others: int) -> Nodes:
    """i32[N]: the lower the rather kept; references (from `others` on) first, what is not kept last."""
    rank: Nodes = graph.room.empty(len(kept), np.int32)

    def in_order(first: int, start: int, wanted: bool) -> int:
        for here in chunks(len(kept) - start):
            nodes = start + here.start + np.flatnonzero(kept[start:][here] == wanted)
            rank[nodes] = np.arange(first, first + len(nodes), dtype=np.int32)
            first += len(nodes)
        return first

    own = in_order(0, others, wanted=True)
    documents = graph.documents[:others]
    rest = rank_keepers(store, stage.notes, stage.settings.keep, documents, kept[:others], rank[:others], own)
    in_order(rest, 0, wanted=False)
    return rank


@dataclass(frozen=True)
class _Table:
    """Every document of a cluster of two or more, by shard and row. size: i32[N], documents of each one's cluster."""

    store: Store
    of: Dedup
    graph: Graph
    made: Clusters
    size: Nodes
    by_url: Flags
    offsets: npt.NDArray[np.int64]
    cuts: npt.NDArray[np.int64]

    def write(self, path: Path) -> int:
        place = self.graph.room.empty(len(self.size), np.int32)  # of a keeper's id
        names = self.graph.room.strings(self._names(place))
        counts, rows = {"keepers": 0, LARGEST: 0}, 0
        with parquet_writer(path, arrow_schema(DEDUP_TABLE)) as writer:
            for nodes, ids in self._ids_of(keepers=False):
                named = names.take(pa.array(place[self.made.keeper[nodes]]))
                table = self._rows(nodes, ids.cast(pa.string()), named.cast(pa.string()))
                for said in pc.value_counts(pc.fill_null(table.column("method"), "keepers")).to_pylist():
                    counts[said["values"]] = counts.get(said["values"], 0) + said["counts"]
                counts[LARGEST] = max(counts[LARGEST], int(self.size[nodes].max()))
                rows += len(nodes)
                writer.write_table(table, row_group_size=ROW_GROUP_ROWS)
            writer.add_key_value_metadata(counts_metadata(counts))
        return rows

    def _names(self, place: Nodes) -> Iterator[pa.LargeStringArray]:
        """The ids of keepers, and into `place` which of these is whose."""
        end = 0
        for nodes, ids in self._ids_of(keepers=True):
            place[nodes] = np.arange(end, end + len(nodes), dtype=np.int32)
            end += len(nodes)
            yield ids

    def _ids_of(self, keepers: bool) -> Iterator[tuple[Nodes, pa.LargeStringArray]]:
        """Shard by shard: some of the documents that are in clusters, and their ids. keepers: these alone, those of reference
        sets, too; else all that are told of."""
        own_shards = len(self.of.notes.text.shards)
        for shard in np.flatnonzero(np.diff(self.cuts)).tolist():
            if shard >= own_shards and not keepers:
                return
            nodes = np.arange(self.cuts[shard], self.cuts[shard + 1], dtype=np.int32)
            nodes = nodes[self.size[nodes] > 1]
            nodes = nodes[self.made.keeper[nodes] == nodes] if keepers else nodes
            if len(nodes) == 0:
                continue
            table = read_ids(self.store, self.of.text.shards[shard], ["doc_id"])
            ids = table.column("doc_id").cast(pa.large_string()).combine_chunks()
            yield nodes, ids.take(pa.array(self.graph.documents[nodes] - self.offsets[shard]))

    def _rows(self, nodes: Nodes, doc_id: pa.Array, named: pa.Array) -> pa.Table:
        """Documents of one shard; named: their keepers' ids."""
        row = self.graph.documents[nodes]
        shard = np.searchsorted(self.offsets, row, side="right") - 1
        keeper = self.made.keeper[nodes]
        keep, by_url = keeper == nodes, self.by_url[nodes]
        same = self._equal(nodes, keeper)
        method = np.where(same, "exact", "fuzzy").astype(object)
        method[by_url] = "url"
        reference = self._reference(keeper)
        method[[name is not None for name in reference]] = "reference"
        method[keep] = None
        arrays = [
            pa.array(shard.astype(np.int32)), pa.array(row - self.offsets[shard]), doc_id, named,
            pa.array(self.size[nodes].astype(np.int64)), pa.array(keep),
            pc.if_else(pa.array(keep), pa.scalar(None, pa.string()), named),
            pa.array(np.where(same, 1.0, self.made.jaccard[nodes]), mask=by_url), pa.array(method, pa.string()),
            pa.array(reference, pa.string()),
        ]  # fmt: skip
        return pa.table(arrays, schema=arrow_schema(DEDUP_TABLE))

    def _reference(self, keeper: Nodes) -> npt.NDArray[np.object_]:
        """Of each keeper the name of the set it is of, or None."""
        ends = np.cumsum([self.of.own_rows, *(r.notes.text.rows for r in self.of.references)])
        names = np.array([None, *(r.name for r in self.of.references)], dtype=object)
        found: npt.NDArray[np.object_] = names[np.searchsorted(ends, self.graph.documents[keeper], side="right")]
        return found

    def _equal(self, nodes: Nodes, keeper: Nodes) -> Flags:
        """bool: equal to the keeper, as the recipe means it."""
        exact, graph = self.of.settings.exact, self.graph
        named = graph.labels if exact == "raw" else graph.groups
        equal: Flags = (named[nodes] == named[keeper]) & (named[nodes] != NONE)
        return equal if exact else np.zeros(len(nodes), dtype=bool)
