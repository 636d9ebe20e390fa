"""The documents that equal or resemble another, and how they hang together, read from tables: a part at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from pipeline.dedup.documents.clusters import NONE, Nodes, Similarities
from pipeline.dedup.room import Room, chunks
from pipeline.errors import PlanError
from pipeline.storage.manifest import Manifest
from pipeline.storage.store import Store

Rows = npt.NDArray[np.int64]
Edges = tuple[Rows, Rows, npt.NDArray[Any]]
"""Two documents each, and what is said of them."""

DOCUMENT_BYTES, PAIR_BYTES = 64, 28
"""What clustering needs of each that is in the graph, all arrays together."""
MOST_DOCUMENTS = int(np.iinfo(np.int32).max)
KEPT_ROWS = 2_000_000
"""24 bytes each."""


@dataclass(frozen=True, slots=True)
class Graph:
    """N documents that are in any edge. documents: i64[N], rising global rows; the rest names documents by their place in
    it. groups: i32[N], equal texts by their first (NONE: in no edge of texts); labels: i32[N], those with the same raw text
    by their first; urls: i32[N], equal addresses by their first (NONE: none). a, b: i32[K] and jaccard: f64[K], pairs.
    room: where these arrays lie, and what is made of them may lie."""

    documents: Rows
    groups: Nodes
    labels: Nodes
    urls: Nodes
    a: Nodes
    b: Nodes
    jaccard: Similarities
    room: Room


def read_graph(
    store: Store, texts: Manifest | None, urls: Manifest | None, pairs: Manifest | None, threshold: float
) -> Graph:
    """texts, urls: tables `equals`; pairs: those of at least this similarity count. All are gone through twice: which documents
    there are, and what is said of them."""
    equal_texts, equal_urls = (_again(partial(_equal, store, table), table) for table in (texts, urls))
    similar = _again(partial(_similar, store, pairs, threshold), pairs)
    numbers = _Numbers(store.local_folder)
    edges = 0
    for row, first, _ in chain(equal_texts(), equal_urls()):
        numbers.mark(row, first)
    for first, second, _ in similar():
        numbers.mark(first, second)
        edges += len(first)
    count = numbers.count()
    room = Room.of(DOCUMENT_BYTES * count + PAIR_BYTES * edges, store.local_folder)
    documents = numbers.number(room.empty(count, np.int64))
    groups, by_url = (room.full(count, np.int32, NONE) for _ in range(2))
    labels = room.empty(count, np.int32)
    for here in chunks(count):
        labels[here] = np.arange(here.start, here.stop)

    a, b, jaccard = room.empty(edges, np.int32), room.empty(edges, np.int32), room.empty(edges, np.float64)
    end = 0
    for rows_a, rows_b, found in similar():
        here = slice(end, end + len(found))
        end = here.stop
        a[here], b[here], jaccard[here] = numbers.of(rows_a), numbers.of(rows_b), found
        for nodes in (a[here], b[here]):
            groups[nodes] = nodes
    for row, first, same in equal_texts():
        at, leader = numbers.of(row), numbers.of(first)
        groups[at] = groups[leader] = leader
        labels[at] = numbers.of(same)
    for row, first, _ in equal_urls():
        at, leader = numbers.of(row), numbers.of(first)
        by_url[at] = by_url[leader] = leader
    return Graph(documents, groups, labels, by_url, a, b, jaccard, room)


class _Numbers:
    """Dense numbers of the documents that were marked, by their global rows: 4 bytes a row of the corpus."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._of_row = self._of_rows(0)

    def mark(self, *rows: Rows) -> None:
        end = 1 + max(int(r.max(initial=-1)) for r in rows)
        if end > len(self._of_row):
            more = self._of_rows(max(end, 2 * len(self._of_row)))
            for here in chunks(len(self._of_row)):
                more[here] = self._of_row[here]
            self._of_row = more
        for some in rows:
            self._of_row[some] = 1

    def count(self) -> int:
        """How many there are. Raises PlanError where these are more than can be numbered."""
        count = sum(int(np.count_nonzero(self._of_row[here])) for here in chunks(len(self._of_row)))
        if count > MOST_DOCUMENTS:
            raise PlanError(
                f"{count:,} documents equal or resemble another, at most {MOST_DOCUMENTS:,} can be put into clusters at once: "
                "deduplicate parts of the input first, each against those before it (dedup.against)"
            )
        return count

    def number(self, documents: Rows) -> Rows:
        """documents: [count] -> their rows, rising. From here on `of` knows their places in it."""
        end = 0
        for here in chunks(len(self._of_row)):
            found = np.flatnonzero(self._of_row[here])
            documents[end : end + len(found)] = found + here.start
            self._of_row[here][found] = np.arange(end, end + len(found))
            end += len(found)
        return documents

    def of(self, rows: Rows) -> Nodes:
        """i64[n], all of them marked -> i32[n]."""
        found: Nodes = self._of_row[rows]
        return found

    def _of_rows(self, rows: int) -> Nodes:
        return Room.of(4 * rows, self._folder).full(rows, np.int32, 0)


def _equal(store: Store, table: Manifest | None) -> Iterator[Edges]:
    for part in table.parts if table else ():
        found = store.read_table(part.path)
        yield found.column("row").to_numpy(), found.column("first").to_numpy(), found.column("same").to_numpy()


def _similar(store: Store, pairs: Manifest | None, threshold: float) -> Iterator[Edges]:
    for part in pairs.parts if pairs else ():
        found = store.read_table(part.path)
        found = found.filter(pc.greater_equal(found.column("jaccard"), threshold))
        yield found.column("a").to_numpy(), found.column("b").to_numpy(), found.column("jaccard").to_numpy()


def _again(read: Callable[[], Iterator[Edges]], table: Manifest | None) -> Callable[[], Iterator[Edges]]:
    """What can be gone through several times: kept where it is little, else read each time."""
    if table is not None and table.rows > KEPT_ROWS:
        return read
    kept = list(read())
    return lambda: iter(kept)
