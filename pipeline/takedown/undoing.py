"""Undoing a takedown: one more record beside it. From then on the documents are judged like all others again."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from typing import Any

from pipeline.errors import UsageError, did_you_mean
from pipeline.job import now
from pipeline.storage.store import Store
from pipeline.storage.turns import in_turn
from pipeline.takedown import records
from pipeline.takedown.committing import commit_undo
from pipeline.takedown.erasing import TURNS
from pipeline.takedown.making import outputs_of
from pipeline.takedown.records import Takedown, Undo


@dataclass(frozen=True)
class Undone:
    """What was done. outputs: exports that go without the documents until they are made again."""

    takedown: Takedown
    undo: Undo
    outputs: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        return {**self.takedown.as_dict(), "undone": self.undo.as_dict(), "outputs": list(self.outputs)}


def undo_takedown(store: Store, takedown_id: str, why: str, by: str | None = None) -> Undone:
    """Record that a takedown holds no more. One that is undone already stays so, with its first reason."""
    if not why.strip():
        raise UsageError("takedown --undo: give the reason with --why; it is kept with the record")
    found = {name: corpus for corpus in store.names("corpora") for name in records.takedown_names(store, corpus)}
    if takedown_id not in found:
        there = f"there are {', '.join(sorted(found)) or 'none'}.{did_you_mean(takedown_id, list(found))}"
        raise UsageError(f"takedown --undo: no takedown {takedown_id!r} in {store.root}; {there}")
    takedown = records.read_takedown(store, found[takedown_id], takedown_id)
    asked = Undo(takedown.id, takedown.corpus, now(), by or getpass.getuser(), why)
    # not while text is emptied by the records from before: a run that begins now would find the text still there, and read it empty
    with in_turn(store, TURNS):
        undo = commit_undo(store, asked)
    return Undone(takedown, undo, outputs_of(store, takedown.corpus))
