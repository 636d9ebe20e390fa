"""Takedowns of a corpus as they are kept: one record each, committed once, never changed; the ids beside it as Parquet. That
one is undone is a record of its own, in `undone/`; which files of text were emptied is in `emptied/`.

A record or its ids that are damaged stop whoever asks for them, because nobody else knows what must stay hidden. The same
request given again writes them anew: a takedown is named by the hash of its request, which tells, too, that it is what was asked.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from pipeline.errors import IntegrityError
from pipeline.storage.records import Shapes, misfit
from pipeline.storage.shard import part_key
from pipeline.storage.store import Store
from pipeline.wording import many

UNDONE, EMPTIED = "undone", "emptied"
SHAPES: Shapes = {
    **dict.fromkeys(("id", "corpus", "at", "by", "why"), str), "ids": int, "sources": list, "predicate": (str, type(None)),
    "copies": bool, "documents": int, "text_bytes": int, "sha256": (str, type(None)),
}  # fmt: skip
UNDO_SHAPES: Shapes = dict.fromkeys(("takedown", "corpus", "at", "by", "why"), str)


@dataclass(frozen=True)
class Takedown:
    """One request. ids: how many documents it names by doc_id (they lie beside it); sources: every document of these,
    later ones too; predicate: the SQL that found ids, asked once; copies: ids of their clusters were added; documents,
    text_bytes: what it met when it was made; at: RFC 3339, UTC; by, why: who asked and the reason, for people; sha256: of the
    file of ids (None: there is none, or the record is an older one)."""

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
    sha256: str | None = None

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


@dataclass(frozen=True)
class Damage:
    """A file of a takedown that is not what was written. path: of the store; what: is wrong with it."""

    path: str
    what: str


def takedown_id(store: Store, corpus: str, why: str, ids: list[str], sources: list[str]) -> str:
    """The same for the same request, so that a command that was cut short can be given again; another once that is undone."""
    gone = undos(store, corpus)
    return next(name for n in itertools.count() if (name := _id(corpus, why, ids, sources, n)) not in gone)


def _id(corpus: str, why: str, ids: list[str], sources: list[str], undone: int) -> str:
    """undone: how many equal requests were undone before."""
    again = [undone] if undone else []
    return f"td_{part_key('takedown', corpus, why, sorted(ids), sorted(sources), *again)[:16]}"


def folder(corpus: str) -> str:
    return f"corpora/{corpus}/takedowns"


def record_path(corpus: str, takedown: str) -> str:
    return f"{folder(corpus)}/{takedown}.json"


def ids_path(corpus: str, takedown: str) -> str:
    return f"{folder(corpus)}/{takedown}.parquet"


def undo_path(corpus: str, takedown: str) -> str:
    return f"{folder(corpus)}/{UNDONE}/{takedown}.json"


# reading --------------------------------------------------------------------------------------------------------


def emptied_name(path: str) -> str:
    """By which a file of text is marked."""
    return path.rpartition("/")[2].removesuffix(".parquet")


def emptied_texts(store: Store, corpus: str) -> frozenset[str]:
    """Names (`emptied_name`) of files of text that lost some."""
    found = store.names(f"{folder(corpus)}/{EMPTIED}")
    return frozenset(name.removesuffix(".json") for name in found)


def undos(store: Store, corpus: str) -> dict[str, Undo]:
    """By the id of the takedown that each undid. Raises IntegrityError where a record is damaged."""
    found = {}
    for name in undone_names(store, corpus):
        undo = find_undo(store, corpus, name)
        if isinstance(undo, Damage):
            raise _error(store, undo, undo_remedy(name))
        found[name] = undo
    return found


def takedowns(store: Store, corpus: str) -> list[Takedown]:
    """Those of a corpus that hold, oldest first. Raises IntegrityError where a record is damaged."""
    found = every_takedown(store, corpus)
    gone = undos(store, corpus) if found else {}
    return [t for t in found if t.id not in gone]


def every_takedown(store: Store, corpus: str) -> list[Takedown]:
    """All of a corpus, those that are undone too, oldest first. Raises IntegrityError where a record is damaged, unless it is of
    one that is undone, which hides nothing any more: it is left out."""
    gone = set(undone_names(store, corpus))
    found = [(name, find_takedown(store, corpus, name)) for name in takedown_names(store, corpus)]
    for name, read in found:
        if isinstance(read, Damage) and name not in gone:
            raise _error(store, read, record_remedy(store, corpus, name))
    return sorted((t for _, t in found if isinstance(t, Takedown)), key=lambda t: (t.at, t.id))


def takedown_names(store: Store, corpus: str) -> list[str]:
    """Ids of all of a corpus."""
    return list(_records(store, folder(corpus)))


def undone_names(store: Store, corpus: str) -> list[str]:
    """Ids of those that are undone."""
    return list(_records(store, f"{folder(corpus)}/{UNDONE}"))


def read_takedown(store: Store, corpus: str, name: str) -> Takedown:
    """The record of this id. Raises IntegrityError where it is damaged."""
    found = find_takedown(store, corpus, name)
    if isinstance(found, Damage):
        raise _error(store, found, record_remedy(store, corpus, name))
    return found


def ids_of(store: Store, takedown: Takedown) -> pa.Array:
    """The doc_ids it names: string[ids], ascending. Raises IntegrityError where they are damaged or gone, or the record does
    not say what was asked."""
    found = find_ids(store, takedown)
    if isinstance(found, Damage):
        raise _error(store, found, ids_remedy(store, takedown, found))
    return found


# what may be damaged --------------------------------------------------------------------------------------------


def find_takedown(store: Store, corpus: str, name: str) -> Takedown | Damage:
    """The record of this id, or what is wrong with it."""
    path = record_path(corpus, name)
    value = _find_record(store, path, SHAPES, {"sha256"})
    if isinstance(value, Damage):
        return value
    if (value["id"], value["corpus"]) != (name, corpus):
        return Damage(path, f"says that it is {value['id']} of corpus {value['corpus']!r}")
    return Takedown(**{**value, "sources": tuple(value["sources"])})


def find_undo(store: Store, corpus: str, name: str) -> Undo | Damage:
    """The record that undid the takedown of this id, or what is wrong with it."""
    path = undo_path(corpus, name)
    value = _find_record(store, path, UNDO_SHAPES, set())
    if isinstance(value, Damage):
        return value
    if (value["takedown"], value["corpus"]) != (name, corpus):
        return Damage(path, f"says that it is of {value['takedown']} of corpus {value['corpus']!r}")
    return Undo(**value)


def find_ids(store: Store, takedown: Takedown) -> pa.Array | Damage:
    """See `ids_of`: the ids, or what is wrong with their file or with the record."""
    path, ids = ids_path(takedown.corpus, takedown.id), pa.array([], pa.string())
    if takedown.ids:
        try:
            if takedown.sha256 not in (None, store.digest(path)[0]):
                return Damage(path, "has not the digest that the record says")
            ids = store.parquet(path).read(columns=["doc_id"], use_threads=False).column("doc_id").combine_chunks()
        except FileNotFoundError:
            return Damage(path, "is gone")
        except (OSError, pa.ArrowException, KeyError) as error:
            return Damage(path, f"cannot be read: {error}")
    if len(ids) != takedown.ids:
        return Damage(path, f"has {len(ids)} ids, the record says {takedown.ids}")
    if not _is_named_by(store, takedown, ids.to_pylist()):
        return Damage(
            record_path(takedown.corpus, takedown.id), "is of another reason, ids or sources than its id stands for"
        )
    return ids


def _is_named_by(store: Store, takedown: Takedown, ids: list[str]) -> bool:
    """Whether a takedown's id is that of what its record says, and these ids."""
    said = (takedown.corpus, takedown.why, ids, list(takedown.sources))
    if _id(*said, 0) == takedown.id:
        return True  # nearly always
    return any(_id(*said, n + 1) == takedown.id for n in range(len(takedown_names(store, takedown.corpus))))


def _records(store: Store, where: str) -> Iterator[str]:
    return (name.removesuffix(".json") for name in store.names(where) if name.endswith(".json"))


def _find_record(store: Store, path: str, shapes: Shapes, optional: set[str]) -> dict[str, Any] | Damage:
    """An object with these fields and no others, or what is wrong with it."""
    try:
        value = store.read_json(path)
    except IsADirectoryError:
        return Damage(path, "is a folder")
    except IntegrityError:
        return Damage(path, "is not JSON")
    what = misfit(value, shapes)
    if what is None and (odd := sorted((value.keys() ^ shapes.keys()) - optional)):
        what = f"lacks or adds {', '.join(odd)}"
    return value if what is None else Damage(path, f"is no such record ({what})")


# what to do about it --------------------------------------------------------------------------------------------


def _error(store: Store, damage: Damage, remedy: str) -> IntegrityError:
    return IntegrityError(
        f"{store.full(damage.path)}: {damage.what}. {remedy} Nothing goes on without it, for it says what must stay hidden"
    )


def ids_remedy(store: Store, takedown: Takedown, damage: Damage) -> str:
    """Of ids that are damaged, or a record that is not of them."""
    if damage.path == record_path(takedown.corpus, takedown.id):
        return record_remedy(store, takedown.corpus, takedown.id)
    return (
        f"Give takedown {takedown.id} of corpus {takedown.corpus!r} again: winnow takedown with {many(takedown.ids, 'id')} that it named "
        f"and --why {takedown.why!r}; then it is written anew. Where they are not known any more, take down what is to stay down in "
        f"another way, and then: winnow takedown --undo {takedown.id} --why REASON."
    )


def record_remedy(store: Store, corpus: str, name: str) -> str:
    """Of a record that says nothing any more."""
    beside = ids_path(corpus, name)
    ids = f" (the ids are in {store.full(beside)})" if store.exists(beside) else ""
    return (
        f"It is the record of takedown {name} of corpus {corpus!r}. Give the same takedown again, with its ids, sources and reason{ids}: "
        "then it is written anew. Or put back a copy of it."
    )


def undo_remedy(name: str) -> str:
    """Of a record that undid a takedown."""
    return f"It says that takedown {name} was undone. Undo it again, then it is written anew: winnow takedown --undo {name} --why REASON."
