"""shingles: the shingle sets of the documents that are in any candidate pair. Larger than anything that stays, so they
lie in a folder of the job alone and go with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.dedup.documents import kept_sets
from pipeline.dedup.documents.kept_sets import Kept
from pipeline.dedup.documents.shingle_blocks import Block, joined, readers, write_blocks
from pipeline.dedup.sorted_rows import begin_of, distinct
from pipeline.stage import OfText
from pipeline.storage.batches import gathered
from pipeline.storage.few_rows import with_rows
from pipeline.storage.manifest import Manifest
from pipeline.storage.part import PartRecord
from pipeline.storage.sections import SUFFIX, record_sections, section_writer
from pipeline.storage.shard import Shard, batch_rows, part_key, per_file, read_ids, read_text, row_groups, usable_rows
from pipeline.storage.store import Store
from pipeline.unit import Unit
from scorers.kernels.jaccard import shingle_sets
from scorers.text import TextBatch

FORMAT = 6
SPOOL_BYTES = 16_000_000
"""Sets that are gathered in a bucket before they are written, for each unit in turn; twice as much while they are put together."""

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Shingles(OfText):
    """One part a shard: the sets that units of `pairs` read (`readers`). cuts: i64[units+1], the rows that these units lie between;
    ngram: words a shingle; scratch: where the parts go; kept: sets that earlier jobs kept, by shard key."""

    asked: Manifest
    cuts: Rows
    ngram: int
    scratch: str
    kept: Mapping[str, PartRecord] = field(default_factory=dict)
    kind = "shingles"

    @property
    def key(self) -> str:
        return part_key(self.kind, FORMAT, self.asked.key, self.cuts.tolist(), self.ngram, self.store.remote)

    def units(self) -> list[Unit]:
        found = []
        for i, (shard, start) in enumerate(zip(self.text.shards, self.text.row_offsets().tolist(), strict=False)):
            key = part_key(self.key, i)
            sets = part_key(kept_sets.KIND, kept_sets.FORMAT, key)
            kept = Kept(self.kept.get(shard.key), sets, Store.part(self.corpus, kept_sets.KIND, sets))
            payload = (key, f"{self.scratch}/{key}{SUFFIX}", shard, start, kept)
            found.append(Unit(key, payload[1], self.text.shard_name(i), shard.text_bytes, payload))
        return found

    def task(self) -> Callable[[Any], PartRecord]:
        return partial(_shingle, self.store, tuple(p.path for p in self.asked.parts), self.cuts, self.ngram)

    def finish(self, parts: list[PartRecord]) -> Manifest:
        rows = sum(p.rows for p in parts)
        return Manifest(self.kind, self.key, self.corpus, tuple(parts), rows, {"sets": rows})

    def sets(self) -> Manifest:
        """The table of the sets that stay, once this one is made."""
        parts = [unit.payload[-1].now(self.store) for unit in self.units()]
        key = part_key(kept_sets.KIND, kept_sets.FORMAT, self.key)
        return kept_sets.table_of(key, self.corpus, self.text.shards, parts, self.ngram)


def _shingle(
    store: Store, asked: tuple[str, ...], cuts: Rows, ngram: int, payload: tuple[str, str, Shard, int, Kept]
) -> PartRecord:
    key, path, shard, start, kept = payload
    row, reader = _asked_for(store, asked, cuts, start, start + shard.rows)
    stays = kept_sets.read_sets(store, kept.before) if len(row) else kept_sets.EMPTY
    known, unknown = kept_sets.chosen(stays, row[begin_of(row)])
    more: list[Block] = []
    most_bytes = kept_sets.MOST_FRAC * shard.text_bytes - stays.hashes.nbytes
    read = kept_sets.putting_aside(_blocks(store, shard, unknown, ngram), more, most_bytes)

    def write(temporary: Path) -> None:
        with section_writer(temporary) as writer:
            sets = gathered(kept_sets.among(known, read), SPOOL_BYTES if store.remote else 0, joined)
            write_blocks(writer, sets, row, reader)
        if more or kept.before is None:  # before this part, whose presence says that the unit is done
            kept_sets.write_sets(store, kept.key, kept.path, [stays, *more])

    store.commit(path, write, durable=False)
    return record_sections(store, key, path)


def _asked_for(store: Store, asked: tuple[str, ...], cuts: Rows, start: int, stop: int) -> tuple[Rows, Rows]:
    """(row i64[N] of the shard, reader i64[N]), by row and reader: what pairs that are still to be measured need of global rows
    start..stop-1."""
    found = [np.zeros(0, np.int64)]
    for path in asked:
        table = store.rows_between(path, "document", start, stop - 1, ["document", "other", "jaccard"])
        table = table.filter(pc.is_null(table.column("jaccard")))
        document, other = (table.column(c).to_numpy() for c in ("document", "other"))
        unit = np.searchsorted(cuts, np.minimum(document, other), side="right") - 1
        found.append(distinct((document - start) << 32 | readers(store, unit)))
    packed = distinct(np.concatenate(found))
    return packed >> 32, packed & 0xFFFFFFFF


def _blocks(store: Store, shard: Shard, row: Rows, ngram: int) -> Iterator[Block]:
    """The sets of these rows of the shard (rising), batch by batch of its text."""
    if len(row) == 0:
        return
    usable = usable_rows(read_ids(store, shard, ["quarantine"]))
    for start, text in _texts(store, shard, usable, row):
        here = slice(*np.searchsorted(row, [start, start + len(text)]))
        rows = row[here]
        if len(rows):
            batch = TextBatch.from_arrow(text.take(pa.array(rows - start)))
            yield Block(rows, *shingle_sets(batch.data, batch.offsets, ngram))


def _texts(store: Store, shard: Shard, usable: pa.Array, row: Rows) -> Iterator[tuple[int, pa.Array]]:
    """(first row, texts) of batches of the row groups that hold any of the rows (rising), up to the last of them; other rows
    may be null."""
    for start, file in per_file(store, shard):
        first, end = np.searchsorted(row, [start, start + file.rows])
        if end > first:
            for at, texts in _of_file(store, file, usable.slice(start, file.rows), row[first:end] - start):
                yield start + at, texts


def _of_file(store: Store, file: Shard, usable: pa.Array, row: Rows) -> Iterator[tuple[int, pa.Array]]:
    start = 0
    for opened, group in row_groups(store, file):
        first, end = np.searchsorted(row, [start, start + group.rows])
        if end > first:
            at, text = start, group.texts[0]
            few = with_rows(store.full(text.path), opened, text.first, file.column, row[first:end] - start)
            for texts in read_text(store, group, usable.slice(start, group.rows), batch_rows(file), few):
                yield at, texts
                at += len(texts)
                if at > row[end - 1]:
                    break
        start += group.rows
