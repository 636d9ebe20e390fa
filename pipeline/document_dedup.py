"""Document deduplication from measurements to clusters: which stages, in which order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.recipe.dedup import Dedup as Settings
from pipeline.recipe.dedup import Fuzzy
from pipeline.scoring import ScorerSpec
from pipeline.stage import Stage
from pipeline.stages.bands import Bands
from pipeline.stages.candidates import Candidates
from pipeline.stages.dedup import Dedup
from pipeline.stages.digests import Digests, Equality
from pipeline.stages.equals import EqualRows
from pipeline.stages.pairs import Pairs
from pipeline.stages.shingles import Shingles
from pipeline.storage.manifest import Manifest
from pipeline.storage.notes import Notes
from pipeline.storage.store import Store
from scorers.base import parameters

Do = Callable[[Stage], Manifest]
"""Runs a stage and commits its table."""


@dataclass(frozen=True)
class DocumentDedup:
    """The duplicates of a recipe among measured documents. do_in_scratch: runs a stage whose table goes with the job."""

    store: Store
    notes: Notes
    settings: Settings
    specs: Sequence[ScorerSpec]
    do: Do
    do_in_scratch: Do
    scratch: str

    def clusters(self, verdict: Manifest) -> tuple[Manifest, list[str]]:
        """The table `dedup`, and what to tell the user."""
        fuzzy = self.settings.fuzzy
        pairs = self.pairs(fuzzy) if fuzzy else None
        texts, urls = (self.equals(e) if e else None for e in (self._texts(), self._urls()))
        made = self.do(Dedup(self.store, self.notes, verdict, texts, urls, pairs, self.settings))
        return made, [w for table in (pairs, made) if table for w in table.details.get("warnings", [])]

    def pairs(self, fuzzy: Fuzzy) -> Manifest:
        """Which documents are how similar, by the exact Jaccard of all that LSH found."""
        minhash = next(s for s in self.specs if s.alias == fuzzy.on)
        bands = self.do(Bands(self.store, self.notes, fuzzy, minhash, self._exact()))
        found = self.do(Candidates(self.store, self.notes.text, bands, fuzzy.max_bucket))
        ngram = int(parameters(minhash.build())["ngram"])

        def make_shingles(cuts: npt.NDArray[np.int64]) -> Manifest:
            return self.do_in_scratch(Shingles(self.store, self.notes.text, found, cuts, ngram, self.scratch))

        return self.do(Pairs(self.store, self.notes.text, found, ngram, make_shingles))

    def equals(self, equality: Equality) -> Manifest:
        """Which documents equal an earlier one."""
        digests = self.do(Digests(self.store, self.notes, equality))
        return self.do(EqualRows(self.store, self.notes.text, digests))

    def _exact(self) -> str:
        return next(s.alias for s in self.specs if s.scorer == "exact")

    def _texts(self) -> Equality | None:
        """What one document stands for in clusters: where similarity is asked for, its normalised text."""
        exact, fuzzy = self.settings.exact, self.settings.fuzzy
        if fuzzy is None:
            return Equality("raw" if exact == "raw" else "normalised", self._exact()) if exact else None
        if exact == "normalised":
            return Equality("normalised", self._exact())
        return Equality("normalised", self._exact(), fuzzy.on, "raw" if exact else "none")

    def _urls(self) -> Equality | None:
        url = self.settings.url
        return Equality("url", normalise=url.normalise) if url else None
