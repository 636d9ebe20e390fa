"""banding: how signatures are cut into bands where the recipe gives a budget of false candidates: forecast on this corpus' own
signatures, as a table of the ways there are and the one that was chosen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa

from pipeline.dedup.documents.planner import banding, choices
from pipeline.dedup.documents.schema import BANDING_TABLE
from pipeline.dedup.documents.signature_sample import read_sample
from pipeline.recipe.dedup import Fuzzy
from pipeline.schema import arrow_schema
from pipeline.scoring import ScorerSpec
from pipeline.stage import OfNotes, commit_part
from pipeline.storage.manifest import Manifest
from pipeline.storage.part import PartRecord
from pipeline.storage.shard import part_key
from pipeline.storage.store import Store
from pipeline.unit import Unit
from scorers.base import parameters

FORMAT = 1


@dataclass(frozen=True)
class Banding(OfNotes):
    """Of one minhash scorer's signatures. exact: the alias of the scorer `exact`, by which copies are left out."""

    settings: Fuzzy
    minhash: ScorerSpec
    exact: str
    kind = "banding"
    in_driver = True

    @property
    def key(self) -> str:
        said = [self.notes.fingerprint(a) for a in (self.minhash.alias, self.exact)]
        asked = (self.settings.jaccard, self.settings.recall, self.settings.max_false_candidates)
        return part_key(self.kind, FORMAT, self.notes.text.key, said, asked)

    def units(self) -> list[Unit]:
        signature_bytes = self.notes.passes[self.notes.where[self.minhash.alias]].bytes
        return [Unit(self.key, Store.part(self.corpus, self.kind, self.key), "a sample", signature_bytes, self)]

    def task(self) -> Callable[[Any], PartRecord]:
        return partial(_choose, self.store)

    def finish(self, parts: list[PartRecord]) -> Manifest:
        return Manifest(
            self.kind, self.key, self.corpus, tuple(parts), parts[0].rows, {"ways": parts[0].rows},
            inputs={"text": self.notes.text.key}, parameters=self.settings.model_dump(mode="json"), details=dict(parts[0].counts),
        )  # fmt: skip


def settled(settings: Fuzzy, made: Manifest) -> Fuzzy:
    """The settings with the bands and rows that were chosen."""
    chosen = {"bands": made.details["bands"], "rows": made.details["rows"], "max_false_candidates": None}
    return settings.model_copy(update=chosen)


def _choose(store: Store, stage: Banding) -> PartRecord:
    sample = read_sample(store, stage.notes, stage.minhash.alias, stage.exact)
    num_perm = int(parameters(stage.minhash.build())["num_perm"])
    chosen = banding(stage.settings, num_perm, sample)
    rows = [
        {
            "bands": c.bands, "rows": c.rows, "recall": c.recall, "false_per_doc": c.false_per_doc,
            "similar_per_doc": c.similar_per_doc, "chosen": (c.bands, c.rows) == chosen,
        }
        for c in choices(stage.settings, num_perm, sample, chosen)
    ]  # fmt: skip
    counts = {"bands": chosen[0], "rows": chosen[1], "sampled": len(sample.signatures)}
    table = pa.Table.from_pylist(rows, schema=arrow_schema(BANDING_TABLE))
    return commit_part(store, stage.key, Store.part(stage.corpus, stage.kind, stage.key), table, counts)
