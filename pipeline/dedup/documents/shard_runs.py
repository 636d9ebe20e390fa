"""Tables of sorted hashes that have a part a run of shards: of parts of few rows, however many there are, a unit would read more
than its range, and open more than it reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import ClassVar

from pipeline.dedup.layout import HASH_ROWS
from pipeline.stage import OfNotes
from pipeline.storage.manifest import Manifest
from pipeline.storage.notes import ShardNotes
from pipeline.storage.shard import part_key
from pipeline.storage.store import PartRecord, Store
from pipeline.unit import Unit

MOST_ROWS = 2_000_000
"""Of a part of several shards: it is made in memory."""

Payload = tuple[str, str, tuple[ShardNotes, ...]]
"""(key of the part, its path, the notes of its shards)"""


@dataclass(frozen=True)
class ByShardRuns(OfNotes):
    """A row of a part is numbered from the first document of its first shard."""

    format: ClassVar[int]
    counted: ClassVar[str]
    """What a row is."""

    @property
    def asked(self) -> tuple[object, ...]:
        """What determines a part beside its shards."""
        raise NotImplementedError

    @property
    def rows_per_document(self) -> int:
        """At most."""
        return 1

    @property
    def ranges(self) -> int:
        """How many units read a part, at most."""
        raise NotImplementedError

    @cached_property
    def runs(self) -> list[range]:
        """The shards of each part."""
        shards = self.notes.text.shards
        return shard_runs([s.key for s in shards], [s.rows * self.rows_per_document for s in shards], self.ranges)

    def _key_of(self, run: range) -> str:
        return part_key(self.kind, self.format, [self.notes.text.shards[i].key for i in run], *self.asked)

    @property
    def key(self) -> str:
        return part_key(self.kind, [self._key_of(run) for run in self.runs])

    def units(self) -> list[Unit]:
        found = []
        for run in self.runs:
            key = self._key_of(run)
            path = Store.part(self.corpus, self.kind, key)
            name = self.notes.text.shard_name(run[0]) + (f" and {len(run) - 1} more" if len(run) > 1 else "")
            text_bytes = sum(self.notes.text.shards[i].text_bytes for i in run)
            found.append(Unit(key, path, name, text_bytes, (key, path, tuple(self.notes.of(i) for i in run))))
        return found

    def table(self, parts: list[PartRecord], parameters: dict[str, object]) -> Manifest:
        """details.runs: the first shard of each part."""
        rows = sum(p.rows for p in parts)
        return Manifest(
            self.kind, self.key, self.corpus, tuple(parts), rows, {self.counted: rows}, inputs={"text": self.notes.text.key},
            parameters=parameters, details={"runs": [run[0] for run in self.runs]},
        )  # fmt: skip


def shard_runs(keys: Sequence[str], rows: Sequence[int], ranges: int) -> list[range]:
    """Shards that follow each other put together, so many that a range of their rows is HASH_ROWS or more of most. keys: of the
    shards, hexadecimal; rows: of each, at most; ranges: that units read, a power of two. Where one ends, its shard's key says,
    so that a shard that comes or goes changes its own run alone."""
    wanted = -(-2 * ranges * HASH_ROWS * len(keys) // max(1, sum(rows)))
    many = 1 << max(0, wanted - 1).bit_length() if ranges > 1 else 1
    cuts, held = [0], 0
    for n, more in enumerate(rows):
        if n and (int(keys[n - 1][-8:], 16) % many == 0 or held + more > MOST_ROWS):
            cuts.append(n)
            held = 0
        held += more
    return [range(start, end) for start, end in pairwise([*cuts, len(keys)])] if keys else []
