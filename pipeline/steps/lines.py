"""Line deduplication from measure to spans: which stages, in which order, over which documents."""

from __future__ import annotations

from pipeline.dedup.lines.columns import ALIAS
from pipeline.dedup.survivors import Survivors
from pipeline.recipe.dedup import Lines as Settings
from pipeline.stage import Do
from pipeline.stages.lines.counts import LineCounts
from pipeline.stages.lines.cuts import LineCuts
from pipeline.stages.lines.filter import LineFilter
from pipeline.stages.lines.keys import LineKeys
from pipeline.stages.lines.lines import Lines
from pipeline.stages.lines.notes import LineNotes
from pipeline.storage.manifest import Manifest
from pipeline.storage.notes import Notes
from pipeline.storage.store import Store


def with_line_notes(store: Store, notes: Notes, settings: Settings, taken: Manifest | None, do: Do) -> Notes:
    """The notes and, where the recipe asks for it, what share of each document the corpus repeats, over all documents that are not
    taken down."""
    if settings.action == "spans":
        return notes
    lines = do(Lines(store, notes.text, settings))
    survivors = Survivors(taken=taken)
    counts = _counts(store, notes.text, lines, settings, survivors, do)
    made = do(LineNotes(store, notes.text, lines, survivors, counts, settings.count == "documents"))
    return notes.with_pass(ALIAS, made)


def line_cuts(
    store: Store, text: Manifest, settings: Settings, verdict: Manifest, dedup: Manifest | None, do: Do
) -> Manifest | None:
    """The lines that go, of the documents that rules and document deduplication kept: what is removed already must not be
    the copy that stays. None where the recipe only measures."""
    if settings.action == "measure":
        return None
    survivors = Survivors(verdict, dedup)
    lines = do(Lines(store, text, settings))
    counts = _counts(store, text, lines, settings, survivors, do)
    return do(LineCuts(store, text, lines, survivors, counts, settings.count == "documents"))


def _counts(
    store: Store, text: Manifest, lines: Manifest, settings: Settings, survivors: Survivors, do: Do
) -> Manifest:
    filtered = None
    if settings.bloom is not None:
        lossy = settings.bloom.mode == "lossy"
        filtered = do(LineFilter(store, lines, survivors, settings.bloom.false_positive, lossy))
        if lossy:
            return filtered
    keys = do(LineKeys(store, text, lines, survivors, settings.count == "documents", filtered))
    return do(LineCounts(store, keys, settings.max_count, settings.keep))
