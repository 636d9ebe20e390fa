"""Columns of a job's tables side by side, in runs of whole shards: read once, kept while there is room. No text among them.

Positions stand for a join: every table of a corpus has one part a shard, with the same rows in the same order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.clerk.desk import Desk
from pipeline.clerk.job import OpenJob
from pipeline.errors import IntegrityError
from pipeline.storage.files import told
from pipeline.storage.manifest import Manifest
from pipeline.storage.parquet import open_parquet
from pipeline.takedown.tombstones import COLUMNS

BAND_ROWS = 1 << 20
FAILED_RULE = "failed.list.element.rule"

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Band:
    """Shards [first, last) of the text table. rows: of all of them; start: global row of the first."""

    first: int
    last: int
    start: int
    rows: int


def bands_of(text: Manifest, rows: int = BAND_ROWS) -> list[Band]:
    """All shards in runs of about so many rows; a larger shard is a run of its own."""
    found: list[Band] = []
    offsets = text.row_offsets()
    first = 0
    for last in range(1, len(text.shards) + 1):
        if last == len(text.shards) or offsets[last + 1] - offsets[first] > rows:
            found.append(Band(first, last, int(offsets[first]), int(offsets[last] - offsets[first])))
            first = last
    return found


@dataclass(frozen=True)
class Columns:
    """What one job's tables say about one band."""

    desk: Desk
    opened: OpenJob
    band: Band

    def provenance(self, names: Sequence[str]) -> dict[str, pa.ChunkedArray]:
        """Columns of the text table, such as text_bytes and url."""
        text = self.opened.tables.text
        shards = text.shards[self.band.first : self.band.last]
        pieces = [(s.ids.path, s.ids.groups) for s in shards]
        return self._columns(text, names, pieces)

    def measured(self, names: Sequence[str]) -> dict[str, pa.ChunkedArray]:
        """Columns of the notes, such as gopher.word_count."""
        tables = self.opened.tables
        found: dict[str, pa.ChunkedArray] = {}
        for notes, aliases in zip(tables.notes, tables.aliases, strict=True):
            own = [n for n in names if n.partition(".")[0] in aliases]
            found |= self._columns(notes, own, self._parts(notes)) if own else {}
        return found

    def ends(self) -> pa.ChunkedArray:
        """What became of each: 'kept', else stage and reason, such as 'judge.word_count'."""
        _, mix = self.opened.decided
        key = (mix.key, self.band.first, self.band.last, "ends")
        found: pa.ChunkedArray = self.desk.cache.get(key, lambda: self._read_ends(mix), lambda ends: int(ends.nbytes))
        return found

    def taken_down(self) -> Flags:
        """bool[rows]: what is taken down, after the job too."""
        tombstones = self.opened.tombstones
        if not tombstones.takedowns:
            return np.zeros(self.band.rows, dtype=bool)
        read = self.provenance([*COLUMNS, "quarantine"])
        found: Flags = tombstones.mask(pa.table(read)) & pc.is_null(read["quarantine"]).to_numpy()
        return found

    def _read_ends(self, mix: Manifest) -> pa.ChunkedArray:
        read = self._read(self._parts(mix), ["stage", "reason"])
        joined = pc.binary_join_element_wise(read["stage"], read["reason"], ".")
        return pc.fill_null(joined, "kept").dictionary_encode()

    def failed(self) -> dict[str, npt.NDArray[np.uint8]]:
        """Which documents failed each of the job's own rules, as its verdict says: bits by rule, packed."""
        verdict, _ = self.opened.decided
        key = (verdict.key, self.band.first, self.band.last, "failed")
        found: dict[str, npt.NDArray[np.uint8]] = self.desk.cache.get(
            key, lambda: self._read_failed(verdict), lambda bits: sum(b.nbytes for b in bits.values())
        )
        return found

    def removed_as_copies(self) -> Flags:
        """bool[rows]: what the job's own deduplication removed."""
        made = np.zeros(self.band.rows, dtype=bool)
        rows = self.opened.copies
        first, last = np.searchsorted(rows, [self.band.start, self.band.start + self.band.rows])
        made[rows[first:last] - self.band.start] = True
        return made

    def _parts(self, table: Manifest) -> list[tuple[str, list[int] | None]]:
        return [(p.path, None) for p in table.parts[self.band.first : self.band.last]]

    def _columns(
        self, table: Manifest, names: Sequence[str], pieces: Sequence[tuple[str, list[int] | None]]
    ) -> dict[str, pa.ChunkedArray]:
        """Columns by name, those that are not kept yet read together."""
        keys = {n: (table.key, self.band.first, self.band.last, n) for n in dict.fromkeys(names)}
        found: dict[str, pa.ChunkedArray] = {n: self.desk.cache.find(key) for n, key in keys.items()}
        missing = [n for n, column in found.items() if column is None]
        for name, column in (self._read(pieces, missing) if missing else {}).items():
            self.desk.cache.put(keys[name], column, column.nbytes)
            found[name] = column
        return found

    def _read(self, pieces: Sequence[tuple[str, list[int] | None]], names: Sequence[str]) -> dict[str, pa.ChunkedArray]:
        tables = list(self._each(pieces, names))
        found = {}
        for name in names:
            alias, _, field = name.partition(".")
            chunks = [c for t in tables for c in t.column(alias).chunks]
            # struct_field sees to it that a null struct is a null value
            found[name] = pa.chunked_array([pc.struct_field(c, field) if field else c for c in chunks])
            if len(found[name]) != self.band.rows:
                raise IntegrityError(
                    f"{name}: {len(found[name])} rows, the manifest says {self.band.rows}; winnow verify tells more"
                )
        return found

    def _each(self, pieces: Sequence[tuple[str, list[int] | None]], names: Sequence[str]) -> Iterator[pa.Table]:
        """The pieces, in order, read by several threads."""
        store = self.opened.store

        def one(piece: tuple[str, list[int] | None]) -> pa.Table:
            path, groups = piece
            with told(store.full(path)):
                opened = open_parquet(store.full(path))
                groups = list(range(opened.metadata.num_row_groups)) if groups is None else groups
                return opened.read_row_groups(groups, columns=list(names), use_threads=False)

        with ThreadPoolExecutor(8 if store.remote else self.desk.threads) as threads:
            yield from threads.map(one, pieces)

    def _read_failed(self, verdict: Manifest) -> dict[str, npt.NDArray[np.uint8]]:
        rules = list(self.opened.recipe.rules)
        flags = np.zeros((len(rules), self.band.rows), dtype=bool)
        start = 0
        for table in self._each(self._parts(verdict), [FAILED_RULE]):
            for lists in table.column("failed").chunks:
                named = pc.struct_field(lists.flatten(), "rule")
                which = pc.index_in(named, value_set=pa.array(rules, pa.string())).to_numpy(zero_copy_only=False)
                flags[which, start + pc.list_parent_indices(lists).to_numpy()] = True
                start += len(lists)
        return {rule: np.packbits(flags[i]) for i, rule in enumerate(rules)}


def unpacked(bits: npt.NDArray[np.uint8], rows: int) -> Flags:
    """bool[rows] of packed bits."""
    return np.unpackbits(bits, count=rows).view(np.bool_)
