"""bands: the buckets that each shard's documents lie in, sorted, so that a range of them can be read from every shard
alone. Kept by the rules or not: what is measured serves every verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.dedup.documents.equals import first_of_equals
from pipeline.dedup.documents.planner import banding
from pipeline.dedup.documents.schema import BANDS_TABLE
from pipeline.dedup.layout import hash_groups
from pipeline.dedup.ranges import write_hashes
from pipeline.recipe.dedup import Fuzzy
from pipeline.schema import arrow_schema
from pipeline.scoring import ScorerSpec
from pipeline.stage import OfNotes
from pipeline.storage.manifest import Manifest
from pipeline.storage.notes import ShardNotes, binary_rows, read_by_batch, read_fields
from pipeline.storage.shard import part_key
from pipeline.storage.store import PartRecord, Store
from pipeline.unit import Unit
from scorers.base import parameters
from scorers.kernels.entries import keys_of_batches, sorted_entries
from scorers.kernels.lsh import NO_KEY

FORMAT = 2
BATCH_ROWS = 8_192
PIECES = 8
"""In which a shard's entries are sorted and written."""
LARGEST_SIZE = (1 << 24) - 1

Sizes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Bands(OfNotes):
    """One part a shard: bucket, text and row of every document that has shingles, once for each band. Of equal texts of a
    shard the first alone. exact: the alias of the scorer `exact`."""

    settings: Fuzzy
    minhash: ScorerSpec
    exact: str
    kind = "bands"

    @property
    def banding(self) -> tuple[int, int]:
        """(bands, rows): as the recipe says, or as what it asks for needs."""
        return banding(self.settings, int(parameters(self.minhash.build())["num_perm"]))

    def _key_of(self, index: int) -> str:
        said = [self.notes.fingerprint(a) for a in (self.minhash.alias, self.exact)]
        return part_key(self.kind, FORMAT, self.notes.text.shards[index].key, said, self.banding)

    @property
    def key(self) -> str:
        return part_key(self.kind, [self._key_of(i) for i in range(len(self.notes.text.shards))])

    def units(self) -> list[Unit]:
        found = []
        for i, part in enumerate(self.notes.passes[self.notes.where[self.minhash.alias]].parts):
            key = self._key_of(i)
            path = Store.part(self.corpus, self.kind, key)
            found.append(Unit(key, path, self.notes.text.shard_name(i), part.bytes, (key, path, self.notes.of(i))))
        return found

    def task(self) -> Callable[[Any], PartRecord]:
        return partial(_sort, self.store, self.minhash.alias, self.exact, self.banding)

    def finish(self, parts: list[PartRecord]) -> Manifest:
        bands, rows = self.banding
        total = sum(p.rows for p in parts)
        return Manifest(
            self.kind, self.key, self.corpus, tuple(parts), total, {"entries": total},
            inputs={"text": self.notes.text.key}, parameters={"bands": bands, "rows": rows},
        )  # fmt: skip


def _sort(
    store: Store, minhash: str, exact: str, banding: tuple[int, int], payload: tuple[str, str, ShardNotes]
) -> PartRecord:
    key, path, notes = payload
    digest, size = read_fields(store, notes, (f"{exact}.normalised", f"{exact}.text_bytes"))
    batches = read_by_batch(store, notes, f"{minhash}.signature", BATCH_ROWS)
    keys = keys_of_batches((binary_rows(s, 0xFF).view("<u4") for s in batches), len(digest), *banding)
    digests = binary_rows(digest, 0).view("<u8")
    firsts = first_of_equals(digests, keys[0] != NO_KEY) == np.arange(len(digests))
    names = text_rank(digests, pc.fill_null(size, 0).to_numpy())
    entries = int(firsts.sum()) * len(keys)
    pieces = sorted_entries(keys, names, firsts, min(PIECES, hash_groups(entries)))
    schema = arrow_schema(BANDS_TABLE)
    tables = (pa.table([pa.array(c) for c in columns], schema=schema) for columns in pieces)
    return write_hashes(store, key, path, tables, schema, entries, "entries")


def text_rank(digests: npt.NDArray[np.uint64], text_bytes: Sizes) -> npt.NDArray[np.uint64]:
    """Names a text, and puts the longer first where a bucket is too large for all its pairs: u64[D, 2], i64[D] -> u64[D].
    Sizes are told apart up to 16 MiB; of equal ones, texts of one bucket have one name with probability 2^-40."""
    shorter = (np.uint64(LARGEST_SIZE) - np.minimum(text_bytes, LARGEST_SIZE).astype(np.uint64)) << np.uint64(40)
    found: npt.NDArray[np.uint64] = shorter | digests[:, 0] >> np.uint64(24)
    return found
