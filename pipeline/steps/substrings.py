"""Substring deduplication from measure to spans: which stages, in which order, over which documents."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.dedup.substrings.columns import ALIAS
from pipeline.dedup.survivors import Survivors
from pipeline.recipe.dedup import Substrings as Settings
from pipeline.stage import Do
from pipeline.stages.substrings.contexts import SubstringContexts
from pipeline.stages.substrings.cuts import SubstringCuts
from pipeline.stages.substrings.groups import SubstringGroups
from pipeline.stages.substrings.keys import SubstringKeys
from pipeline.stages.substrings.matches import SubstringMatches
from pipeline.stages.substrings.notes import SubstringNotes
from pipeline.stages.substrings.substrings import Substrings
from pipeline.storage.manifest import Manifest
from pipeline.storage.notes import Notes
from pipeline.storage.store import Store


@dataclass(frozen=True)
class SubstringDedup:
    """The repeated passages of a corpus. do_in_scratch: runs a stage whose table does not stay, in the folder `scratch`."""

    store: Store
    settings: Settings
    do: Do
    do_in_scratch: Do
    scratch: str

    def with_notes(self, notes: Notes, taken: Manifest | None) -> Notes:
        """The notes and, where the recipe asks for it, what share of each document lies elsewhere: over all documents that
        are not taken down."""
        if self.settings.action == "spans":
            return notes
        survivors = Survivors(taken=taken)
        runs, matches = self._matches(notes.text, survivors)
        made = self.do(SubstringNotes(self.store, notes.text, runs, survivors, matches, self.settings))
        return notes.with_pass(ALIAS, made)

    def cuts(
        self, text: Manifest, verdict: Manifest, dedup: Manifest | None, lines: Manifest | None
    ) -> Manifest | None:
        """The passages that go, of the documents that rules and document deduplication kept: what is removed already must
        not be the copy that stays. None where the recipe only measures. lines: what goes besides, of the table `line_cuts`."""
        if self.settings.action == "measure":
            return None
        survivors = Survivors(verdict, dedup)
        runs, matches = self._matches(text, survivors)
        return self.do(SubstringCuts(self.store, text, runs, survivors, matches, self.settings, lines))

    def _matches(self, text: Manifest, survivors: Survivors) -> tuple[Manifest, Manifest]:
        runs = self.do(Substrings(self.store, text, self.settings))
        groups = self.do(SubstringGroups(self.store, self.do(SubstringKeys(self.store, text, runs, survivors))))

        def make_contexts() -> Manifest:
            return self.do_in_scratch(SubstringContexts(self.store, text, groups, self.settings, self.scratch))

        return runs, self.do(SubstringMatches(self.store, groups, make_contexts, self.settings))
