"""substring_notes: what share of each document lies elsewhere in the corpus word for word, as notes beside those of the
scorers: for rules, SQL, reports and export."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.dedup.measured import commit_notes
from pipeline.dedup.substrings.columns import ALIAS, COLUMNS, STRUCT
from pipeline.dedup.substrings.documents import spans_by_batch
from pipeline.dedup.substrings.spans import Spans, repeated_spans
from pipeline.dedup.substrings.tables import read_matches, read_runs
from pipeline.dedup.survivors import ShardSurvivors, Survivors
from pipeline.recipe.dedup import Substrings as Settings
from pipeline.scoring import columns_told
from pipeline.stage import OfText, add_counts
from pipeline.storage.manifest import Manifest
from pipeline.storage.part import PartRecord
from pipeline.storage.shard import Shard, part_key, read_ids
from pipeline.storage.store import Store
from pipeline.unit import Unit

FORMAT = 2


@dataclass(frozen=True)
class SubstringNotes(OfText):
    """One part a shard, row by row. matches: the table `substring_matches` over the same documents."""

    runs: Manifest
    survivors: Survivors
    matches: Manifest
    settings: Settings
    kind = "notes"

    @property
    def key(self) -> str:
        return part_key(
            "substring_notes", FORMAT, self.runs.key, self.matches.key, self.settings.ends, self.settings.keep
        )

    def units(self) -> list[Unit]:
        found = []
        for i, (shard, part) in enumerate(zip(self.text.shards, self.runs.parts, strict=True)):
            key = part_key(self.key, i)
            path = Store.part(self.corpus, self.kind, key)
            payload = (key, path, shard, part.path, self.survivors.of(i))
            found.append(Unit(key, path, self.text.shard_name(i), shard.text_bytes, payload))
        return found

    def task(self) -> Callable[[Any], PartRecord]:
        return partial(_measure, self.store, self.settings, tuple(p.path for p in self.matches.parts))

    def finish(self, parts: list[PartRecord]) -> Manifest:
        told = {
            "scorer": ALIAS, "fingerprint": self.key, "version": FORMAT,
            "parameters": self.runs.parameters | {"ends": self.settings.ends, "keep": self.settings.keep},
            "columns": columns_told(COLUMNS),
        }  # fmt: skip
        return Manifest(
            self.kind, self.key, self.corpus, tuple(parts), sum(p.rows for p in parts), add_counts(parts),
            inputs={"text": self.text.key, "substrings": self.runs.key, "substring_matches": self.matches.key},
            parameters={"pass": self.key, "scorers": {ALIAS: told}},
        )  # fmt: skip


def _measure(
    store: Store,
    settings: Settings,
    matches_paths: tuple[str, ...],
    payload: tuple[str, str, Shard, str, ShardSurvivors],
) -> PartRecord:
    key, path, shard, runs_path, survivors = payload
    ids = read_ids(store, shard, ["doc_id", "quarantine", "text_bytes"])
    runs = read_runs(store, runs_path, survivors)
    matches = read_matches(store, matches_paths, survivors.index)
    both = [
        repeated_spans(runs, matches, survivors.index, settings.size, later)
        for later in (True, settings.keep == "none")
    ]
    passages, longest, repeated, surplus = (np.zeros(shard.rows, np.int64) for _ in COLUMNS)
    for first, batch, (anywhere, going) in spans_by_batch(store, shard, both, settings):
        rows = slice(first, first + len(batch))
        passages[rows] = np.bincount(anywhere.row, minlength=len(batch))
        np.maximum.at(longest, anywhere.row + first, anywhere.end - anywhere.start)
        repeated[rows], surplus[rows] = (_bytes(s, len(batch)) for s in (anywhere, going))
    whole = np.maximum(ids.column("text_bytes").fill_null(0).to_numpy(), 1)
    columns = [passages, longest, repeated / whole, surplus / whole]
    return commit_notes(store, key, path, ids, pa.field(ALIAS, STRUCT), columns)


def _bytes(spans: Spans, documents: int) -> npt.NDArray[np.int64]:
    return np.bincount(spans.row, spans.end - spans.start, documents).astype(np.int64)
