"""Writing the records of takedowns: the first of equal requests stays, and what is damaged of it is written anew."""

from __future__ import annotations

import dataclasses
import uuid

import pyarrow as pa

from pipeline.storage import naming
from pipeline.storage.store import Store
from pipeline.takedown.records import (
    EMPTIED,
    Damage,
    Takedown,
    Undo,
    emptied_name,
    find_ids,
    find_takedown,
    find_undo,
    folder,
    ids_path,
    record_path,
    undo_path,
)


def commit(store: Store, takedown: Takedown, ids: list[str]) -> Takedown:
    """Record a takedown; from here on it holds. Returns the one that is there: the first of equal requests, of which what is
    damaged or gone is written anew."""
    where, place = ids_path(takedown.corpus, takedown.id), record_path(takedown.corpus, takedown.id)
    if ids:
        store.commit_table(where, _table(ids))
        takedown = dataclasses.replace(takedown, sha256=store.digest(where)[0])
    store.commit_json(place, takedown.as_dict())
    there = find_takedown(store, takedown.corpus, takedown.id)
    if isinstance(there, Damage) or _unlike(there, takedown):
        _keep_damaged(store, place)
        store.put_json(place, takedown.as_dict(), durable=True)
        there = takedown
    if not isinstance(find_ids(store, there), Damage):
        return there
    return _write_ids_again(store, there, ids)


def _unlike(there: Takedown, asked: Takedown) -> bool:
    """Whether a record of the same id says that something else was asked: it has changed since."""
    return (there.why, there.ids, sorted(there.sources)) != (asked.why, asked.ids, sorted(asked.sources))


def _write_ids_again(store: Store, there: Takedown, ids: list[str]) -> Takedown:
    """Put a whole file in the place of one that is damaged, or gone since. Nobody finds it missing between."""
    where = ids_path(there.corpus, there.id)
    if store.exists(where):
        _keep_damaged(store, where)
    fresh = f"{where}.again-{uuid.uuid4().hex[:8]}"
    store.commit_table(fresh, _table(ids))
    naming.replace(store, fresh, where)
    mended = dataclasses.replace(there, sha256=store.digest(where)[0])
    if mended != there:  # another release of the library writes other bytes
        store.put_json(record_path(there.corpus, there.id), mended.as_dict(), durable=True)
    return mended


def _keep_damaged(store: Store, path: str) -> None:
    """Let what is about to be replaced stay under another name, for inspection."""
    naming.link(store, path, naming.damaged_name(path))


def _table(ids: list[str]) -> pa.Table:
    return pa.table({"doc_id": pa.array(sorted(ids), pa.string())})


def commit_undo(store: Store, undo: Undo) -> Undo:
    """Record that a takedown holds no more. Returns the record that is there: the first, unless it is damaged."""
    path = undo_path(undo.corpus, undo.takedown)
    store.commit_json(path, undo.as_dict())
    there = find_undo(store, undo.corpus, undo.takedown)
    if not isinstance(there, Damage):
        return there
    _keep_damaged(store, path)
    store.put_json(path, undo.as_dict(), durable=True)
    return undo


def mark_emptied(store: Store, corpus: str, path: str) -> None:
    """Say that a file of text is about to lose some."""
    store.commit_json(f"{folder(corpus)}/{EMPTIED}/{emptied_name(path)}.json", {"text": path})
