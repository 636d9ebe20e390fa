"""digests: what equal documents have in common, shard by shard and sorted, so that a range of it can be read from every
shard alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.dedup.documents.equals import digest_order
from pipeline.dedup.documents.schema import DIGESTS_TABLE
from pipeline.dedup.documents.urls import digests as url_digests
from pipeline.dedup.ranges import write_hashes
from pipeline.schema import arrow_schema
from pipeline.stage import OfNotes
from pipeline.storage.manifest import Manifest
from pipeline.storage.notes import ShardNotes, binary_rows, read_fields
from pipeline.storage.shard import part_key, read_ids
from pipeline.storage.store import PartRecord, Store
from pipeline.unit import Unit

FORMAT = 2

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
class Digests(OfNotes):
    """One part a shard: 128 bits of each document that can equal another."""

    equality: Equality
    kind = "digests"

    def _key_of(self, index: int) -> str:
        said = [self.notes.fingerprint(a) for a in self.equality.aliases]
        told = (self.equality.by, bool(self.equality.minhash), self.equality.bare, self.equality.normalise)
        return part_key(self.kind, FORMAT, self.notes.text.shards[index].key, said, told)

    @property
    def key(self) -> str:
        return part_key(self.kind, [self._key_of(i) for i in range(len(self.notes.text.shards))])

    def units(self) -> list[Unit]:
        found = []
        for i, shard in enumerate(self.notes.text.shards):
            key = self._key_of(i)
            path = Store.part(self.corpus, self.kind, key)
            found.append(Unit(key, path, self.notes.text.shard_name(i), shard.rows, (key, path, self.notes.of(i))))
        return found

    def task(self) -> Callable[[Any], PartRecord]:
        return partial(_sort, self.store, self.equality)

    def finish(self, parts: list[PartRecord]) -> Manifest:
        rows = sum(p.rows for p in parts)
        return Manifest(
            self.kind, self.key, self.corpus, tuple(parts), rows, {"documents": rows},
            inputs={"text": self.notes.text.key}, parameters={"by": self.equality.by},
        )  # fmt: skip


def _sort(store: Store, equality: Equality, payload: tuple[str, str, ShardNotes]) -> PartRecord:
    key, path, notes = payload
    if equality.by == "url":
        addresses = read_ids(store, notes.shard, ["url"]).column("url").combine_chunks()
        digests = url_digests(addresses, equality.normalise)
        label = np.zeros(len(digests), np.uint64)
    else:
        digests, label = _of_texts(store, equality, notes)
    order = digest_order(digests)
    columns = [digests[order, 0].copy(), digests[order, 1].copy(), label[order], order.astype(np.int32)]
    made = pa.table([pa.array(c) for c in columns], schema=arrow_schema(DIGESTS_TABLE))
    return write_hashes(store, key, path, [made], made.schema, made.num_rows, "documents")


def _of_texts(store: Store, equality: Equality, notes: ShardNotes) -> tuple[Halves, Halves]:
    """(digests u64[D, 2], label u64[D])"""
    fields = read_fields(store, notes, [f"{equality.exact}.raw", f"{equality.exact}.normalised"])
    raw, normalised = (binary_rows(field, 0).view("<u8") for field in fields)
    digests = raw if equality.by == "raw" else normalised
    if equality.minhash:
        (shingles,) = read_fields(store, notes, [f"{equality.minhash}.shingles"])
        bare = (pc.fill_null(shingles, 0).to_numpy() == 0)[:, None]
        digests = np.where(bare, raw if equality.bare == "raw" else np.uint64(0), digests)
    return digests, raw[:, 0]
