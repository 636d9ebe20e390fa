"""bands: the buckets that the documents of each run of shards lie in, sorted, so that a range of them can be read from every part
alone. Kept by the rules or not: what is measured serves every verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.dedup.documents.equals import first_of_equals
from pipeline.dedup.documents.planner import banding
from pipeline.dedup.documents.schema import BANDS_TABLE
from pipeline.dedup.documents.shard_runs import ByShardRuns, Payload
from pipeline.dedup.layout import hash_groups
from pipeline.dedup.ranges import ranges_for, row_bytes, write_hashes
from pipeline.recipe.dedup import Fuzzy
from pipeline.schema import arrow_schema
from pipeline.scoring import ScorerSpec
from pipeline.storage.manifest import Manifest
from pipeline.storage.notes import binary_rows, read_by_batch, read_fields
from pipeline.storage.part import PartRecord
from pipeline.storage.store import Store
from scorers.base import parameters
from scorers.kernels.entries import keys_of_batches, sorted_entries
from scorers.kernels.lsh import NO_KEY

BATCH_ROWS = 8_192
PIECES = 8
"""In which the entries of a shard, or so many of a run, are sorted and written: a power of two."""
LARGEST_SIZE = (1 << 24) - 1

Sizes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Bands(ByShardRuns):
    """One part a run of shards: bucket, text and row of every document that has shingles, once for each band. Of equal texts of
    a run the first alone. exact: the alias of the scorer `exact`."""

    settings: Fuzzy
    minhash: ScorerSpec
    exact: str
    kind = "bands"
    schema = arrow_schema(BANDS_TABLE)
    format = 3
    counted = "entries"
    most_rows = 2_000_000

    @cached_property
    def banding(self) -> tuple[int, int]:
        """(bands, rows): as the recipe says, or as what it asks for needs."""
        return banding(self.settings, int(parameters(self.minhash.build())["num_perm"]))

    @property
    def rows_per_document(self) -> int:
        return self.banding[0]

    @property
    def ranges(self) -> int:
        return ranges_for(self.notes.text.rows * self.rows_per_document, row_bytes(self.schema))

    @property
    def asked(self) -> tuple[object, ...]:
        return [self.notes.fingerprint(a) for a in (self.minhash.alias, self.exact)], self.banding

    def task(self) -> Callable[[Payload], PartRecord]:
        return partial(_sort, self.store, self.minhash.alias, self.exact, self.banding)

    def finish(self, parts: list[PartRecord]) -> Manifest:
        bands, rows = self.banding
        return self.table(parts, {"bands": bands, "rows": rows})


def _sort(store: Store, minhash: str, exact: str, banding: tuple[int, int], payload: Payload) -> PartRecord:
    key, path, run = payload
    fields = [read_fields(store, notes, (f"{exact}.normalised", f"{exact}.text_bytes")) for notes in run]
    digests = np.concatenate([binary_rows(digest, 0).view("<u8") for digest, _ in fields])
    text_bytes = np.concatenate([pc.fill_null(size, 0).to_numpy() for _, size in fields])
    batches = (batch for notes in run for batch in read_by_batch(store, notes, f"{minhash}.signature", BATCH_ROWS))
    keys = keys_of_batches((binary_rows(s, 0xFF).view("<u4") for s in batches), len(digests), *banding)
    firsts = first_of_equals(digests, keys[0] != NO_KEY) == np.arange(len(digests))
    names = text_rank(digests, text_bytes)
    entries = int(firsts.sum()) * len(keys)
    pieces = min(PIECES << (len(run) - 1).bit_length(), hash_groups(entries))
    sorted_pieces = sorted_entries(keys, names, firsts, pieces)
    tables = (pa.table([pa.array(c) for c in columns], schema=Bands.schema) for columns in sorted_pieces)
    return write_hashes(store, key, path, tables, Bands.schema, entries, Bands.counted)


def text_rank(digests: npt.NDArray[np.uint64], text_bytes: Sizes) -> npt.NDArray[np.uint64]:
    """Names a text, and puts the longer first where a bucket is too large for all its pairs: u64[D, 2], i64[D] -> u64[D].
    Sizes are told apart up to 16 MiB; of equal ones, texts of one bucket have one name with probability 2^-40."""
    shorter = (np.uint64(LARGEST_SIZE) - np.minimum(text_bytes, LARGEST_SIZE).astype(np.uint64)) << np.uint64(40)
    found: npt.NDArray[np.uint64] = shorter | digests[:, 0] >> np.uint64(24)
    return found
