"""pairs: which documents are near-duplicates of which, measured exactly and once, whatever is decided later.

Signatures give candidates (LSH bands); a candidate pair alone says nothing: the exact Jaccard similarity of the two
shingle sets is computed from the text of the candidates, and that is what the table holds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.bands import choose_bands
from pipeline.clusters import first_of_equals
from pipeline.manifest import Manifest
from pipeline.notes import Notes, binary_rows
from pipeline.recipe import Fuzzy
from pipeline.schema import PAIRS_TABLE, arrow_schema
from pipeline.scoring import ScorerSpec
from pipeline.shard import Shard, part_key, read_ids, read_text, usable_rows
from pipeline.stage import Stage, commit_part
from pipeline.store import PartRecord, Store
from pipeline.unit import Unit
from scorers.base import parameters
from scorers.kernels.jaccard import pair_jaccard, shingle_sets
from scorers.kernels.lsh import NO_KEY, band_keys, candidate_pairs
from scorers.text import TextBatch

FORMAT = 1
BLOCK_CACHE_BYTES = 1_000_000_000
"""Shingle sets held while pairs are compared; beyond it blocks are read again."""


@dataclass(frozen=True)
class Pairs(Stage):
    """Verified similarities over all documents of the text table, kept by the rules or not. scratch: a folder of this
    job alone for shingle sets, which are larger than anything that stays."""

    store: Store
    notes: Notes
    settings: Fuzzy
    minhash: ScorerSpec
    exact: str
    scratch: str
    kind: str = "pairs"
    in_driver: bool = False

    @property
    def corpus(self) -> str:
        return self.notes.text.corpus

    @property
    def banding(self) -> tuple[int, int]:
        """(bands, rows): as the recipe says, or as its Jaccard threshold and recall need."""
        if self.settings.bands is not None and self.settings.rows is not None:
            return self.settings.bands, self.settings.rows
        return choose_bands(self._parameter("num_perm"), self.settings.jaccard, self.settings.recall)

    @property
    def key(self) -> str:
        said = [
            self.notes.passes[self.notes.where[a]].parameters["scorers"][a]["fingerprint"]
            for a in (self.minhash.alias, self.exact)
        ]
        return part_key(self.kind, FORMAT, self.notes.text.key, said, self.banding, self.settings.max_bucket)

    def _parameter(self, name: str) -> int:
        return int(parameters(self.minhash.build())[name])

    @cached_property
    def offsets(self) -> npt.NDArray[np.int64]:
        """Global row of each shard's first row: i64[shards+1]."""
        return np.concatenate([[0], np.cumsum([s.rows for s in self.notes.text.shards])]).astype(np.int64)

    @cached_property
    def candidates(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], int]:
        """(a, b, overflowed buckets): global rows of candidate pairs, one document standing for its exact copies."""
        keys, digests, sizes = self._keys()
        first = first_of_equals(digests, keys[0] != NO_KEY)
        keys[:, first != np.arange(len(first))] = NO_KEY
        # large buckets are thinned out around the likeliest keepers; by content, so that shard order says nothing
        rank = np.empty(len(sizes), dtype=np.int64)
        rank[np.lexsort((digests[:, 1], digests[:, 0], -sizes))] = np.arange(len(sizes))
        found = candidate_pairs(keys, rank, self.settings.max_bucket)
        return found.a.astype(np.int64), found.b.astype(np.int64), found.overflowed_buckets

    def _keys(self) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
        """Band keys u64[bands, D], digests u64[D, 2] of the normalised text and text bytes i64[D], shard by shard."""
        bands, rows = self.banding
        documents = int(self.offsets[-1])
        keys = np.empty((bands, documents), dtype=np.uint64)
        digests, sizes = np.zeros((documents, 2), dtype=np.uint64), np.zeros(documents, dtype=np.int64)
        wanted = [f"{self.minhash.alias}.signature", f"{self.exact}.normalised", f"{self.exact}.text_bytes"]
        for i, start in enumerate(self.offsets[:-1].tolist()):
            notes = self.notes.of(i)
            stop = start + notes.shard.rows
            for path, aliases in notes.parts:
                columns = [c for c in wanted if c.split(".")[0] in aliases]
                table = self.store.read_table(path, columns=columns) if columns else pa.table({})
                for name in table.column_names:
                    struct = table.column(name).combine_chunks()
                    for field in struct.type:
                        values = pc.struct_field(struct, field.name)
                        if field.name == "signature":
                            keys[:, start:stop] = band_keys(binary_rows(values, 0xFF).view("<u4"), bands, rows)
                        elif field.name == "normalised":
                            digests[start:stop] = binary_rows(values, 0).view("<u8")
                        else:
                            sizes[start:stop] = pc.fill_null(values, 0).to_numpy()
        return keys, digests, sizes

    def units(self) -> list[Unit]:
        a, b, _ = self.candidates
        involved = np.unique(np.concatenate([a, b]))
        cuts = np.searchsorted(involved, self.offsets)
        found = []
        for i, shard in enumerate(self.notes.text.shards):
            rows = involved[cuts[i] : cuts[i + 1]] - self.offsets[i]
            if len(rows):
                key = part_key(
                    "shingles", FORMAT, shard.key, self._parameter("ngram"), hashlib.sha256(rows.tobytes()).hexdigest()
                )
                path = f"{self.scratch}/{key}.parquet"
                found.append(
                    Unit(
                        key,
                        path,
                        self.notes.text.shard_name(i),
                        shard.text_bytes,
                        (key, path, shard, rows, self._parameter("ngram"), i),
                    )
                )
        return found

    def task(self) -> Callable[[Any], PartRecord]:
        return partial(_shingle, self.store)

    def finish(self, parts: list[PartRecord]) -> Manifest:
        a, b, overflowed = self.candidates
        by_shard = {u.payload[5]: p.path for u, p in zip(self.units(), parts, strict=True)}
        jaccard = verify(self.store, by_shard, self.offsets, a, b)
        table = pa.table([pa.array(a), pa.array(b), pa.array(jaccard)], schema=arrow_schema(PAIRS_TABLE))
        part = commit_part(self.store, self.key, Store.part(self.corpus, self.kind, self.key), table, {"pairs": len(a)})
        warnings = [
            f"{overflowed} LSH buckets held more than {self.settings.max_bucket} distinct documents; only part of their pairs was compared"
        ]
        bands, rows = self.banding
        return Manifest(
            self.kind, self.key, self.corpus, (part,), len(a), {"pairs": len(a)}, inputs={"text": self.notes.text.key},
            parameters={"bands": bands, "rows": rows, "max_bucket": self.settings.max_bucket},
            details={"overflowed_buckets": overflowed, "warnings": warnings if overflowed else []},
        )  # fmt: skip


def _shingle(store: Store, payload: tuple[str, str, Shard, npt.NDArray[np.int64], int, int]) -> PartRecord:
    """The shingle sets of some rows of a shard, as one part: row, and its sorted distinct hashes."""
    key, path, shard, rows, ngram, _ = payload
    usable = usable_rows(read_ids(store, shard, ["quarantine"]))
    made = []
    start = 0
    for text in read_text(store, shard, usable):
        here = rows[np.searchsorted(rows, start) : np.searchsorted(rows, start + len(text))]
        batch = TextBatch.from_arrow(text.take(pa.array(here - start)))
        start += len(text)
        if len(here):
            bounds, hashes = shingle_sets(batch.data, batch.offsets, ngram)
            made.append(
                pa.table(
                    {
                        "row": pa.array(here),
                        "shingles": pa.LargeListArray.from_arrays(pa.array(bounds), pa.array(hashes)),
                    }
                )
            )
    table = pa.concat_tables(made)
    return commit_part(
        store, key, path, table, {"documents": table.num_rows}, compression="none", compression_level=None
    )


def verify(
    store: Store,
    parts: dict[int, str],
    offsets: npt.NDArray[np.int64],
    a: npt.NDArray[np.int64],
    b: npt.NDArray[np.int64],
) -> npt.NDArray[np.float64]:
    """Exact Jaccard of every candidate pair: global rows a, b: i64[K] -> f64[K]. Pairs are taken by the two shards they
    touch, so that only the blocks at hand are in memory."""
    jaccard = np.zeros(len(a), dtype=np.float64)
    in_a, in_b = (np.searchsorted(offsets, x, side="right") - 1 for x in (a, b))
    blocks = _Blocks(store, parts)
    for i, j, pairs in _by_shards(in_a, in_b):
        left, right = blocks.of(i), blocks.of(j)
        _, bounds, hashes = left if i == j else _joined(left, right)
        at_a = np.searchsorted(left[0], a[pairs] - offsets[i])
        at_b = np.searchsorted(right[0], b[pairs] - offsets[j]) + (0 if i == j else len(left[0]))
        jaccard[pairs] = pair_jaccard(bounds, hashes, at_a.astype(np.int32), at_b.astype(np.int32))
    return jaccard


Block = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.uint64]]
"""(rows i64[N] ascending, bounds i64[N+1], hashes u64[S])."""


class _Blocks:
    """Shingle sets by shard, the latest used kept within BLOCK_CACHE_BYTES."""

    def __init__(self, store: Store, parts: dict[int, str]) -> None:
        largest = max((store.parquet(p).metadata.row_group(0).total_byte_size for p in parts.values()), default=1)
        self.of = lru_cache(maxsize=max(2, BLOCK_CACHE_BYTES // max(1, largest)))(partial(self._read, store, parts))

    @staticmethod
    def _read(store: Store, parts: dict[int, str], shard: int) -> Block:
        table = store.read_table(parts[shard])
        shingles = table.column("shingles").combine_chunks()
        values = shingles.values.to_numpy()
        offsets = np.asarray(shingles.offsets)
        return table.column("row").to_numpy(), offsets - offsets[0], values[offsets[0] : offsets[-1]]


def _joined(left: Block, right: Block) -> Block:
    bounds = np.concatenate([left[1], right[1][1:] + left[1][-1]])
    return np.concatenate([left[0], right[0]]), bounds, np.concatenate([left[2], right[2]])


def _by_shards(
    in_a: npt.NDArray[np.int64], in_b: npt.NDArray[np.int64]
) -> Iterator[tuple[int, int, npt.NDArray[np.int64]]]:
    """(shard of a, shard of b, the pairs between them), in ascending order."""
    if len(in_a) == 0:
        return
    order = np.lexsort((in_b, in_a))
    left, right = in_a[order], in_b[order]
    begins = np.flatnonzero(np.r_[True, (left[1:] != left[:-1]) | (right[1:] != right[:-1])])
    for begin, end in zip(begins, np.r_[begins[1:], len(order)], strict=True):
        yield int(left[begin]), int(right[begin]), order[begin:end]
