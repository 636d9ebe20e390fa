"""judge: notes to verdict. Every rule is asked of every document, and all that failed are written down."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.recipe.rules import Bucket, Rule
from pipeline.rules import names_in, sentence
from pipeline.schema import TEXT_TABLE, VERDICT_TABLE
from pipeline.stage import OfNotes, add_counts, commit_part
from pipeline.storage.manifest import Manifest, rows_of
from pipeline.storage.notes import ShardNotes, read_notes
from pipeline.storage.part import PartRecord
from pipeline.storage.shard import part_key
from pipeline.storage.store import Store
from pipeline.takedown.tombstones import taken_rows
from pipeline.totals.buckets import BUCKETS, Cuts, bucket_columns
from pipeline.unit import Unit
from pipeline.verdict import judge_rows

FORMAT = 1


def columns_needed(
    rules: Mapping[str, Rule], columns: Sequence[str], buckets: Mapping[str, Bucket]
) -> tuple[list[str], list[str]]:
    """(notes columns, provenance columns) that rules and buckets read. A predicate may read any column of a scorer it
    names."""
    provenance = [c.name for c in TEXT_TABLE]
    named = {r.column for r in rules.values() if r.column is not None}
    named |= {c for b in buckets.values() for c in (b.column, b.by) if c is not None}
    words = {w for r in rules.values() if r.sql is not None for w in names_in(r.sql)}
    notes = [
        c
        for c in columns
        if "." in c and not c.startswith(f"{BUCKETS}.") and (c in named or c.split(".")[0].lower() in words)
    ]
    return notes, [c for c in provenance if c in named or c in words]


@dataclass(frozen=True)
class Judge(OfNotes):
    """The rules over the notes. columns: every notes column there is; cuts: where the buckets are cut, if there are any;
    tombstones: documents that are taken down, which no rule is asked about."""

    rules: dict[str, Rule]
    columns: tuple[str, ...]
    buckets: dict[str, Bucket] = field(default_factory=dict)
    cuts: dict[str, Cuts] = field(default_factory=dict)
    tombstones: Manifest | None = None
    kind = "verdict"
    cheap = True

    @property
    def _rules_key(self) -> str:
        return part_key(
            self.kind,
            FORMAT,
            [(n, r.model_dump(mode="json", by_alias=True, exclude={"why"})) for n, r in self.rules.items()],
            [(n, b.column, b.by, b.names, self.cuts[n]) for n, b in self.buckets.items()],
        )

    @property
    def key(self) -> str:
        return part_key(self._rules_key, self.notes.key, *([self.tombstones.key] if self.tombstones else []))

    def units(self) -> list[Unit]:
        found = []
        for i, shard in enumerate(self.notes.text.shards):
            taken = rows_of(self.tombstones, i)
            # by its content: a takedown leaves alone what is said of other shards
            key = part_key(self._rules_key, self.notes.shard_key(i), *([taken.sha256] if taken else []))
            path = Store.part(self.corpus, self.kind, key)
            notes_bytes = sum(p.parts[i].bytes for p in self.notes.passes)
            payload = (key, path, self.notes.of(i), taken and taken.path)
            found.append(Unit(key, path, self.notes.text.shard_name(i), notes_bytes or shard.rows, payload))
        return found

    def task(self) -> Callable[[Any], PartRecord]:
        needed = columns_needed(self.rules, self.columns, self.buckets)
        return partial(_judge, self.store, self.rules, self.buckets, self.cuts, *needed)

    def finish(self, parts: list[PartRecord]) -> Manifest:
        sentences = [sentence(n, r) for n, r in self.rules.items()]
        return Manifest(
            self.kind, self.key, self.corpus, tuple(parts), sum(p.rows for p in parts), add_counts(parts),
            inputs={"text": self.notes.text.key, "notes": [p.key for p in self.notes.passes]},
            parameters={"rules": sentences}, details={"cuts": self.cuts} if self.cuts else {},
        )  # fmt: skip


def _judge(
    store: Store,
    rules: Mapping[str, Rule],
    buckets: Mapping[str, Bucket],
    cuts: Mapping[str, Cuts],
    notes_columns: Sequence[str],
    provenance: Sequence[str],
    payload: tuple[str, str, ShardNotes, str | None],
) -> PartRecord:
    key, path, notes, tombstones = payload
    rows = read_notes(store, notes, notes_columns, provenance)
    if buckets:
        rows = rows.append_column(BUCKETS, bucket_columns(rows, buckets, cuts))
    verdict = judge_rows(rows, rules)
    if tombstones is not None:
        verdict = without(verdict, taken_rows(store, tombstones))
    if buckets:
        verdict = verdict.append_column(BUCKETS, rows.column(BUCKETS))
    kept = int(pc.sum(verdict.column("kept")).as_py() or 0)
    quarantined = rows.num_rows - rows.column("quarantine").null_count
    counts = {"kept": kept, "quarantined": quarantined, "removed": rows.num_rows - kept - quarantined}
    return commit_part(store, key, path, verdict, counts)


def without(verdict: pa.Table, taken: npt.NDArray[np.int64]) -> pa.Table:
    """The verdict with some rows out: not kept, and nothing is said of which rules they failed."""
    there = np.ones(verdict.num_rows, dtype=bool)
    there[taken] = False
    kept = pc.and_(verdict.column("kept"), pa.array(there))
    nothing = pa.scalar([], VERDICT_TABLE[2].type)
    failed = pc.if_else(pa.array(there), verdict.column("failed"), nothing)
    return pa.table([verdict.column("doc_id"), kept, failed], schema=verdict.schema)
