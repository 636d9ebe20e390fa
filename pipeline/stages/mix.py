"""mix: verdict and clusters to copies. Every row gets its one final word: how often it goes in, or what left it out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.engine import query
from pipeline.manifest import Manifest
from pipeline.schema import MIX_TABLE, arrow_schema
from pipeline.shard import Shard, part_key, read_ids
from pipeline.stage import DRIVER_ROWS, Stage, add_counts, add_text_bytes, commit_part
from pipeline.store import PartRecord, Store
from pipeline.unit import Unit

FORMAT = 1


@dataclass(frozen=True)
class Mix(Stage):
    """One copy of every document that is kept and is no duplicate."""

    store: Store
    text: Manifest
    verdict: Manifest
    dedup: Manifest | None
    kind: str = "mix"

    @property
    def in_driver(self) -> bool:
        return self.text.rows <= DRIVER_ROWS

    @property
    def corpus(self) -> str:
        return self.text.corpus

    @property
    def key(self) -> str:
        return part_key(self.kind, FORMAT, self.text.key, self.verdict.key, self.dedup and self.dedup.key)

    def units(self) -> list[Unit]:
        found = []
        for i, (shard, part) in enumerate(zip(self.text.shards, self.verdict.parts, strict=True)):
            key = part_key(self.kind, FORMAT, part.key, self.dedup and self.dedup.key, i if self.dedup else None)
            path = Store.part(self.corpus, self.kind, key)
            removals = self.dedup.parts[0].path if self.dedup else None
            found.append(
                Unit(key, path, self.text.shard_name(i), part.bytes, (key, path, i, shard, part.path, removals))
            )
        return found

    def task(self) -> Callable[[Any], PartRecord]:
        return partial(_mix, self.store)

    def finish(self, parts: list[PartRecord]) -> Manifest:
        inputs = {"text": self.text.key, "verdict": self.verdict.key, "dedup": self.dedup and self.dedup.key}
        text_bytes = add_text_bytes(parts)
        return Manifest(
            self.kind, self.key, self.corpus, tuple(parts), sum(p.rows for p in parts), add_counts(parts), inputs=inputs,
            details={} if text_bytes is None else {"text_bytes": text_bytes},
        )  # fmt: skip


def _mix(store: Store, payload: tuple[str, str, int, Shard, str, str | None]) -> PartRecord:
    key, path, index, shard, verdict_path, dedup_path = payload
    rows = read_ids(store, shard, ["doc_id", "quarantine", "text_bytes"])
    verdict = store.read_table(verdict_path, columns=["kept", "failed"])
    rows = rows.append_column("kept", verdict.column("kept")).append_column("failed", verdict.column("failed"))
    rows = rows.append_column("row", pa.array(range(rows.num_rows), pa.int64()))
    mixed = decide(rows, removals_of(store, dedup_path, index))
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
