"""Document deduplication from measurements to clusters: which stages, in which order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from pipeline.dedup.documents.guards import Held
from pipeline.dedup.documents.kept_sets import kept_before
from pipeline.dedup.documents.measured_before import measured_before
from pipeline.dedup.documents.references import Reference, joined
from pipeline.recipe.dedup import Dedup as Settings
from pipeline.recipe.dedup import Fuzzy
from pipeline.scoring import ScorerSpec
from pipeline.stage import Do
from pipeline.stages.documents.asked import Asked
from pipeline.stages.documents.banding import Banding, settled
from pipeline.stages.documents.bands import Bands
from pipeline.stages.documents.candidates import Candidates
from pipeline.stages.documents.dedup import Dedup
from pipeline.stages.documents.digests import Digests, Equality
from pipeline.stages.documents.effects import Effects
from pipeline.stages.documents.equals import EqualRows
from pipeline.stages.documents.guards import Guards, read_guards
from pipeline.stages.documents.pairs import Pairs
from pipeline.stages.documents.s_curve import SCurve
from pipeline.stages.documents.shingles import Shingles
from pipeline.storage.manifest import Manifest, commit, manifest_path
from pipeline.storage.notes import Notes
from pipeline.storage.store import Store
from scorers.base import parameters


@dataclass(frozen=True)
class DocumentDedup:
    """The duplicates of a recipe among measured documents, and what they share with reference sets. do_in_scratch: runs a
    stage whose table goes with the job."""

    store: Store
    notes: Notes
    settings: Settings
    specs: Sequence[ScorerSpec]
    do: Do
    do_in_scratch: Do
    scratch: str
    references: tuple[Reference, ...] = ()

    @cached_property
    def everything(self) -> Notes:
        """The corpus, and the reference sets behind it."""
        aliases = [s.alias for s in reference_specs(self.settings, self.specs)]
        made = joined(self.notes, self.references, aliases)
        if self.references:  # a later job maps the rows of its tables by it
            commit(self.store, made.text, manifest_path(made.text.corpus, made.text.kind, made.text.key))
        return made

    def clusters(self, verdict: Manifest) -> tuple[Manifest, list[str]]:
        """The table `dedup`, and what to tell the user."""
        fuzzy = self.settings.fuzzy
        pairs = self.pairs(fuzzy) if fuzzy else None
        texts, urls = (self.equals(e) if e else None for e in (self._texts(), self._urls()))
        text = self.everything.text
        stage = Dedup(self.store, self.notes, verdict, texts, urls, pairs, self.settings, text, self.references)
        made = self.do(stage)
        return made, [w for table in (pairs, made) if table for w in table.details.get("warnings", [])]

    def guards(self, verdict: Manifest, made: Manifest) -> tuple[Manifest, list[Held]]:
        """What the clusters do, held against the recipe's budgets."""
        effects = self.do(Effects(self.store, self.notes.text, verdict, made, self.settings))
        table = self.do(Guards(self.store, effects, self.settings))
        return table, read_guards(self.store, table)

    def pairs(self, fuzzy: Fuzzy) -> Manifest:
        """Which documents are how similar, by the exact Jaccard of all that LSH found."""
        notes, own_rows = self.everything, self.notes.text.rows
        minhash = next(s for s in self.specs if s.alias == fuzzy.on)
        if fuzzy.max_false_candidates is not None:
            fuzzy = settled(fuzzy, self.do(Banding(self.store, notes, fuzzy, minhash, self._exact())))
        bands = self.do(Bands(self.store, notes, fuzzy, minhash, self._exact()))
        found = self.do(Candidates(self.store, notes.text, bands, fuzzy.max_bucket))
        ngram = int(parameters(minhash.build())["ngram"])

        before = measured_before(self.store, notes.text, ngram)

        def gather(cuts: npt.NDArray[np.int64]) -> tuple[Manifest, Manifest]:
            asked = self.do_in_scratch(Asked(self.store, found, before, cuts, self.scratch))
            kept = kept_before(self.store, notes.text.corpus, ngram)
            stage = Shingles(self.store, notes.text, asked, cuts, ngram, self.scratch, kept)
            shingles, sets = self.do_in_scratch(stage), stage.sets()
            commit(self.store, sets, manifest_path(sets.corpus, sets.kind, sets.key))
            return asked, shingles

        pairs = self.do(Pairs(self.store, notes.text, found, ngram, gather, own_rows))
        self.do(SCurve(self.store, notes, pairs, fuzzy.on, fuzzy.jaccard))
        return pairs

    def equals(self, equality: Equality) -> Manifest:
        """Which documents equal an earlier one."""
        notes = self.everything
        digests = self.do(Digests(self.store, notes, equality))
        return self.do(EqualRows(self.store, notes.text, digests))

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


def reference_specs(settings: Settings, specs: Sequence[ScorerSpec]) -> list[ScorerSpec]:
    """What has to be known of reference sets."""
    on = settings.fuzzy.on if settings.fuzzy else None
    return [s for s in specs if s.alias == on or s.scorer == "exact"]
