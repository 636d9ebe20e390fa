"""Looking through the takedowns of a corpus: is each what was recorded, and are its ids there?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.storage.store import Store
from pipeline.takedown.records import (
    Damage,
    find_ids,
    find_takedown,
    find_undo,
    folder,
    ids_path,
    ids_remedy,
    record_remedy,
    takedown_names,
    undo_remedy,
    undone_names,
)

IDS = re.compile(r"(td_[0-9a-f]{16})\.parquet")


def damages(store: Store, corpus: str) -> Iterator[tuple[Damage, str | None]]:
    """What is wrong with takedowns, and what a person is to do about it; None where the file may be set aside, because it
    hides nothing any more."""
    undone = set(undone_names(store, corpus))
    names = takedown_names(store, corpus)
    for name in names:
        found = find_takedown(store, corpus, name)
        ids = found if isinstance(found, Damage) else find_ids(store, found)
        if isinstance(ids, Damage) and name in undone:
            if store.exists(ids.path):
                yield ids, None
        elif isinstance(found, Damage):
            yield found, record_remedy(store, corpus, name)
        elif isinstance(ids, Damage):
            yield ids, ids_remedy(store, found, ids)
    for name in sorted(undone):
        undo = find_undo(store, corpus, name)
        if isinstance(undo, Damage):
            yield undo, undo_remedy(name)
    yield from _without_record(store, corpus, undone.union(names))


def _without_record(store: Store, corpus: str, names: set[str]) -> Iterator[tuple[Damage, str]]:
    for file in store.names(folder(corpus)):
        found = IDS.fullmatch(file)
        if found and found[1] not in names:
            yield (
                Damage(ids_path(corpus, found[1]), "has no record beside it: its takedown does not hold"),
                "The takedown was cut short, or its record is lost: give it again, or remove this file where it is not to hold.",
            )
