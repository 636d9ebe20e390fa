"""The manifest lists a table's parts, with rows, bytes and digest, and what it came from. Written last: it is the commit."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.errors import ConservationError, IntegrityError
from pipeline.storage.part import PartRecord
from pipeline.storage.shard import Shard
from pipeline.storage.store import Store

FORMAT_VERSION = 1
RECENT = 3
"""Tables of a kind that are looked through for parts: a corpus as it was, and what stands beside it."""


@dataclass(frozen=True)
class Manifest:
    """A committed table. inputs: tables it came from, by kind; counts: its rows by what became of them; shards: only
    the text table has them; details: what a kind has to say beyond that. No timestamps: same content, same bytes."""

    kind: str
    key: str
    corpus: str
    parts: tuple[PartRecord, ...]
    rows: int
    counts: dict[str, int]
    inputs: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    shards: tuple[Shard, ...] = ()
    format_version: int = FORMAT_VERSION

    @property
    def bytes(self) -> int:
        return sum(p.bytes for p in self.parts)

    def row_offsets(self) -> npt.NDArray[np.int64]:
        """Global row of each shard's first row, and of the end: i64[shards+1]."""
        return np.concatenate([[0], np.cumsum([s.rows for s in self.shards])]).astype(np.int64)

    def shard_name(self, index: int) -> str:
        """A shard for people: its file and row groups, or its first file and how many more."""
        text, *more = self.shards[index].texts
        name = f"{index}:{text.path.rsplit('/', 1)[-1]}"
        return f"{name} and {len(more)} more" if more else f"{name}[{text.first}:{text.last}]"


def manifest_path(corpus: str, kind: str, key: str) -> str:
    """Where a table's manifest lies in a workspace."""
    return f"{Store.table(corpus, kind, key)}/manifest.json"


def load(store: Store, path: str) -> Manifest | None:
    """The table committed at a path, or None where it is not (yet) there. Raises IntegrityError where it is no manifest."""
    try:
        # not asked before whether it is there: another process may set it aside between
        return from_json(store.read_json(path))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (LookupError, TypeError, ValueError, AttributeError, IntegrityError) as error:
        setting = (
            f"Set it aside with: winnow verify --repair --workspace {store.root}" if _is_usual(path) else "Remove it"
        )
        what = (
            "is not JSON" if isinstance(error, IntegrityError) else f"is no manifest ({type(error).__name__}: {error})"
        )
        raise IntegrityError(
            f"{store.full(path)}: {what}. {setting}, then run the same command again: what it lists is found again, or made anew"
        ) from error


def find(store: Store, path: str) -> Manifest | None:
    """The same, for those who can do without: None where it cannot be read. `winnow verify` tells of it."""
    try:
        return load(store, path)
    except IntegrityError:
        return None


def from_json(value: dict[str, Any]) -> Manifest:
    parts = tuple(PartRecord(**p) for p in value["parts"])
    shards = tuple(Shard.from_json(s) for s in value["shards"])
    made = Manifest(**{**value, "parts": parts, "shards": shards})
    sum(made.counts.values())
    for told in (made.inputs, made.parameters, made.details):
        told.keys()
    return made


def _is_usual(path: str) -> bool:
    """Whether a table lies where `check_workspace` looks."""
    return path.startswith("corpora/") and path.split("/")[2] != "export"


def commit(store: Store, manifest: Manifest, path: str) -> Manifest:
    """Publish a table at a path; the conservation law is checked here, for every kind."""
    accounted = sum(manifest.counts.values())
    if accounted != manifest.rows:
        raise ConservationError(
            f"{manifest.kind} of {manifest.corpus!r}: {manifest.rows} rows in, {accounted} accounted for {manifest.counts}; "
            "nothing was committed. This is a fault of Winnow: please report it with this message"
        )
    told = dataclasses.asdict(manifest)
    for part in told["parts"]:
        if not part["text_bytes"]:  # of mix and export alone: a million parts need not say that they do not tell
            del part["text_bytes"]
    store.commit_json(path, told)
    there = store.read_json(path)
    key = there.get("key") if isinstance(there, dict) else None
    if key != manifest.key:
        raise IntegrityError(
            f"{store.full(path)}: another table is there (key {key}), or what is left of one; choose another folder, or remove it"
        )
    return manifest


def tables(store: Store, corpus: str, kind: str) -> list[Manifest]:
    """All committed tables of a kind, by key."""
    return [m for m in (load(store, place) for place in places(store, corpus, kind)) if m is not None]


def places(store: Store, corpus: str, kind: str) -> list[str]:
    """Where the manifests of a kind lie, by key."""
    return [manifest_path(corpus, kind, key) for key in store.names(f"corpora/{corpus}/{kind}") if key != "parts"]


def rows_of(table: Manifest | None, index: int) -> PartRecord | None:
    """A shard's part of a table, where it has any row."""
    return table.parts[index] if table is not None and table.parts[index].rows else None


def recent(store: Store, corpus: str, kind: str) -> list[Manifest]:
    """The committed tables of a kind that were made last, the latest first; none in a bucket, where names tell no time. One
    that cannot be read is passed over: all that is lost is work that it would have spared."""
    if store.remote:
        return []
    made = []
    for place in places(store, corpus, kind):
        with contextlib.suppress(OSError):
            made.append((os.stat(store.full(place)).st_mtime_ns, place))
    found = (find(store, place) for _, place in sorted(made, reverse=True)[:RECENT])
    return [m for m in found if m is not None]
