"""Substring deduplication from measure to spans: which stages, in which order, over which documents."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from pipeline.dedup.substring_columns import ALIAS
from pipeline.dedup.survivors import Survivors
from pipeline.recipe.dedup import Substrings as Settings
from pipeline.stage import Stage
from pipeline.stages.substring_contexts import SubstringContexts
from pipeline.stages.substring_cuts import SubstringCuts
from pipeline.stages.substring_groups import SubstringGroups
from pipeline.stages.substring_keys import SubstringKeys
from pipeline.stages.substring_matches import SubstringMatches
from pipeline.stages.substring_notes import SubstringNotes
from pipeline.stages.substrings import Substrings
from pipeline.storage.manifest import Manifest
from pipeline.storage.notes import Notes
from pipeline.storage.store import Store

Do = Callable[[Stage], Manifest]
"""Runs a stage and commits its table."""


def with_substring_notes(store: Store, notes: Notes, settings: Settings, do: Do) -> Notes:
    """The notes and, where the recipe asks for it, what share of each document lies elsewhere, over all documents."""
    if settings.action == "spans":
        return notes
    runs = do(Substrings(store, notes.text, settings))
    matches = _matches(store, notes.text, runs, settings, Survivors(), do)
    made = do(SubstringNotes(store, notes.text, runs, matches, settings))
    return dataclasses.replace(notes, passes=(*notes.passes, made), where=notes.where | {ALIAS: len(notes.passes)})


def substring_cuts(
    store: Store,
    text: Manifest,
    settings: Settings,
    verdict: Manifest,
    dedup: Manifest | None,
    lines: Manifest | None,
    do: Do,
) -> Manifest | None:
    """The passages that go, of the documents that rules and document deduplication kept: what is removed already must not
    be the copy that stays. None where the recipe only measures. lines: what goes besides, of the table `line_cuts`."""
    if settings.action == "measure":
        return None
    survivors = Survivors(verdict, dedup)
    runs = do(Substrings(store, text, settings))
    matches = _matches(store, text, runs, settings, survivors, do)
    return do(SubstringCuts(store, text, runs, survivors, matches, settings, lines))


def _matches(
    store: Store, text: Manifest, runs: Manifest, settings: Settings, survivors: Survivors, do: Do
) -> Manifest:
    groups = do(SubstringGroups(store, do(SubstringKeys(store, text, runs, survivors))))
    contexts = do(SubstringContexts(store, text, groups, settings))
    return do(SubstringMatches(store, groups, contexts, settings))
