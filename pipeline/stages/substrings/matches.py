"""substring_matches: which stretches of each run lie elsewhere in the corpus, compared byte by byte. One unit a range of
anchors; told to every shard that has the run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.dedup.ranges import read_range, write_by_shard
from pipeline.dedup.substrings.matches import Groups, equal_windows, told_to_shards, whole_runs
from pipeline.dedup.substrings.substrings import BYTE, TOKEN, Bytes, Whole
from pipeline.dedup.substrings.tables import as_groups, matches_table
from pipeline.errors import IntegrityError
from pipeline.recipe.dedup import Substrings as Settings
from pipeline.stage import Stage, add_counts
from pipeline.storage.manifest import Manifest
from pipeline.storage.part import PartRecord
from pipeline.storage.shard import part_key
from pipeline.storage.store import Store
from pipeline.unit import Unit

FORMAT = 2


@dataclass(frozen=True)
class SubstringMatches(Stage):
    """Stretches of windows, by shard, anchor and context. make_contexts: gives the table `substring_contexts`, asked for only
    where there is something to do."""

    store: Store
    groups: Manifest
    make_contexts: Callable[[], Manifest]
    settings: Settings
    kind = "substring_matches"

    @property
    def corpus(self) -> str:
        return self.groups.corpus

    @property
    def key(self) -> str:
        return part_key(self.kind, FORMAT, self.groups.key)

    def units(self) -> list[Unit]:
        ranges = len(self.groups.parts)
        contexts = self.make_contexts()
        shards = tuple(p.path for p in contexts.parts)
        found = []
        for n, part in enumerate(self.groups.parts):
            key = part_key(self.key, n)
            path = Store.part(self.corpus, self.kind, key)
            work = part.bytes + contexts.bytes // ranges
            found.append(Unit(key, path, f"anchors {n} of {ranges}", work, (key, path, part.path, shards, n, ranges)))
        return found

    def task(self) -> Callable[[Any], PartRecord]:
        return partial(_match, self.store, self.settings)

    def finish(self, parts: list[PartRecord]) -> Manifest:
        rows = sum(p.rows for p in parts)
        compared = add_counts(parts).get("windows_compared", 0)
        return Manifest(
            self.kind, self.key, self.corpus, tuple(parts), rows, {"matches": rows}, details={"windows_compared": compared},
            inputs={"substring_groups": self.groups.key},
        )  # fmt: skip


def _match(store: Store, settings: Settings, payload: tuple[str, str, str, tuple[str, ...], int, int]) -> PartRecord:
    key, path, groups_path, shards, n, ranges = payload
    groups = as_groups(store.read_table(groups_path))
    contexts, _ = read_range(store, shards, "anchor", n, ranges, ["number", "context"])
    sources, text, offsets = _by_anchor(groups, contexts, groups_path)
    width = TOKEN if settings.min_tokens else BYTE
    intervals = [whole_runs(groups), *equal_windows(sources, text, offsets, width, settings.size)]
    table = matches_table(*told_to_shards(groups, intervals))
    counts = {"matches": table.num_rows, "windows_compared": int(sources.windows.sum())}
    return write_by_shard(store, key, path, table, counts)


def _by_anchor(groups: Groups, contexts: pa.Table, where: str) -> tuple[Groups, Bytes, Whole]:
    """(the mixed runs once each by number, their contexts one after the other: u8, and where each begins: i64[K+1])."""
    sources = groups.take(np.flatnonzero(groups.source))
    sources = sources.take(np.argsort(sources.number))
    column = contexts.column("context").cast(pa.large_binary())
    contexts = contexts.set_column(contexts.schema.get_field_index("context"), "context", column)
    contexts = contexts.sort_by("number").combine_chunks()
    if not np.array_equal(contexts.column("number").to_numpy(), sources.number):
        raise IntegrityError(
            f"{where}: {contexts.num_rows} contexts of its {len(sources.number)} mixed runs are there; "
            "look at the workspace with: winnow verify --repair, and run again"
        )
    joined = contexts.column("context").combine_chunks()
    _, offsets, data = joined.buffers()
    bounds = np.frombuffer(offsets, np.int64)[joined.offset : joined.offset + len(joined) + 1]
    text = np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)
    return sources, np.concatenate([text, np.zeros(TOKEN, np.uint8)]), bounds  # kernels read eight bytes at a time
