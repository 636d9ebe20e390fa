"""Substring deduplication in memory, from texts by shard to spans, as the stages do it table by table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.dedup.substrings.matches import equal_windows, groups_of, told_to_shards, whole_runs
from pipeline.dedup.substrings.spans import Spans, in_bytes, repeated_spans
from pipeline.dedup.substrings.substrings import Keys, elements_of, keys_of, runs_of
from pipeline.recipe.dedup import Substrings
from scorers.text import TextBatch


def spans_of_shards(shards: Sequence[Sequence[str]], settings: Substrings, size: int, later: bool) -> list[Spans]:
    """The spans of each shard, in bytes. size: instead of the recipe's, which has a least."""
    batches = [TextBatch.from_strings(list(texts)) for texts in shards]
    elements = [elements_of(b, settings) for b in batches]
    runs = [runs_of(e, size) for e in elements]
    keys = [keys_of(r) for r in runs]
    shard = np.concatenate([np.full(len(k.anchor), i, np.int32) for i, k in enumerate(keys)])
    columns = ("anchor", "context", "windows", "first_row", "first_start", "last_row", "last_start")
    groups = groups_of(shard, Keys(*(np.concatenate([getattr(k, c) for k in keys]) for c in columns)))
    sources = groups.take(np.flatnonzero(groups.source))
    sources = sources.take(np.argsort(sources.anchor, kind="stable"))
    width = elements[0].width
    contexts = []
    for i in range(len(sources.anchor)):
        there = elements[sources.first.shard[i]]
        start = (there.bounds[sources.first.row[i]] + sources.first.start[i]) * width
        contexts.append(there.view[start : start + (int(sources.windows[i]) - 1 + size) * width])
    bounds = np.cumsum([0, *(len(c) for c in contexts)])
    text = np.concatenate([*contexts, np.zeros(8, np.uint8)])
    intervals = [whole_runs(groups), *equal_windows(sources, text, bounds, width, size)]
    told, matches = told_to_shards(groups, intervals)
    made = []
    for i, batch in enumerate(batches):
        spans = repeated_spans(runs[i], matches.take(told == i), i, size, later)
        made.append(in_bytes(spans, batch, elements[i], settings.ends == "word"))
    return made
