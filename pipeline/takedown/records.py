"""Takedowns of a corpus as they are kept: one record each, committed once, never changed; the ids beside it as Parquet. That
one is undone is a record of its own, in `undone/`; which files of text were emptied is in `emptied/`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from pipeline.storage.shard import part_key
from pipeline.storage.store import Store

UNDONE, EMPTIED = "undone", "emptied"


@dataclass(frozen=True)
class Takedown:
    """One request. ids: how many documents it names by doc_id (they lie beside it); sources: every document of these,
    later ones too; predicate: the SQL that found ids, asked once; copies: ids of their clusters were added; documents,
    text_bytes: what it met when it was made; at: RFC 3339, UTC; by, why: who asked and the reason, for people."""

    id: str
    corpus: str
    at: str
    by: str
    why: str
    ids: int
    sources: tuple[str, ...]
    predicate: str | None
    copies: bool
    documents: int
    text_bytes: int

    def as_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class Undo:
    """takedown: the id of the one that holds no more; at, by, why: as of a takedown."""

    takedown: str
    corpus: str
    at: str
    by: str
    why: str

    def as_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def takedown_id(store: Store, corpus: str, why: str, ids: list[str], sources: list[str]) -> str:
    """The same for the same request, so that a command that was cut short can be given again; another once that is undone."""
    gone = undos(store, corpus)
    again: list[int] = []
    while (found := f"td_{part_key('takedown', corpus, why, sorted(ids), sorted(sources), *again)[:16]}") in gone:
        again = [sum(again) + 1]
    return found


def folder(corpus: str) -> str:
    return f"corpora/{corpus}/takedowns"


def commit(store: Store, takedown: Takedown, ids: list[str]) -> Takedown:
    """Record a takedown; from here on it holds. Returns the one that is there: the first of equal requests."""
    where = folder(takedown.corpus)
    if ids:
        store.commit_table(f"{where}/{takedown.id}.parquet", pa.table({"doc_id": pa.array(sorted(ids), pa.string())}))
    store.commit_json(f"{where}/{takedown.id}.json", takedown.as_dict())
    return _from_json(store.read_json(f"{where}/{takedown.id}.json"))


def commit_undo(store: Store, undo: Undo) -> Undo:
    """Record that a takedown holds no more. Returns the record that is there: the first."""
    path = f"{folder(undo.corpus)}/{UNDONE}/{undo.takedown}.json"
    store.commit_json(path, undo.as_dict())
    return Undo(**store.read_json(path))


def undos(store: Store, corpus: str) -> dict[str, Undo]:
    """By the id of the takedown that each undid."""
    where = f"{folder(corpus)}/{UNDONE}"
    found = (Undo(**store.read_json(f"{where}/{name}")) for name in store.names(where) if name.endswith(".json"))
    return {undo.takedown: undo for undo in found}


def mark_emptied(store: Store, corpus: str, path: str) -> None:
    """Say that a file of text is about to lose some."""
    name = path.rpartition("/")[2].removesuffix(".parquet")
    store.commit_json(f"{folder(corpus)}/{EMPTIED}/{name}.json", {"text": path})


def emptied_texts(store: Store, corpus: str) -> frozenset[str]:
    """Paths of files of text that lost some."""
    where = f"{folder(corpus)}/{EMPTIED}"
    return frozenset(store.read_json(f"{where}/{name}")["text"] for name in store.names(where))


def takedowns(store: Store, corpus: str) -> list[Takedown]:
    """Those of a corpus that hold, oldest first."""
    found = every_takedown(store, corpus)
    gone = undos(store, corpus) if found else {}
    return [t for t in found if t.id not in gone]


def every_takedown(store: Store, corpus: str) -> list[Takedown]:
    """All of a corpus, those that are undone too, oldest first."""
    names = (n for n in store.names(folder(corpus)) if n.endswith(".json"))
    found = [_from_json(store.read_json(f"{folder(corpus)}/{n}")) for n in names]
    return sorted(found, key=lambda t: (t.at, t.id))


def ids_of(store: Store, takedown: Takedown) -> pa.Array:
    """The doc_ids it names: string[ids], ascending."""
    if takedown.ids == 0:
        return pa.array([], pa.string())
    table = store.read_table(f"{folder(takedown.corpus)}/{takedown.id}.parquet", columns=["doc_id"])
    return table.column("doc_id").combine_chunks()


def _from_json(value: dict[str, Any]) -> Takedown:
    return Takedown(**{**value, "sources": tuple(value["sources"])})
