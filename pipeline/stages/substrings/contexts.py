"""substring_contexts: the text about anchors that more than one run has, read once more where each such run lies first, so
that windows can be compared byte by byte. Text that may be taken down later must not stay: it lies in a folder of the job alone and
goes with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.dedup.ranges import range_of
from pipeline.dedup.substrings.schema import SUBSTRING_CONTEXTS_TABLE
from pipeline.dedup.substrings.substrings import Elements, Hashes, Rows, Whole, elements_of
from pipeline.recipe.dedup import Substrings as Settings
from pipeline.schema import arrow_schema
from pipeline.stage import OfText, counts_metadata
from pipeline.storage.manifest import Manifest
from pipeline.storage.parquet import parquet_writer
from pipeline.storage.part import PartRecord
from pipeline.storage.shard import Shard, part_key, read_ids, read_text, usable_rows
from pipeline.storage.store import Store
from pipeline.unit import Unit
from scorers.text import TextBatch

FORMAT = 1
CONTEXT_BYTES = 128_000_000
"""Contexts held at once; a shard that has more is read again for each further so many."""


@dataclass(frozen=True)
class SubstringContexts(OfText):
    """One part a shard, by anchor, one row group a range of anchors. scratch: where the parts go."""

    groups: Manifest
    settings: Settings
    scratch: str
    kind = "substring_contexts"

    @property
    def key(self) -> str:
        return part_key(self.kind, FORMAT, self.text.key, self.groups.key)

    def units(self) -> list[Unit]:
        found = []
        for i, shard in enumerate(self.text.shards):
            key = part_key(self.key, i)
            path = f"{self.scratch}/{key}.parquet"
            found.append(Unit(key, path, self.text.shard_name(i), shard.text_bytes, (key, path, i, shard)))
        return found

    def task(self) -> Callable[[Any], PartRecord]:
        return partial(_gather, self.store, self.settings, tuple(p.path for p in self.groups.parts))

    def finish(self, parts: list[PartRecord]) -> Manifest:
        rows = sum(p.rows for p in parts)
        return Manifest(
            self.kind, self.key, self.corpus, tuple(parts), rows, {"contexts": rows}, details={"ranges": len(self.groups.parts)},
            inputs={"text": self.text.key, "substring_groups": self.groups.key},
        )  # fmt: skip


def _gather(
    store: Store, settings: Settings, groups: tuple[str, ...], payload: tuple[str, str, int, Shard]
) -> PartRecord:
    key, path, index, shard = payload
    sources = _sources(store, groups, index)
    usable = usable_rows(read_ids(store, shard, ["quarantine"]))
    in_range = range_of(sources.anchor, len(groups))
    schema = arrow_schema(SUBSTRING_CONTEXTS_TABLE)

    def write(temporary: Path) -> int:
        codecs = {"anchor": "none", "number": "zstd", "context": "zstd"}
        with parquet_writer(temporary, schema, compression=codecs, compression_level=None) as writer:
            for chosen in _at_once(sources, settings):
                some = sources.take(chosen)
                contexts = _contexts(store, shard, usable, some, settings)
                table = pa.table([pa.array(some.anchor), pa.array(some.number), contexts], schema=schema)
                cuts = np.flatnonzero(np.diff(in_range[chosen], prepend=-1, append=-1))
                for start, end in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True):
                    writer.write_table(table.slice(start, end - start), row_group_size=end - start)
            writer.add_key_value_metadata(counts_metadata({"contexts": len(in_range)}))
        return len(in_range)

    return store.commit_part(key, path, write, durable=False)


@dataclass(frozen=True, slots=True)
class _Sources:
    """N runs whose contexts are read, by range and number. first_row, first_start: where each lies in the shard."""

    anchor: Hashes
    number: Rows
    windows: Rows
    first_row: Rows
    first_start: Whole

    def take(self, chosen: Whole) -> _Sources:
        return _Sources(*(getattr(self, name)[chosen] for name in SOURCE_COLUMNS))


SOURCE_COLUMNS = tuple(f.name for f in fields(_Sources))


def _sources(store: Store, paths: tuple[str, ...], index: int) -> _Sources:
    """Those of one shard."""
    tables = (store.read_shard(p, index, ["source", *SOURCE_COLUMNS]) for p in paths)
    found = pa.concat_tables([t.filter(t.column("source")) for t in tables])
    return _Sources(*(found.column(name).to_numpy() for name in SOURCE_COLUMNS))


def _at_once(sources: _Sources, settings: Settings) -> Iterator[Whole]:
    """Positions of about CONTEXT_BYTES of contexts each, in order; a range may go on in the next ones."""
    width = 8 if settings.min_tokens else 1
    sizes = (sources.windows.astype(np.int64) - 1 + settings.size) * width
    upto = np.cumsum(sizes) // CONTEXT_BYTES
    cuts = np.flatnonzero(np.diff(upto, prepend=-1, append=-1)) if len(upto) else np.zeros(1, np.int64)
    for start, end in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True):
        yield np.arange(start, end)


def _contexts(store: Store, shard: Shard, usable: pa.Array, sources: _Sources, settings: Settings) -> pa.Array:
    """The context of each, as binary[N]."""
    by_row = np.argsort(sources.first_row, kind="stable")
    rows = sources.first_row[by_row]
    found, start = [], 0
    for text in read_text(store, shard, usable):
        low, high = np.searchsorted(rows, [start, start + len(text)])
        if high > low:
            elements = elements_of(TextBatch.from_arrow(text), settings)
            found.append(_slices(elements, sources.take(by_row[low:high]), start, settings.size))
        start += len(text)
    joined = pa.concat_arrays(found) if found else pa.array([], pa.binary())
    place = np.empty(len(by_row), np.int64)
    place[by_row] = np.arange(len(by_row))
    return joined.take(pa.array(place))


def _slices(elements: Elements, sources: _Sources, first_row: int, size: int) -> pa.Array:
    begin = elements.bounds[sources.first_row - first_row] + sources.first_start
    lengths = (sources.windows.astype(np.int64) - 1 + size) * elements.width
    offsets = np.append(0, np.cumsum(lengths))
    places = np.repeat(begin * elements.width - offsets[:-1], lengths) + np.arange(int(offsets[-1]))
    data = elements.view[places]
    return pa.Array.from_buffers(
        pa.binary(), len(lengths), [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(data)]
    )
