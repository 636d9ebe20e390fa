"""Keys of what each shard's documents say, sorted, so that a range of hashes can be read from every shard alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from pipeline.dedup.ranges import groups_for, ranges_for, row_bytes
from pipeline.dedup.survivors import ShardSurvivors, Survivors
from pipeline.stage import OfText
from pipeline.storage.manifest import Manifest
from pipeline.storage.part import PartRecord
from pipeline.storage.shard import part_key
from pipeline.storage.store import Store
from pipeline.unit import Unit

Payload = tuple[str, str, str, ShardSurvivors, int]
"""(key of the part, its path, the path of what was measured, which documents take part, row groups)"""


@dataclass(frozen=True)
class KeysByRange(OfText):
    """One part a shard, in row groups of ranges of hashes, of the documents that take part. measured: the table of a Measuring
    stage."""

    measured: Manifest
    survivors: Survivors
    format: ClassVar[int]
    gathered: ClassVar[pa.Schema]
    """What a unit makes of the keys of its range: as wide as it is, so many ranges there are."""

    @property
    def ranges(self) -> int:
        return ranges_for(self.measured.rows, row_bytes(self.gathered))

    @property
    def asked(self) -> tuple[object, ...]:
        """What else determines the keys."""
        return ()

    def _groups_of(self, index: int) -> int:
        return groups_for(self.ranges, self.measured.parts[index].rows)

    def _key_of(self, index: int) -> str:
        told = [self.measured.parts[index].key, self.survivors.told(index), self._groups_of(index)]
        return part_key(self.kind, self.format, *told, *self.asked)

    @property
    def key(self) -> str:
        return part_key(self.kind, [self._key_of(i) for i in range(len(self.measured.parts))])

    def units(self) -> list[Unit]:
        found = []
        for i, part in enumerate(self.measured.parts):
            key = self._key_of(i)
            path = Store.part(self.corpus, self.kind, key)
            payload = (key, path, part.path, self.survivors.of(i), self._groups_of(i))
            found.append(Unit(key, path, self.text.shard_name(i), part.bytes, payload))
        return found

    def finish(self, parts: list[PartRecord]) -> Manifest:
        rows = sum(p.rows for p in parts)
        return Manifest(
            self.kind, self.key, self.corpus, tuple(parts), rows, {"keys": rows}, details={"ranges": self.ranges},
            inputs={"text": self.text.key, self.measured.kind: self.measured.key},
        )  # fmt: skip
