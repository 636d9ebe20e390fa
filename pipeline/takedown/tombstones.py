"""Which documents of a corpus are taken down, asked of rows of its text table."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import IntegrityError
from pipeline.storage.manifest import Manifest, find, places
from pipeline.storage.shard import part_key
from pipeline.storage.store import Store
from pipeline.takedown.records import Damage, Takedown, every_takedown, find_ids, ids_of, takedowns, undos

COLUMNS = ("doc_id", "source")
"""Of the text table: what a takedown names documents by."""


@dataclass(frozen=True)
class Tombstones:
    """All takedowns of a corpus together."""

    takedowns: tuple[Takedown, ...] = ()
    ids: tuple[pa.Array, ...] = ()

    @property
    def digest(self) -> str:
        """Determines which documents they meet."""
        return part_key("tombstones", sorted(t.id for t in self.takedowns))

    @cached_property
    def all_ids(self) -> pa.Array:
        """string[N]: every doc_id that is named."""
        return pc.unique(pa.concat_arrays(self.ids)) if self.ids else pa.array([], pa.string())

    @cached_property
    def all_sources(self) -> pa.Array:
        """string[N]: every source that is named."""
        return pa.array(sorted({s for t in self.takedowns for s in t.sources}), pa.string())

    def mask(self, rows: pa.Table) -> npt.NDArray[np.bool_]:
        """bool[rows] of a table with COLUMNS: which are taken down."""
        made = np.zeros(rows.num_rows, dtype=bool)
        for column, named in (("doc_id", self.all_ids), ("source", self.all_sources)):
            if len(named):
                made |= pc.is_in(rows.column(column), value_set=named).to_numpy()
        return made

    def which(self, doc_id: str | None, source: str | None) -> Takedown | None:
        """The first that names a document, or None."""
        for takedown, ids in zip(self.takedowns, self.ids, strict=True):
            if source in takedown.sources or (doc_id is not None and pc.index(ids, pa.scalar(doc_id)).as_py() >= 0):
                return takedown
        return None


def tombstones_of(store: Store, corpus: str) -> Tombstones:
    """Those of a corpus; none is the usual case, and costs one look at a folder. Raises IntegrityError where what they name
    cannot be told: nothing may go on without it."""
    found = takedowns(store, corpus)
    return Tombstones(tuple(found), tuple(ids_of(store, t) for t in found))


def taken_rows(store: Store, path: str | None) -> npt.NDArray[np.int64]:
    """Rows of a shard that are taken down: i64[K], ascending. path: its part of the table `tombstones`; None: none are."""
    if path is None:
        return np.zeros(0, np.int64)
    rows: npt.NDArray[np.int64] = store.read_table(path, columns=["row"]).column("row").to_numpy()
    return rows


def lifted_of(store: Store, corpus: str) -> tuple[Tombstones, bool]:
    """Of a corpus' takedowns that are undone: whom they named, and whether that is known of all. They hide nothing any more,
    so that damaged ones are passed over."""
    gone = undos(store, corpus)
    undone = [t for t in every_takedown(store, corpus) if t.id in gone] if gone else []
    found = [find_ids(store, t) for t in undone]
    known = tuple(pa.array([], pa.string()) if isinstance(ids, Damage) else ids for ids in found)
    all_known = len(undone) == len(gone) and not any(isinstance(ids, Damage) for ids in found)
    return Tombstones(tuple(undone), known), all_known


def held_elsewhere(store: Store, corpus: str, paths: Collection[str]) -> list[str]:
    """Corpora of the workspace whose takedowns do not hold for `corpus`, though they have files of these paths."""
    return [
        other
        for other in store.names("corpora")
        if other != corpus and _has_some(store, other)
        and any(file["path"] in paths for text in _texts(store, other) for file in text.details["files"])
    ]  # fmt: skip


def _texts(store: Store, corpus: str) -> Iterator[Manifest]:
    """Those that can be read."""
    return (text for place in places(store, corpus, "text") if (text := find(store, place)) is not None)


def _has_some(store: Store, corpus: str) -> bool:
    """Whether takedowns hold, or may: a damaged record says nothing, and is the trouble of its own corpus."""
    try:
        return bool(takedowns(store, corpus))
    except IntegrityError:
        return True
