"""Reference sets: documents of other corpora that this one is held against. They are never removed, never exported and never
counted; they only stand in for documents of the corpus that are like them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.storage.manifest import Manifest
from pipeline.storage.notes import Notes
from pipeline.storage.shard import part_key, read_ids, usable_rows
from pipeline.storage.store import Store

JOINED = "joined"
"""The kind of a text table with the shards of reference sets behind its own."""


@dataclass(frozen=True)
class Reference:
    """One set. name: as the recipe has it; notes: what deduplication needs of it; mix: where the set is a corpus of this
    workspace, what its latest job kept, which alone takes part."""

    name: str
    notes: Notes
    mix: Manifest | None = None

    @property
    def told(self) -> list[str | None]:
        """What determines it."""
        return [self.name, self.notes.text.key, self.mix.key if self.mix else None]

    def kept(self, store: Store, index: int) -> npt.NDArray[np.bool_]:
        """bool[rows]: which documents of one of its shards take part."""
        if self.mix is None:
            ids = read_ids(store, self.notes.text.shards[index], ["quarantine"])
            usable: npt.NDArray[np.bool_] = usable_rows(ids).to_numpy(zero_copy_only=False)
            return usable
        copies: npt.NDArray[np.int32] = (
            store.read_table(self.mix.parts[index].path, ["copies"]).column("copies").to_numpy()
        )
        return copies > 0


def joined(own: Notes, references: Sequence[Reference], aliases: Sequence[str]) -> Notes:
    """The notes of a corpus with those of reference sets behind them, of some scorers alone."""
    if not references:
        return own
    others = [r.notes.text for r in references]
    told = [own.text, *others]
    counts = {n: sum(t.counts.get(n, 0) for t in told) for n in sorted({n for t in told for n in t.counts})}
    text = dataclasses.replace(
        own.text, kind=JOINED, key=part_key(JOINED, own.text.key, [t.key for t in others]), rows=sum(t.rows for t in told),
        counts=counts, shards=tuple(s for t in told for s in t.shards), parts=tuple(p for t in told for p in t.parts),
        inputs={"texts": [t.key for t in told]}, details={},
    )  # fmt: skip
    passes = [_pass(own, references, alias, text) for alias in aliases]
    return Notes(text, tuple(passes), {alias: n for n, alias in enumerate(aliases)})


def _pass(own: Notes, references: Sequence[Reference], alias: str, text: Manifest) -> Manifest:
    """One table of notes over all shards, of which nothing but one scorer is read."""
    mine = own.passes[own.where[alias]]
    theirs = [r.notes.passes[r.notes.where[alias]] for r in references]
    parts = tuple(p for made in (mine, *theirs) for p in made.parts)
    return dataclasses.replace(mine, parts=parts, inputs={"text": text.key})
