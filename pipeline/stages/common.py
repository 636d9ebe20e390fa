"""common: n-grams of evaluation sets that many documents share are boilerplate, and stop counting as contamination.

Two tables from the notes, no text is read: how many documents have each n-gram, and the scorer's columns measured again
from its own hits without the common ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.recipe.decontaminate import Decontaminate
from pipeline.schema import COMMON_TABLE, arrow_schema
from pipeline.scoring import ScorerSpec, notes_schema
from pipeline.stage import OfNotes, add_counts, commit_part
from pipeline.storage.manifest import Manifest, rows_of
from pipeline.storage.notes import Notes, ShardNotes, read_notes
from pipeline.storage.part import PartRecord
from pipeline.storage.shard import part_key
from pipeline.storage.store import Store
from pipeline.takedown.tombstones import taken_rows
from pipeline.unit import Unit
from scorers import base
from scorers.contamination import Contamination, Hits, measured
from scorers.models.evaluations import Index

FORMAT = 2
ITEMS_TOLD = 5

Kept = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Limit:
    """An n-gram in more documents than max_docs, and in more than max_doc_frac of them, is common; max_docs 0: none is."""

    max_docs: int
    max_doc_frac: float

    def most(self, documents: int) -> int:
        """Of so many documents, in how many an n-gram may be: of the share as it is written, as 0.29 * 100 is below 29."""
        return max(self.max_docs, int(Fraction(str(self.max_doc_frac)) * documents))


@dataclass(frozen=True)
class Common(OfNotes):
    """How many documents have each n-gram that `spec` found, and which of them are too many; `taken`, the table of those that are
    taken down, left out."""

    spec: ScorerSpec
    limit: Limit
    taken: Manifest | None = None
    kind = "common"
    cheap = True

    @property
    def key(self) -> str:
        limit, taken = (self.limit.max_docs, self.limit.max_doc_frac), [self.taken.key] if self.taken else []
        return part_key(self.kind, FORMAT, self.spec.fingerprint(), self.notes.text.key, limit, *taken)

    def units(self) -> list[Unit]:
        found = []
        for i, shard in enumerate(self.notes.text.shards):
            taken = rows_of(self.taken, i)
            key = part_key(self.kind, FORMAT, self.spec.fingerprint(), shard.key, *([taken.sha256] if taken else []))
            path = Store.part(self.corpus, self.kind, key)
            payload = (key, path, self.notes.of(i), taken and taken.path)
            found.append(Unit(key, path, self.notes.text.shard_name(i), shard.rows, payload))
        return found

    def task(self) -> Callable[[Any], PartRecord]:
        return partial(_count, self.store, self.spec.alias)

    def finish(self, parts: list[PartRecord]) -> Manifest:
        index = _index(self.spec)
        documents = np.zeros(len(index.ngrams.keys), np.int64)
        for part in parts:
            table = self.store.read_table(part.path)
            documents[table.column("ngram").to_numpy()] += table.column("documents").to_numpy()
        text = self.notes.text
        measured_rows = text.counts.get("documents", text.rows) - (self.taken.rows if self.taken else 0)
        most = self.limit.most(measured_rows)
        common = np.flatnonzero(documents > most)
        rows = sum(p.rows for p in parts)
        return Manifest(
            self.kind, self.key, self.corpus, tuple(parts), rows, add_counts(parts), inputs={"text": self.notes.text.key},
            parameters={"scorer": self.spec.alias, "most_documents": most},
            details={"common": common.tolist(), "warnings": _warnings(index, common, most, measured_rows)},
        )  # fmt: skip


@dataclass(frozen=True)
class Guarded(OfNotes):
    """The notes of `spec` again, without the n-grams of `common`."""

    spec: ScorerSpec
    common: tuple[int, ...]
    kind = "notes"
    cheap = True

    @property
    def _pass(self) -> str:
        return part_key("guarded", FORMAT, self.spec.alias, self.spec.fingerprint(), self.common)

    @property
    def key(self) -> str:
        return part_key(self._pass, self.notes.text.key)

    def units(self) -> list[Unit]:
        found = []
        for i, shard in enumerate(self.notes.text.shards):
            key = part_key(self._pass, shard.key)
            path = Store.part(self.corpus, self.kind, key)
            found.append(Unit(key, path, self.notes.text.shard_name(i), shard.rows, (key, path, self.notes.of(i))))
        return found

    def task(self) -> Callable[[Any], PartRecord]:
        return partial(_measure_again, self.store, self.spec, self.common)

    def finish(self, parts: list[PartRecord]) -> Manifest:
        before = self.notes.passes[self.notes.where[self.spec.alias]]
        told = before.parameters["scorers"][self.spec.alias] | {"fingerprint": self._pass}
        return Manifest(
            self.kind, self.key, self.corpus, tuple(parts), sum(p.rows for p in parts), add_counts(parts),
            inputs={"text": self.notes.text.key}, parameters={"pass": self._pass, "scorers": {self.spec.alias: told}},
        )  # fmt: skip


def without_common(
    notes: Notes,
    limits: Sequence[tuple[ScorerSpec, Limit]],
    taken: Manifest | None,
    store: Store,
    do: Callable[[Any], Manifest],
) -> tuple[Notes, list[str]]:
    """The notes with the scorers of `limits` measured again where an n-gram is too common, and what to tell the user. taken: the
    table of documents that are taken down, which are not counted."""
    warnings: list[str] = []
    made = notes
    for spec, limit in limits:
        found = do(Common(store, notes, spec, limit, taken))
        warnings += found.details["warnings"]
        if found.details["common"]:
            made = made.with_pass(spec.alias, do(Guarded(store, notes, spec, tuple(found.details["common"]))))
    return made, warnings


def limits_of(specs: Sequence[ScorerSpec], asked: Decontaminate | None) -> list[tuple[ScorerSpec, Limit]]:
    """Every scorer of contamination whose profile, or the recipe, says what is common."""
    found = []
    for spec in specs:
        scorer = spec.build()
        if isinstance(scorer, Contamination):
            profile = scorer.definition()
            docs = profile.max_docs if asked is None or asked.max_docs is None else asked.max_docs
            share = profile.max_doc_frac if asked is None or asked.max_doc_frac is None else asked.max_doc_frac
            if docs:
                found.append((spec, Limit(docs, share)))
    return found


def _index(spec: ScorerSpec) -> Index:
    scorer = spec.build()
    assert isinstance(scorer, Contamination)
    index = scorer.loaded()
    assert index is not None
    return index


def _hits(column: pa.Array) -> Hits:
    """The scorer's column of hits; a row without any has none."""
    lengths = pc.fill_null(column.value_lengths(), 0).to_numpy(zero_copy_only=False)
    values = column.flatten()
    grams, start, end = (values.field(k).to_numpy(zero_copy_only=False) for k in ("ngram", "start", "end"))
    return Hits(np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)]), grams, start, end)


def _count(store: Store, alias: str, payload: tuple[str, str, ShardNotes, str | None]) -> PartRecord:
    key, path, notes, taken = payload
    column = read_notes(store, notes, [f"{alias}.hits"]).column(alias).combine_chunks()
    hits = _hits(pc.struct_field(column, "hits"))
    row = np.repeat(np.arange(len(hits.bounds) - 1), np.diff(hits.bounds))
    there = ~np.isin(row, taken_rows(store, taken))
    pairs = np.unique(np.stack([hits.grams[there].astype(np.int64), row[there]]), axis=1)
    ngrams, documents = np.unique(pairs[0], return_counts=True)
    table = pa.table([pa.array(ngrams, pa.int32()), pa.array(documents)], schema=arrow_schema(COMMON_TABLE))
    return commit_part(store, key, path, table, {"ngrams": table.num_rows})


def _measure_again(
    store: Store, spec: ScorerSpec, common: Sequence[int], payload: tuple[str, str, ShardNotes]
) -> PartRecord:
    key, path, notes = payload
    index = _index(spec)
    kept = index.kept.copy()
    kept[list(common)] = 0
    rows = read_notes(store, notes, [f"{spec.alias}.hits"], ["text_bytes"])
    struct = rows.column(spec.alias).combine_chunks()
    hits = pc.struct_field(struct, "hits")
    text_bytes = pc.fill_null(rows.column("text_bytes"), 0).to_numpy().astype(np.int64)
    values = {**measured(index, _hits(hits), text_bytes, kept), "hits": hits}
    made = base.as_struct(spec.build(), values, rows.num_rows)
    if struct.null_count:
        made = pa.StructArray.from_arrays(made.flatten(), fields=list(made.type), mask=pc.is_null(struct))
    table = pa.table([rows.column("doc_id"), made], schema=notes_schema([spec]))
    counts = {"measured": rows.num_rows - struct.null_count, "quarantined": struct.null_count}
    return commit_part(store, key, path, table, counts)


def _warnings(index: Index, common: npt.NDArray[np.int64], most: int, documents: int) -> list[str]:
    if not len(common):
        return []
    kept: Kept = index.kept.copy()
    kept[common] = 0
    before, after = index.alive(index.kept), index.alive(kept)
    lost = np.flatnonzero(before & ~after)
    names = [f"{index.table['benchmark'][i]} {index.table['item'][i]}" for i in lost[:ITEMS_TOLD].tolist()]
    said = f"contamination: {len(common):,} n-grams stand in more than {most:,} of {documents:,} documents each and do not count"
    if not len(lost):
        return [said]
    more = ", …" if len(lost) > ITEMS_TOLD else ""
    return [
        f"{said}; of {len(lost):,} items nothing else is left, so that they are not looked for: {', '.join(names)}{more}"
    ]
