"""What deduplication would take of each source, counted shard by shard, and whether that is too much."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import GuardHeld
from pipeline.recipe.dedup import Guard

SOURCES_TOLD = 3

Flags = npt.NDArray[np.bool_]


def count_sources(counted: dict[str, tuple[int, int]], ids: pa.Table, kept: Flags, goes: Flags) -> None:
    """Add one shard: of each source the documents that the rules kept and those that go. ids: the columns source and
    file_path, which stands for a source that is not told."""
    table = pa.table(
        {"source": pc.coalesce(ids.column("source"), ids.column("file_path")), "goes": pa.array(goes.astype(np.int64))}
    )
    found = table.filter(pa.array(kept)).group_by("source").aggregate([("goes", "count"), ("goes", "sum")])
    for one in found.to_pylist():
        documents, removed = counted.get(one["source"], (0, 0))
        counted[one["source"]] = documents + one["goes_count"], removed + one["goes_sum"]


def hold(guard: Guard, counted: dict[str, tuple[int, int]]) -> None:
    """Hold the commit (GuardHeld) where a source would lose more than the recipe allows."""
    lost = [
        (s, *n) for s, n in counted.items() if n[0] >= guard.min_source_docs and n[1] > guard.max_source_loss * n[0]
    ]
    if lost:
        worst = ", ".join(f"{source} loses {removed} of {documents}" for source, documents, removed in _worst(lost))
        raise GuardHeld(
            f"held before the commit: deduplication would take more than {guard.max_source_loss:.0%} of a source: {worst}. "
            "Look first: run again with --set dedup.guard.max_source_loss=1 --until dedup, then "
            "winnow sql 'select * from duplicates order by cluster_size desc'. If that is meant, run it to the end"
        )


def _worst(lost: Iterable[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    return sorted(lost, key=lambda one: (-one[2] / one[1], one[0]))[:SOURCES_TOLD]
