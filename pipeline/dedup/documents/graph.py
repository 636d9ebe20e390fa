"""The documents that equal or resemble another, and how they hang together, read from tables: a part at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from pipeline.dedup.documents.clusters import NONE, Nodes, Similarities
from pipeline.dedup.sorted_rows import distinct
from pipeline.storage.manifest import Manifest
from pipeline.storage.store import Store

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Graph:
    """N documents that are in any edge. documents: i64[N], rising global rows; the rest names documents by their place in
    it. groups: i32[N], equal texts by their first (NONE: in no edge of texts); labels: i32[N], those with the same raw text
    by their first; urls: i32[N], equal addresses by their first (NONE: none). a, b: i32[K] and jaccard: f64[K], pairs."""

    documents: Rows
    groups: Nodes
    labels: Nodes
    urls: Nodes
    a: Nodes
    b: Nodes
    jaccard: Similarities


def read_graph(
    store: Store, texts: Manifest | None, urls: Manifest | None, pairs: Manifest | None, threshold: float
) -> Graph:
    """texts, urls: tables `equals`; pairs: those of at least this similarity count."""
    equal, addresses = (_columns(store, t, ("row", "first", "same")) for t in (texts, urls))
    (a, b), jaccard = _similar(store, pairs, threshold)
    documents = distinct(np.concatenate([*equal[:2], *addresses[:2], a, b]))

    def nodes(rows: Rows) -> Nodes:
        return np.searchsorted(documents, rows).astype(np.int32)

    groups, by_url = (np.full(len(documents), NONE, dtype=np.int32) for _ in range(2))
    labels = np.arange(len(documents), dtype=np.int32)
    at_a, at_b = nodes(a), nodes(b)
    for at in (at_a, at_b):
        groups[at] = at
    for made, (row, first, _) in ((groups, equal), (by_url, addresses)):
        made[nodes(row)] = made[nodes(first)] = nodes(first)
    labels[nodes(equal[0])] = nodes(equal[2])
    return Graph(documents, groups, labels, by_url, at_a, at_b, jaccard)


def _columns(store: Store, table: Manifest | None, names: tuple[str, ...]) -> list[Rows]:
    parts = [store.read_table(p.path, columns=list(names)) for p in table.parts] if table else []
    return [np.concatenate([np.zeros(0, np.int64), *(p.column(n).to_numpy() for p in parts)]) for n in names]


def _similar(store: Store, pairs: Manifest | None, threshold: float) -> tuple[tuple[Rows, Rows], Similarities]:
    a, b, jaccard = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0)]
    for part in pairs.parts if pairs else ():
        table = store.read_table(part.path)
        table = table.filter(pc.greater_equal(table.column("jaccard"), threshold))
        for found, name in ((a, "a"), (b, "b"), (jaccard, "jaccard")):
            found.append(table.column(name).to_numpy())
    return (np.concatenate(a), np.concatenate(b)), np.concatenate(jaccard)
