"""mix: verdict and clusters to copies. Every row gets its one final word: how often it goes in, or what left it out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.schema import MIX_TABLE, arrow_schema
from pipeline.sql.engine import query
from pipeline.stage import DRIVER_ROWS, Stage, add_counts, add_text_bytes, commit_part
from pipeline.storage.manifest import Manifest
from pipeline.storage.shard import Shard, part_key, read_ids
from pipeline.storage.store import PartRecord, Store
from pipeline.unit import Unit

FORMAT = 1

Cuts = tuple[tuple[str, str], ...]
"""(what is taken out of documents: 'lines' or 'substrings', path of the shard's part)"""


@dataclass(frozen=True)
class Mix(Stage):
    """One copy of every document that is kept and is no duplicate, or as many as `copies` says for its cluster's size
    (from that size on). cuts: the table `line_cuts`, by which a document may be left empty."""

    store: Store
    text: Manifest
    verdict: Manifest
    dedup: Manifest | None
    cuts: tuple[Manifest, ...] = ()
    copies: Mapping[int, int] = field(default_factory=dict)
    kind: str = "mix"

    @property
    def in_driver(self) -> bool:
        return self.text.rows <= DRIVER_ROWS

    @property
    def corpus(self) -> str:
        return self.text.corpus

    @property
    def key(self) -> str:
        return part_key(
            self.kind, FORMAT, self.text.key, self.verdict.key, self.dedup and self.dedup.key, *self._more()
        )

    def _more(self, index: int | None = None) -> list[object]:
        """What else determines the table, or a shard's part of it; nothing in a recipe without."""
        cuts = [c.key if index is None else c.parts[index].key for c in self.cuts]
        # one table as it always was: its key alone
        told = (cuts[0] if cuts else None) if len(cuts) < 2 else cuts
        return [told, sorted(self.copies.items())] if self.cuts or self.copies else []

    def units(self) -> list[Unit]:
        found = []
        for i, (shard, part) in enumerate(zip(self.text.shards, self.verdict.parts, strict=True)):
            key = part_key(
                self.kind, FORMAT, part.key, self.dedup and self.dedup.key, i if self.dedup else None, *self._more(i)
            )
            path = Store.part(self.corpus, self.kind, key)
            clusters = self.dedup.parts[0].path if self.dedup else None
            cuts = tuple((c.kind.removesuffix("_cuts") + "s", c.parts[i].path) for c in self.cuts)
            payload = (key, path, i, shard, part.path, clusters, cuts)
            found.append(Unit(key, path, self.text.shard_name(i), part.bytes, payload))
        return found

    def task(self) -> Callable[[Any], PartRecord]:
        return partial(_mix, self.store, dict(self.copies))

    def finish(self, parts: list[PartRecord]) -> Manifest:
        inputs = {"text": self.text.key, "verdict": self.verdict.key, "dedup": self.dedup and self.dedup.key}
        text_bytes = add_text_bytes(parts)
        return Manifest(
            self.kind, self.key, self.corpus, tuple(parts), sum(p.rows for p in parts), add_counts(parts), inputs=inputs,
            details={} if text_bytes is None else {"text_bytes": text_bytes},
        )  # fmt: skip


def _mix(
    store: Store, copies: Mapping[int, int], payload: tuple[str, str, int, Shard, str, str | None, Cuts]
) -> PartRecord:
    key, path, index, shard, verdict_path, dedup_path, cuts = payload
    rows = read_ids(store, shard, ["doc_id", "quarantine", "text_bytes"])
    verdict = store.read_table(verdict_path, columns=["kept", "failed"])
    rows = rows.append_column("kept", verdict.column("kept")).append_column("failed", verdict.column("failed"))
    rows = rows.append_column("row", pa.array(range(rows.num_rows), pa.int64()))
    removals = pa.concat_tables([removals_of(store, dedup_path, index), *(emptied_of(store, *c) for c in cuts)])
    mixed = decide(rows, removals)
    if copies and dedup_path is not None:
        mixed = rehydrated(mixed, store.read_shard(dedup_path, index, ["row", "keep", "cluster_size"]), copies)
    became = query(
        "select coalesce(stage || '.' || reason, 'kept') as became, count(*) as n, sum(coalesce(text_bytes, 0))::bigint as bytes "
        "from mixed group by 1 order by 1",
        mixed=mixed.append_column("text_bytes", rows.column("text_bytes")),
    ).to_pylist()
    counts, text_bytes = ({one["became"]: one[what] for one in became} for what in ("n", "bytes"))
    return commit_part(store, key, path, mixed, counts, text_bytes)


def removals_of(store: Store, dedup_path: str | None, index: int) -> pa.Table:
    """(row, method) of the duplicates to remove from one shard."""
    if dedup_path is None:
        return pa.table({"row": pa.array([], pa.int64()), "method": pa.array([], pa.string())})
    found = store.read_shard(dedup_path, index, ["row", "keep", "method"])
    return found.filter(pc.invert(found.column("keep"))).drop_columns(["keep"])


def emptied_of(store: Store, method: str, cuts_path: str) -> pa.Table:
    """(row, method) of the documents of a shard that a table of cuts left empty."""
    cuts = store.read_table(cuts_path, columns=["row", "empties"])
    rows = pc.unique(cuts.filter(cuts.column("empties")).column("row"))
    return pa.table({"row": rows, "method": pa.array([method] * len(rows), pa.string())})


def rehydrated(mixed: pa.Table, clusters: pa.Table, copies: Mapping[int, int]) -> pa.Table:
    """The mix with as many copies of every kept document as its cluster's size asks for; one that is in none has size 1."""
    size = np.ones(mixed.num_rows, np.int64)
    keepers = clusters.filter(clusters.column("keep"))
    size[keepers.column("row").to_numpy()] = keepers.column("cluster_size").to_numpy()
    from_size = np.array([0, *sorted(copies)])
    weights = np.array([1, *(copies[s] for s in sorted(copies))], np.int32)
    wanted = weights[np.searchsorted(from_size, size, side="right") - 1]
    made = np.where(mixed.column("copies").to_numpy() > 0, wanted, 0).astype(np.int32)
    place = mixed.schema.get_field_index("copies")
    return mixed.set_column(place, mixed.schema.field(place), pa.array(made))


def decide(rows: pa.Table, removals: pa.Table) -> pa.Table:
    """The final word on every row, in order: quarantine first, then the rules, then deduplication."""
    made = query(
        """
        select doc_id, case when stage is null then 1 else 0 end::integer as copies, stage,
               case stage when 'quarantine' then quarantine when 'judge' then failed[1].rule when 'dedup' then method end as reason
        from (select *, case when quarantine is not null then 'quarantine' when not kept then 'judge'
                             when method is not null then 'dedup' end as stage
              from rows left join removals using (row)) order by row
        """,
        rows=rows,
        removals=removals,
    )
    return made.cast(arrow_schema(MIX_TABLE))
