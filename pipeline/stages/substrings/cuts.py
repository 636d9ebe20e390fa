"""substring_cuts: the passages that go, of each shard: spans for export, each with another place where it lies; and the
documents of which nothing is left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.dedup.cuts import CUT_COLUMNS, cut_spans
from pipeline.dedup.layout import layout
from pipeline.dedup.substrings.documents import nothing_left, spans_by_batch
from pipeline.dedup.substrings.schema import SUBSTRING_CUTS_TABLE
from pipeline.dedup.substrings.spans import Spans, repeated_spans
from pipeline.dedup.substrings.tables import read_matches, read_runs
from pipeline.dedup.survivors import ShardSurvivors, Survivors
from pipeline.recipe.dedup import Substrings as Settings
from pipeline.schema import arrow_schema
from pipeline.stage import OfText, add_counts, commit_part
from pipeline.storage.manifest import Manifest
from pipeline.storage.part import PartRecord
from pipeline.storage.shard import Shard, part_key
from pipeline.storage.store import Store
from pipeline.unit import Unit
from scorers.spans import joined_spans, spans_array
from scorers.text import TextBatch

FORMAT = 1

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class SubstringCuts(OfText):
    """One part a shard, one row a passage that goes. lines: the table `line_cuts`, whose spans go as well."""

    runs: Manifest
    survivors: Survivors
    matches: Manifest
    settings: Settings
    lines: Manifest | None = None
    kind = "substring_cuts"

    @property
    def key(self) -> str:
        how = [self.settings.keep, self.settings.ends, self.lines and self.lines.key]
        return part_key(self.kind, FORMAT, self.runs.key, self.matches.key, *how)

    def units(self) -> list[Unit]:
        found = []
        for i, (shard, part) in enumerate(zip(self.text.shards, self.runs.parts, strict=True)):
            key = part_key(self.key, i)
            path = Store.part(self.corpus, self.kind, key)
            lines = self.lines.parts[i].path if self.lines else None
            payload = (key, path, shard, part.path, self.survivors.of(i), lines)
            found.append(Unit(key, path, self.text.shard_name(i), shard.text_bytes, payload))
        return found

    def task(self) -> Callable[[Any], PartRecord]:
        return partial(_cut, self.store, self.settings, tuple(p.path for p in self.matches.parts))

    def finish(self, parts: list[PartRecord]) -> Manifest:
        totals = add_counts(parts)
        rows = sum(p.rows for p in parts)
        told = {n: totals.get(n, 0) for n in ("bytes", "documents", "emptied")}
        inputs = {"text": self.text.key, "substrings": self.runs.key, "substring_matches": self.matches.key}
        if self.lines:
            inputs["line_cuts"] = self.lines.key
        return Manifest(
            self.kind, self.key, self.corpus, tuple(parts), rows, {"substrings": rows}, inputs=inputs, details=told
        )


def _cut(
    store: Store,
    settings: Settings,
    matches_paths: tuple[str, ...],
    payload: tuple[str, str, Shard, str, ShardSurvivors, str | None],
) -> PartRecord:
    key, path, shard, runs_path, survivors, lines_path = payload
    runs = read_runs(store, runs_path, survivors)
    matches = read_matches(store, matches_paths, survivors.index)
    spans = repeated_spans(runs, matches, survivors.index, settings.size, settings.keep == "none")
    lines = store.read_table(lines_path, columns=[*CUT_COLUMNS, "empties"]) if lines_path else None
    tables = []
    for first, batch, (found,) in spans_by_batch(store, shard, [spans], settings):
        if len(found.row):
            tables.append(_rows(found, first, *_emptied(batch, found, first, lines)))
    schema = arrow_schema(SUBSTRING_CUTS_TABLE)
    table = pa.concat_tables([schema.empty_table(), *tables])
    counts = {
        "bytes": int(np.sum(table.column("end_byte").to_numpy() - table.column("start_byte").to_numpy())),
        "documents": len(np.unique(table.column("row").to_numpy())),
        "emptied": len(np.unique(table.filter(table.column("empties")).column("row").to_numpy())),
        "substrings": table.num_rows,
    }
    return commit_part(store, key, path, table, counts, **layout(schema))


def _emptied(batch: TextBatch, found: Spans, first: int, lines: pa.Table | None) -> tuple[Flags, Flags]:
    """(bool[D] nothing is left of a document, bool[D] nothing was left of it already without its lines)."""
    bounds = np.searchsorted(found.row, np.arange(len(batch) + 1))
    spans = [spans_array(bounds, found.start, found.end)]
    gone = np.zeros(len(batch), np.bool_)
    if lines is not None:
        spans.append(cut_spans(lines, first, len(batch)))
        rows = lines.filter(lines.column("empties")).column("row").to_numpy() - first
        gone[rows[(rows >= 0) & (rows < len(batch))]] = True
    return nothing_left(batch, joined_spans(spans)), gone


def _rows(found: Spans, first: int, empty: Flags, gone: Flags) -> pa.Table:
    """The cuts of a batch. A document that lines left empty is gone already, and has none."""
    found = found.take(~gone[found.row])
    arrays = [
        found.row.astype(np.int64) + first,
        found.start,
        found.end,
        found.shard,
        found.other.astype(np.int64),
        empty[found.row],
    ]
    return pa.table([pa.array(a) for a in arrays], schema=arrow_schema(SUBSTRING_CUTS_TABLE))
