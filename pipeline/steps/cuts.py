"""What deduplication cuts out of documents that stay: lines, then passages; and what it measures of them."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.recipe.dedup import Dedup
from pipeline.stage import Do
from pipeline.steps.lines import line_cuts, with_line_notes
from pipeline.steps.substrings import SubstringDedup
from pipeline.storage.manifest import Manifest
from pipeline.storage.notes import Notes
from pipeline.storage.store import Store


@dataclass(frozen=True)
class CutDedup:
    """The lines and passages of a recipe. do_in_scratch: runs a stage whose table does not stay, in the folder `scratch`."""

    store: Store
    settings: Dedup
    do: Do
    do_in_scratch: Do
    scratch: str

    def _passages(self) -> SubstringDedup | None:
        wanted = self.settings.substrings
        if wanted is None:
            return None
        return SubstringDedup(self.store, wanted, self.do, self.do_in_scratch, self.scratch)

    def with_notes(self, notes: Notes, taken: Manifest | None) -> Notes:
        """The notes and, where the recipe asks for it, what share of each document the corpus repeats."""
        if self.settings.lines is not None:
            notes = with_line_notes(self.store, notes, self.settings.lines, taken, self.do)
        passages = self._passages()
        return passages.with_notes(notes, taken) if passages else notes

    def cuts(self, text: Manifest, verdict: Manifest, dedup: Manifest | None) -> tuple[Manifest, ...]:
        """The tables `line_cuts` and `substring_cuts`, as far as the recipe asks for them."""
        lines = None
        if self.settings.lines is not None:
            lines = line_cuts(self.store, text, self.settings.lines, verdict, dedup, self.do)
        passages = self._passages()
        gone = passages.cuts(text, verdict, dedup, lines) if passages else None
        return tuple(c for c in (lines, gone) if c is not None)
