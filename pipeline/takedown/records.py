"""Takedowns of a corpus as they are kept: one record each, committed once, never changed; the ids beside it as Parquet."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from pipeline.storage.shard import part_key
from pipeline.storage.store import Store


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


def takedown_id(corpus: str, why: str, ids: list[str], sources: list[str]) -> str:
    """The same for the same request, so that a command that was cut short can be given again."""
    return f"td_{part_key('takedown', corpus, why, sorted(ids), sorted(sources))[:16]}"


def folder(corpus: str) -> str:
    return f"corpora/{corpus}/takedowns"


def commit(store: Store, takedown: Takedown, ids: list[str]) -> Takedown:
    """Record a takedown; from here on it holds. Returns the one that is there: the first of equal requests."""
    where = folder(takedown.corpus)
    if ids:
        store.commit_table(f"{where}/{takedown.id}.parquet", pa.table({"doc_id": pa.array(sorted(ids), pa.string())}))
    store.commit_json(f"{where}/{takedown.id}.json", takedown.as_dict())
    return _from_json(store.read_json(f"{where}/{takedown.id}.json"))


def takedowns(store: Store, corpus: str) -> list[Takedown]:
    """All of a corpus, oldest first."""
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
