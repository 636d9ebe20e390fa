"""digests: what equal documents have in common, sorted by runs of shards, so that a range of it can be read from every part
alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.dedup.documents.equals import WORK_BYTES, digest_order
from pipeline.dedup.documents.schema import DIGESTS_TABLE
from pipeline.dedup.documents.shard_runs import ByShardRuns, Payload
from pipeline.dedup.documents.urls import digests as url_digests
from pipeline.dedup.ranges import ranges_for, write_hashes
from pipeline.schema import arrow_schema
from pipeline.storage.manifest import Manifest
from pipeline.storage.notes import ShardNotes, binary_rows, read_fields
from pipeline.storage.part import PartRecord
from pipeline.storage.shard import read_ids
from pipeline.storage.store import Store

Halves = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Equality:
    """What makes documents equal. by: their raw text, their normalised text, or their address. exact: the alias of the
    scorer `exact`. minhash: the alias of a scorer `minhash` whose shingles the text must have; what has none (it is empty,
    or punctuation alone) is similar to nothing, and equal by its raw text (bare: 'raw') or not at all ('none')."""

    by: Literal["raw", "normalised", "url"]
    exact: str = ""
    minhash: str = ""
    bare: Literal["raw", "none"] = "raw"
    normalise: Literal["none", "default"] = "none"

    @property
    def aliases(self) -> list[str]:
        return [a for a in (self.exact, self.minhash) if a]


@dataclass(frozen=True)
class Digests(ByShardRuns):
    """One part a run of shards: 128 bits of each document that can equal another."""

    equality: Equality
    kind = "digests"
    schema = arrow_schema(DIGESTS_TABLE)
    format = 3
    counted = "documents"
    most_rows = 500_000

    @property
    def ranges(self) -> int:
        return ranges_for(self.notes.text.rows, WORK_BYTES)

    @property
    def asked(self) -> tuple[object, ...]:
        said = [self.notes.fingerprint(a) for a in self.equality.aliases]
        return said, (self.equality.by, bool(self.equality.minhash), self.equality.bare, self.equality.normalise)

    def task(self) -> Callable[[Payload], PartRecord]:
        return partial(_sort, self.store, self.equality)

    def finish(self, parts: list[PartRecord]) -> Manifest:
        return self.table(parts, {"by": self.equality.by})


def _sort(store: Store, equality: Equality, payload: Payload) -> PartRecord:
    key, path, run = payload
    found = [_of_shard(store, equality, notes) for notes in run]
    digests, label = (np.concatenate(halves) for halves in zip(*found, strict=True))
    del found
    order = digest_order(digests)
    columns = [digests[order, 0].copy(), digests[order, 1].copy(), label[order], order.astype(np.int32)]
    made = pa.table([pa.array(c) for c in columns], schema=Digests.schema)
    return write_hashes(store, key, path, [made], made.schema, made.num_rows, Digests.counted)


def _of_shard(store: Store, equality: Equality, notes: ShardNotes) -> tuple[Halves, Halves]:
    """(digests u64[D, 2], label u64[D])"""
    if equality.by != "url":
        return _of_texts(store, equality, notes)
    addresses = read_ids(store, notes.shard, ["url"]).column("url").combine_chunks()
    digests = url_digests(addresses, equality.normalise)
    return digests, np.zeros(len(digests), np.uint64)


def _of_texts(store: Store, equality: Equality, notes: ShardNotes) -> tuple[Halves, Halves]:
    fields = read_fields(store, notes, [f"{equality.exact}.raw", f"{equality.exact}.normalised"])
    raw, normalised = (binary_rows(field, 0).view("<u8") for field in fields)
    digests = raw if equality.by == "raw" else normalised
    if equality.minhash:
        (shingles,) = read_fields(store, notes, [f"{equality.minhash}.shingles"])
        bare = (pc.fill_null(shingles, 0).to_numpy() == 0)[:, None]
        digests = np.where(bare, raw if equality.bare == "raw" else np.uint64(0), digests)
    return digests, raw[:, 0].copy()
