"""calibrate: where a recipe's buckets are cut in this corpus. Histograms shard by shard, added up; no text is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.recipe.rules import Bucket
from pipeline.schema import HISTOGRAM_TABLE, TEXT_TABLE, arrow_schema
from pipeline.stage import OfNotes, commit_part
from pipeline.storage.manifest import Manifest, rows_of
from pipeline.storage.notes import ShardNotes, read_notes
from pipeline.storage.part import PartRecord
from pipeline.storage.shard import part_key
from pipeline.storage.store import Store
from pipeline.takedown.tombstones import taken_rows
from pipeline.totals.buckets import Cuts, column, cuts_of, histogram
from pipeline.unit import Unit

FORMAT = 1


@dataclass(frozen=True)
class Calibrate(OfNotes):
    """The cuts of every bucket; those with given values are taken as they are. taken: the table of documents that are taken down,
    which do not count."""

    buckets: dict[str, Bucket]
    taken: Manifest | None = None
    kind = "cuts"
    cheap = True

    @property
    def _buckets_key(self) -> str:
        return part_key(self.kind, FORMAT, {n: b.model_dump(mode="json") for n, b in self.buckets.items()})

    @property
    def key(self) -> str:
        return part_key(self._buckets_key, self.notes.key, *([self.taken.key] if self.taken else []))

    def units(self) -> list[Unit]:
        asked = {n: (b.column, b.by) for n, b in self.buckets.items() if b.values is None}
        found = []
        for i, shard in enumerate(self.notes.text.shards):
            taken = rows_of(self.taken, i)
            key = part_key(self.kind, FORMAT, asked, self.notes.shard_key(i), *([taken.sha256] if taken else []))
            path = Store.part(self.corpus, self.kind, key)
            payload = (key, path, self.notes.of(i), asked, taken and taken.path)
            found.append(Unit(key, path, self.notes.text.shard_name(i), shard.rows, payload))
        return found

    def task(self) -> Callable[[Any], PartRecord]:
        return partial(_histograms, self.store)

    def finish(self, parts: list[PartRecord]) -> Manifest:
        tables = [self.store.read_table(p.path) for p in parts]
        cuts: dict[str, Cuts] = {}
        documents: dict[str, dict[str, int]] = {}
        for name, bucket in self.buckets.items():
            if bucket.values is not None:
                cuts[name], documents[name] = dict(bucket.values), {}
            else:
                own = [t.filter(pc.equal(t.column("bucket"), name)).drop_columns(["bucket"]) for t in tables]
                cuts[name], documents[name] = cuts_of(own, bucket)
        bins = sum(p.rows for p in parts)
        return Manifest(
            self.kind, self.key, self.corpus, tuple(parts), bins, {"bins": bins}, inputs={"text": self.notes.text.key},
            parameters={n: b.model_dump(mode="json") for n, b in self.buckets.items()},
            details={"cuts": cuts, "documents": documents, "warnings": list(self._warnings(cuts, documents))},
        )  # fmt: skip

    def _warnings(self, cuts: Mapping[str, Cuts], documents: Mapping[str, Mapping[str, int]]) -> list[str]:
        said = []
        for name, bucket in self.buckets.items():
            few = [f"{group or 'all'} ({n})" for group, n in documents[name].items() if group not in cuts[name]]
            if few:
                said.append(
                    f"bucket {name!r}: {len(few)} groups have fewer than {bucket.min_docs} documents and no bounds: "
                    f"{', '.join(few[:5])}{', …' if len(few) > 5 else ''}; their documents are in no bucket"
                )
        return said


def _histograms(
    store: Store, payload: tuple[str, str, ShardNotes, Mapping[str, tuple[str, str | None]], str | None]
) -> PartRecord:
    key, path, notes, asked, taken = payload
    paths = [p for both in asked.values() for p in both if p is not None]
    provenance = [c.name for c in TEXT_TABLE if c.name in paths]
    rows = read_notes(store, notes, [p for p in dict.fromkeys(paths) if "." in p], provenance)
    if taken is not None:
        rows = rows.take(np.delete(np.arange(rows.num_rows), taken_rows(store, taken)))
    made = [arrow_schema(HISTOGRAM_TABLE).empty_table()]
    for name, (value, by) in asked.items():
        found = histogram(column(rows, value), column(rows, by) if by else None).table()
        named = found.add_column(0, "bucket", pa.array([name] * found.num_rows, pa.string()))
        made.append(named.cast(arrow_schema(HISTOGRAM_TABLE)))
    table = pa.concat_tables(made)
    return commit_part(store, key, path, table, {"bins": table.num_rows})
