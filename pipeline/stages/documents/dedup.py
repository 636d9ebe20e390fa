"""dedup: equal documents and verified pairs to clusters, among the documents the rules kept; and who stays.

Nothing is measured here, so that another threshold or keeper order costs seconds. What is held are the documents that
equal or resemble another (see `pipeline.dedup.documents.clusters`) and the ids of keepers; all else is read shard by shard.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
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
    join_by_url,
    leaders,
    without_copies,
)
from pipeline.dedup.documents.graph import Graph, read_graph
from pipeline.dedup.documents.keeper_order import keeper_order
from pipeline.dedup.documents.references import Reference
from pipeline.recipe.dedup import Dedup as Settings
from pipeline.schema import DEDUP_TABLE, arrow_schema
from pipeline.stage import Stage, counts_metadata
from pipeline.storage.manifest import Manifest
from pipeline.storage.notes import Notes
from pipeline.storage.parquet import parquet_writer
from pipeline.storage.shard import part_key, read_ids
from pipeline.storage.store import PartRecord, Store
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
        return [Unit(self.key, path, "all documents", self.verdict.bytes, self)]

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
    table = _Table(store, stage, graph, made, by_url, offsets, cuts)
    return store.commit_part(stage.key, Store.part(stage.corpus, stage.kind, stage.key), table.write)


def _kept(
    store: Store, stage: Dedup, graph: Graph, offsets: npt.NDArray[np.int64], cuts: npt.NDArray[np.int64]
) -> Flags:
    """bool[N]: met every rule; of a reference set: takes part."""
    kept = np.zeros(len(graph.documents), dtype=bool)
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
    in_play = np.flatnonzero(kept)
    own = in_play[graph.documents[in_play] < stage.own_rows]
    others = in_play[len(own) :]
    best_first = np.append(others, own[keeper_order(store, stage.notes, stage.settings.keep, graph.documents[own])])
    rank = np.empty(len(kept), dtype=np.int32)
    rank[best_first] = np.arange(len(in_play), dtype=np.int32)
    rank[~kept] = np.arange(len(in_play), len(kept), dtype=np.int32)
    urls = np.where(kept, graph.urls, np.int32(NONE))
    leader = np.where(urls == NONE, np.int32(NONE), leaders(urls, rank)[urls])
    leader[others] = others  # nothing stands for a reference, not another one either
    by_url = (leader != NONE) & (leader != np.arange(len(kept)))
    takes_part = kept & (graph.groups != NONE) & ~by_url
    held = graph.documents[graph.a] < stage.own_rows  # the second of a pair lies behind the first
    made = cluster(graph.groups, rank, graph.a[held], graph.b[held], graph.jaccard[held], takes_part)
    made = join_by_url(made, leader) if stage.urls else made
    return without_copies(made, graph.documents >= stage.own_rows), by_url


@dataclass(frozen=True)
class _Table:
    """Every document of a cluster of two or more, by shard and row."""

    store: Store
    of: Dedup
    graph: Graph
    made: Clusters
    by_url: Flags
    offsets: npt.NDArray[np.int64]
    cuts: npt.NDArray[np.int64]

    @cached_property
    def told(self) -> Nodes:
        """The documents that are told of."""
        in_clusters = (self.made.size > 1) & (self.graph.documents < self.of.own_rows)
        return np.flatnonzero(in_clusters).astype(np.int32)

    def write(self, path: Path) -> int:
        keepers = np.flatnonzero((self.made.size > 1) & (self.made.keeper == np.arange(len(self.made.keeper))))
        chunks = [ids.take(pa.array(rows)) for _, ids, rows in self._ids_of(keepers.astype(np.int32))]
        names = pa.chunked_array(chunks, pa.large_string()).combine_chunks()  # of a corpus they may pass 2 GB
        counts = {"keepers": 0, LARGEST: int(self.made.size[self.told].max(initial=0))}
        with parquet_writer(path, arrow_schema(DEDUP_TABLE)) as writer:
            for nodes, ids, rows in self._ids_of(self.told):
                named = names.take(pa.array(np.searchsorted(keepers, self.made.keeper[nodes])))
                table = self._rows(nodes, ids.take(pa.array(rows)).cast(pa.string()), named.cast(pa.string()))
                for said in pc.value_counts(pc.fill_null(table.column("method"), "keepers")).to_pylist():
                    counts[said["values"]] = counts.get(said["values"], 0) + said["counts"]
                writer.write_table(table, row_group_size=ROW_GROUP_ROWS)
            writer.add_key_value_metadata(counts_metadata(counts))
        return len(self.told)

    def _ids_of(self, nodes: Nodes) -> Iterator[tuple[Nodes, pa.Array, npt.NDArray[np.int64]]]:
        """Shard by shard: (some of the documents, all ids of the shard, the documents' rows in it)."""
        rows = self.graph.documents[nodes]
        cuts = np.searchsorted(rows, self.offsets)
        for shard in np.flatnonzero(np.diff(cuts)).tolist():
            here = slice(cuts[shard], cuts[shard + 1])
            table = read_ids(self.store, self.of.text.shards[shard], ["doc_id"])
            ids = table.column("doc_id").cast(pa.large_string()).combine_chunks()
            yield nodes[here], ids, rows[here] - self.offsets[shard]

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
            pa.array(self.made.size[nodes].astype(np.int64)), pa.array(keep),
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
