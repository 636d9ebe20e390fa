"""line_notes: what share of each document the corpus says elsewhere, too, as notes beside those of the scorers: for rules,
SQL, reports and export."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.dedup.lines.columns import ALIAS, COLUMNS, STRUCT
from pipeline.dedup.lines.lines import Found, Repeated, bounds, cut
from pipeline.dedup.lines.tables import read_counts, read_lines
from pipeline.dedup.measured import commit_notes
from pipeline.dedup.survivors import ShardSurvivors, Survivors
from pipeline.scoring import columns_told
from pipeline.stage import OfText, add_counts
from pipeline.storage.manifest import Manifest
from pipeline.storage.part import PartRecord
from pipeline.storage.shard import Shard, part_key, read_ids
from pipeline.storage.store import Store
from pipeline.unit import Unit

FORMAT = 2


@dataclass(frozen=True)
class LineNotes(OfText):
    """One part a shard, row by row. counts: the table `line_counts` over all of `survivors`."""

    lines: Manifest
    survivors: Survivors
    counts: Manifest
    per_document: bool
    kind = "notes"

    @property
    def key(self) -> str:
        return part_key("line_notes", FORMAT, self.lines.key, self.counts.key, self.per_document)

    def units(self) -> list[Unit]:
        found = []
        for i, (shard, part) in enumerate(zip(self.text.shards, self.lines.parts, strict=True)):
            key = part_key(self.key, i)
            path = Store.part(self.corpus, self.kind, key)
            payload = (key, path, shard, part.path, self.survivors.of(i))
            found.append(Unit(key, path, self.text.shard_name(i), part.bytes, payload))
        return found

    def task(self) -> Callable[[Any], PartRecord]:
        return partial(_measure, self.store, tuple(p.path for p in self.counts.parts), self.per_document)

    def finish(self, parts: list[PartRecord]) -> Manifest:
        told = {
            "scorer": ALIAS, "fingerprint": self.key, "version": FORMAT,
            "parameters": self.lines.parameters | self.counts.parameters,
            "columns": columns_told(COLUMNS),
        }  # fmt: skip
        return Manifest(
            self.kind, self.key, self.corpus, tuple(parts), sum(p.rows for p in parts), add_counts(parts),
            inputs={"text": self.text.key, "lines": self.lines.key, "line_counts": self.counts.key},
            parameters={"pass": self.key, "scorers": {ALIAS: told}},
        )  # fmt: skip


def _measure(
    store: Store,
    counts_paths: tuple[str, ...],
    per_document: bool,
    payload: tuple[str, str, Shard, str, ShardSurvivors],
) -> PartRecord:
    key, path, shard, lines_path, survivors = payload
    ids = read_ids(store, shard, ["doc_id", "quarantine", "text_bytes"])
    lines = read_lines(store, lines_path, survivors)
    often = read_counts(store, counts_paths, survivors.index)
    columns = document_shares(lines, often, per_document, ids.column("text_bytes").fill_null(0).to_numpy())
    return commit_notes(store, key, path, ids, pa.field(ALIAS, STRUCT), columns)


def document_shares(
    lines: Found, often: Repeated, per_document: bool, text_bytes: npt.NDArray[np.int64]
) -> list[npt.NDArray[Any]]:
    """The columns of COLUMNS, each of D entries. lines: all of a shard's; text_bytes: i64[D]."""
    goes, entry = cut(lines, often, per_document)
    again, documents = entry >= 0, len(text_bytes)

    def summed(values: npt.NDArray[Any], chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        return np.bincount(lines.row[chosen], values[chosen], documents).astype(np.int64)

    ones = np.ones(len(lines.row), np.int64)
    taking_part = summed(ones, lines.hash != 0)
    most = np.zeros(documents, np.int64)
    np.maximum.at(most, lines.row[again], often.count[entry[again]])
    # as export cuts: with the last line its document loses the line break before it
    start, end = bounds(lines, goes)
    in_repeated = summed(lines.size, again)
    in_surplus = np.bincount(lines.row[goes], end - start, documents).astype(np.int64)
    whole = np.maximum(text_bytes, 1)
    repeated_lines = summed(ones, again)
    return [
        taking_part, repeated_lines, most, repeated_lines / np.maximum(taking_part, 1), in_repeated / whole,
        in_surplus / whole,
    ]  # fmt: skip
