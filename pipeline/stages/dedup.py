"""dedup: equal hashes and verified pairs to clusters, among the documents the rules kept; and who stays.

Nothing is measured here, so that another threshold or keeper order costs seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.dedup.clusters import NONE, Clusters, cluster, first_of_equals, join_by_url, leaders
from pipeline.dedup.urls import digests as url_digests
from pipeline.recipe.dedup import Dedup as Settings
from pipeline.rules import names_in
from pipeline.schema import DEDUP_TABLE, TEXT_TABLE, arrow_schema
from pipeline.sql.engine import query
from pipeline.stage import Stage, commit_part
from pipeline.storage.manifest import Manifest
from pipeline.storage.notes import Notes, binary_rows, read_notes
from pipeline.storage.shard import part_key, read_ids
from pipeline.storage.store import PartRecord, Store
from pipeline.unit import Unit

FORMAT = 3
ROW_GROUP_ROWS = 20_000
"""Rows come by shard, so that a reader of one shard decodes little more than its own."""


@dataclass(frozen=True)
class Dedup(Stage):
    """Clusters of the kept documents. exact: the alias of the scorer `exact`, where the recipe has one."""

    store: Store
    notes: Notes
    verdict: Manifest
    pairs: Manifest | None
    settings: Settings
    exact: str | None
    kind: str = "dedup"
    in_driver: bool = True

    @property
    def corpus(self) -> str:
        return self.notes.text.corpus

    @property
    def key(self) -> str:
        return part_key(
            self.kind,
            FORMAT,
            self.notes.key,
            self.verdict.key,
            self.pairs and self.pairs.key,
            self.settings.model_dump(mode="json", exclude={"guard"}),
        )

    def units(self) -> list[Unit]:
        path = Store.part(self.corpus, self.kind, self.key)
        return [Unit(self.key, path, "all documents", self.verdict.bytes, self)]

    def task(self) -> Callable[[Any], PartRecord]:
        return partial(_dedup, self.store)

    def finish(self, parts: list[PartRecord]) -> Manifest:
        counts = {"keepers": 0, "exact": 0, "fuzzy": 0, **parts[0].counts}
        inputs = {"text": self.notes.text.key, "verdict": self.verdict.key, "pairs": self.pairs and self.pairs.key}
        largest = self.store.read_table(parts[0].path, columns=["cluster_size"]).column("cluster_size")
        size = pc.max(largest).as_py() or 0
        return Manifest(
            self.kind, self.key, self.corpus, tuple(parts), parts[0].rows, counts, inputs=inputs,
            parameters=self.settings.model_dump(mode="json", exclude={"guard"}), details={"largest_cluster": size},
        )  # fmt: skip


@dataclass(frozen=True)
class _Corpus:
    """All documents as arrays by global row, read from the tables of a Dedup."""

    of: Dedup

    @cached_property
    def offsets(self) -> npt.NDArray[np.int64]:
        return self.of.notes.text.row_offsets()

    @cached_property
    def kept(self) -> npt.NDArray[np.bool_]:
        columns = [
            self.of.store.read_table(p.path, columns=["kept"]).column("kept").to_numpy() for p in self.of.verdict.parts
        ]
        return np.concatenate(columns) if columns else np.zeros(0, dtype=bool)

    @cached_property
    def ids(self) -> pa.Table:
        shards = self.of.notes.text.shards
        return pa.concat_tables([read_ids(self.of.store, s, ["doc_id"]) for s in shards])

    def digests(self, column: str) -> npt.NDArray[np.uint64]:
        """u64[D, 2] of a column of the scorer `exact`."""
        found = [np.zeros((0, 2), dtype=np.uint64)]
        for i in range(len(self.of.notes.text.shards)):
            notes = read_notes(self.of.store, self.of.notes.of(i), [f"{self.of.exact}.{column}"])
            values = pc.struct_field(notes.column(str(self.of.exact)).combine_chunks(), column)
            found.append(binary_rows(values, 0).view("<u8"))
        return np.concatenate(found)

    def url_groups(self) -> npt.NDArray[np.int64]:
        """Each document's group of one address, named by its first row; NONE without an address, or where the recipe does
        not ask for it."""
        url = self.of.settings.url
        if url is None:
            return np.full(int(self.offsets[-1]), NONE, dtype=np.int64)
        found = [np.zeros((0, 2), dtype=np.uint64)]
        for shard in self.of.notes.text.shards:
            addresses = read_ids(self.of.store, shard, ["url"]).column("url").combine_chunks()
            found.append(url_digests(addresses, url.normalise))
        digests = np.concatenate(found)
        return first_of_equals(digests, (digests != 0).any(axis=1))

    def has_shingles(self) -> npt.NDArray[np.bool_]:
        """bool[D]: whether a document has any shingle to be similar by."""
        fuzzy = self.of.settings.fuzzy
        assert fuzzy is not None
        found = [np.zeros(0, dtype=bool)]
        for i in range(len(self.of.notes.text.shards)):
            notes = read_notes(self.of.store, self.of.notes.of(i), [f"{fuzzy.on}.shingles"])
            shingles = pc.struct_field(notes.column(fuzzy.on).combine_chunks(), "shingles")
            found.append(pc.fill_null(shingles, 0).to_numpy() > 0)
        return np.concatenate(found)

    def ranks(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Position of every row in the keeper order; rows not asked for come last. i64[D]."""
        tables = []
        cuts = np.searchsorted(rows, self.offsets)
        names = names_in(self.of.settings.keep)
        ids = [c.name for c in TEXT_TABLE if c.name in names]
        for i, start in enumerate(self.offsets[:-1]):
            here = rows[cuts[i] : cuts[i + 1]]
            if len(here):
                aliases = [a for a in self.of.notes.where if a.lower() in names]
                table = read_notes(self.of.store, self.of.notes.of(i), aliases, ids).take(pa.array(here - start))
                tables.append(table.append_column("global_row", pa.array(here)))
        rank = np.full(int(self.offsets[-1]), np.iinfo(np.int64).max, dtype=np.int64)
        if tables:
            ordered = query(
                f"select global_row from rows order by {self.of.settings.keep}\n, doc_id, global_row",
                rows=pa.concat_tables(tables),
            )
            rank[ordered.column("global_row").to_numpy()] = np.arange(len(rows))
        rest = np.flatnonzero(rank == np.iinfo(np.int64).max)
        rank[rest] = np.arange(len(rows), len(rank))
        return rank


def _dedup(store: Store, stage: Dedup) -> PartRecord:
    corpus = _Corpus(stage)
    raw, groups = _text_groups(corpus)
    urls = corpus.url_groups()
    a, b, jaccard = _edges(store, stage)
    touched = np.zeros(len(groups), dtype=bool)
    touched[groups[np.concatenate([a, b])]] = True
    in_play = _shared(groups) | _shared(urls) | ((groups != NONE) & touched[np.maximum(groups, 0)])
    rank = corpus.ranks(np.flatnonzero(in_play & corpus.kept))
    leader = leaders(np.where(corpus.kept, urls, NONE), rank)
    by_url = (leader != NONE) & (leader != np.arange(len(leader)))
    made = join_by_url(cluster(groups, rank, a, b, jaccard, corpus.kept & (groups != NONE) & ~by_url), leader)
    equal = raw if stage.settings.exact == "raw" else groups if stage.settings.exact else None
    table = _table(corpus, made, equal, by_url)
    methods = pc.value_counts(pc.fill_null(table.column("method"), "keepers"))
    counts = {str(m["values"]): int(m["counts"]) for m in methods.to_pylist()}
    return commit_part(
        store, stage.key, Store.part(stage.corpus, stage.kind, stage.key), table, counts, row_group_rows=ROW_GROUP_ROWS
    )


def _text_groups(corpus: _Corpus) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Each document's group of equal bytes, and the one that stands for it in clusters; NONE without any."""
    stage = corpus.of
    if not stage.settings.exact and stage.pairs is None:
        nothing = np.full(int(corpus.offsets[-1]), NONE, dtype=np.int64)
        return nothing, nothing
    raw = _groups(corpus, "raw")
    groups = raw if stage.settings.exact == "raw" and stage.pairs is None else _groups(corpus, "normalised")
    if stage.pairs is not None and stage.settings.exact != "normalised":
        # texts without a shingle (empty, or punctuation alone) are similar to nothing: equal bytes are all they can share
        bare = ~corpus.has_shingles()
        groups = np.where(bare, raw if stage.settings.exact else NONE, groups)
    return raw, groups


def _shared(groups: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """bool[D]: in a group of two or more."""
    sizes = np.bincount(groups[groups != NONE], minlength=len(groups))
    shared: npt.NDArray[np.bool_] = (groups != NONE) & (sizes[np.maximum(groups, 0)] > 1)
    return shared


def _groups(corpus: _Corpus, column: str) -> npt.NDArray[np.int64]:
    """Each document's group of equal texts, named by its first row."""
    digests = corpus.digests(column)
    return first_of_equals(digests, (digests != 0).any(axis=1))


def _edges(store: Store, stage: Dedup) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """The verified pairs at or above the threshold."""
    if stage.pairs is None or stage.settings.fuzzy is None:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    table = store.read_table(stage.pairs.parts[0].path)
    table = table.filter(pc.greater_equal(table.column("jaccard"), stage.settings.fuzzy.jaccard))
    return table.column("a").to_numpy(), table.column("b").to_numpy(), table.column("jaccard").to_numpy()


def _table(
    corpus: _Corpus, made: Clusters, equal: npt.NDArray[np.int64] | None, by_url: npt.NDArray[np.bool_]
) -> pa.Table:
    """Every document of a cluster of two or more, by shard and row."""
    rows = np.flatnonzero(made.size > 1)
    keeper = made.keeper[rows]
    shard = np.searchsorted(corpus.offsets, rows, side="right") - 1
    keep = keeper == rows
    same = np.zeros(len(rows), dtype=bool) if equal is None else equal[rows] == equal[keeper]
    doc_id = corpus.ids.column("doc_id").cast(pa.large_string()).combine_chunks()  # ids of a corpus may pass 2 GB
    named = doc_id.take(pa.array(keeper)).cast(pa.string())
    method = np.where(same, "exact", "fuzzy").astype(object)
    method[by_url[rows]] = "url"
    method[keep] = None
    jaccard = pa.array(np.where(same, 1.0, made.jaccard[rows]), mask=by_url[rows])
    arrays = [
        pa.array(shard.astype(np.int32)), pa.array(rows - corpus.offsets[shard]), doc_id.take(pa.array(rows)).cast(pa.string()), named,
        pa.array(made.size[rows]), pa.array(keep), pc.if_else(pa.array(keep), pa.scalar(None, pa.string()), named),
        jaccard, pa.array(method, pa.string()),
    ]  # fmt: skip
    return pa.table(arrays, schema=arrow_schema(DEDUP_TABLE))
