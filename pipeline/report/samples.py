"""The text of a few documents, read from the row groups that hold them and nothing else."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.errors import WinnowError
from pipeline.storage.manifest import Manifest
from pipeline.storage.shard import Shard, as_text, per_file, read_ids, read_source, row_groups
from pipeline.storage.store import Store
from pipeline.takedown.tombstones import COLUMNS, Tombstones, tombstones_of

Place = tuple[int, int]
"""(shard, row in it)."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The beginning of a document. chars: length of the whole in characters."""

    text: str
    chars: int

    @property
    def cut(self) -> bool:
        return len(self.text) < self.chars


def texts_of(store: Store, text: Manifest, places: Sequence[Place], max_chars: int) -> dict[Place, Excerpt]:
    """Excerpts by place. Documents that can no longer be read (an input file that moved) are left out: a report on
    what was decided must not need the input. So are those that are taken down."""
    wanted: dict[int, list[int]] = {}
    tombstones = tombstones_of(store, text.corpus)
    for shard, row in sorted(set(places)):
        wanted.setdefault(shard, []).append(row)
    found: dict[Place, Excerpt] = {}
    for index, rows in wanted.items():
        of = text.shards[index]
        try:
            shown = rows if not tombstones.takedowns else _shown(store, of, rows, tombstones)
            files = per_file(store, of)
        except (WinnowError, OSError):
            continue
        for first, file in files:
            here = [row - first for row in shown if first <= row < first + file.rows]
            with contextlib.suppress(WinnowError, OSError):
                for row, excerpt in _of_file(store, file, here, max_chars) if here else ():
                    found[index, first + row] = excerpt
    return found


def _shown(store: Store, shard: Shard, rows: Sequence[int], tombstones: Tombstones) -> list[int]:
    taken = tombstones.mask(read_ids(store, shard, list(COLUMNS)))
    return [row for row in rows if not taken[row]]


def _of_file(store: Store, file: Shard, rows: Sequence[int], max_chars: int) -> Iterator[tuple[int, Excerpt]]:
    start = 0
    for opened, group in row_groups(store, file):
        here = [r - start for r in rows if start <= r < start + group.rows]
        if here:
            for row, excerpt in _of_group(store, opened, group, here, max_chars):
                yield start + row, excerpt
        start += group.rows


def _of_group(
    store: Store, opened: pq.ParquetFile, group: Shard, rows: Sequence[int], max_chars: int
) -> Iterator[tuple[int, Excerpt]]:
    start = 0
    for batch in read_source(store, group, [group.column], opened=opened):
        here = [r for r in rows if start <= r < start + batch.num_rows]
        if here:
            # taken before decoding: the rows beside them may be quarantined, and no UTF-8
            taken = batch.column(0).take(pa.array([r - start for r in here]))
            text = as_text(taken, pa.array([True] * len(here)))
            lengths = pc.utf8_length(text).to_pylist()
            beginnings = pc.utf8_slice_codeunits(text, 0, max_chars).to_pylist()
            for row, beginning, chars in zip(here, beginnings, lengths, strict=True):
                if beginning is not None:
                    yield row, Excerpt(beginning, chars)
        start += batch.num_rows
