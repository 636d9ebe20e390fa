"""Tables of sorted hashes that have a part a run of shards: of parts of few rows, however many there are, a unit would read more
than its range, and open more than it reads."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.dedup.layout import HASH_ROWS
from pipeline.dedup.ranges import row_bytes
from pipeline.stage import OfNotes
from pipeline.storage.manifest import Manifest
from pipeline.storage.notes import ShardNotes
from pipeline.storage.part import PartRecord
from pipeline.storage.shard import part_key
from pipeline.storage.store import Store
from pipeline.unit import Unit

RANGE_ROWS = 2 * HASH_ROWS
"""Rows of a range in a part, on average: with as many, most parts have ranges of HASH_ROWS or more."""

Payload = tuple[str, str, tuple[ShardNotes, ...]]
"""(key of the part, its path, the notes of its shards)"""


@dataclass(frozen=True)
class ByShardRuns(OfNotes):
    """A row of a part is numbered from the first document of its first shard."""

    schema: ClassVar[pa.Schema]
    format: ClassVar[int]
    counted: ClassVar[str]
    """What a row is."""
    most_rows: ClassVar[int]
    """Of a part of several shards: it is made in memory."""

    @property
    @abstractmethod
    def asked(self) -> tuple[object, ...]:
        """What determines a part beside its shards."""

    @property
    def rows_per_document(self) -> int:
        """At most."""
        return 1

    @property
    @abstractmethod
    def ranges(self) -> int:
        """How many units read a part, at most."""

    @cached_property
    def runs(self) -> list[range]:
        """The shards of each part."""
        shards = self.notes.text.shards
        rows = [s.rows * self.rows_per_document for s in shards]
        return shard_runs([s.key for s in shards], rows, self.ranges, self.most_rows)

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
            rows = sum(self.notes.text.shards[i].rows for i in run) * self.rows_per_document
            payload = (key, path, tuple(self.notes.of(i) for i in run))
            found.append(Unit(key, path, name, rows * row_bytes(self.schema), payload))
        return found

    def table(self, parts: list[PartRecord], parameters: dict[str, object]) -> Manifest:
        """details.runs: the first shard of each part."""
        rows = sum(p.rows for p in parts)
        return Manifest(
            self.kind, self.key, self.corpus, tuple(parts), rows, {self.counted: rows}, inputs={"text": self.notes.text.key},
            parameters=parameters, details={"runs": [run[0] for run in self.runs]},
        )  # fmt: skip


def first_rows(text: Manifest, table: Manifest) -> npt.NDArray[np.int64]:
    """Global row of the first document of each part of such a table."""
    starts: npt.NDArray[np.int64] = text.row_offsets()[table.details["runs"]]
    return starts


def shard_runs(keys: Sequence[str], rows: Sequence[int], ranges: int, most_rows: int) -> list[range]:
    """Shards that follow each other put together, so many that a range of their rows is RANGE_ROWS on average, and twice as many
    have no more than most_rows. keys: of the shards, hexadecimal; rows: of each, at most; ranges: that units read, a power of
    two. Where a run ends, its last shard's key says: one shard more or less changes the run it lies in, and seldom others
    (those that are cut at most_rows before a key says so; all where the number put together passes a power of two)."""
    total = max(1, sum(rows))
    fitting = max(1, most_rows * len(keys) // (2 * total))
    wanted = -(-ranges * RANGE_ROWS * len(keys) // total) if ranges > 1 else 1
    many = min(1 << max(0, wanted - 1).bit_length(), 1 << fitting.bit_length() - 1)
    cuts, held = [0], 0
    for n, more in enumerate(rows):
        if n and (int(keys[n - 1][-8:], 16) % many == 0 or held + more > most_rows):
            cuts.append(n)
            held = 0
        held += more
    return [range(start, end) for start, end in pairwise([*cuts, len(keys)])] if keys else []
