"""Parquet that stays where it is: ids, provenance and verdicts beside it, its text read in place."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pyarrow as pa

from pipeline.sources.columns import Columns, as_strings, pick, pick_as_read
from pipeline.sources.grouping import group_name, groups
from pipeline.sources.listing import SourceFile, as_listed, partitions
from pipeline.sources.pages import GATHERED_BYTES, GATHERED_ROWS, Faults, Unreadable, decode, faults, reader
from pipeline.sources.parquet_probe import Group, ParquetProbe
from pipeline.sources.part import RUN_ROWS, PartWriter, commit_rows
from pipeline.sources.rows import IDS_SCHEMA, id_rows, judge_text, of_files, positions, quarantined_rows
from pipeline.storage.part import PartRecord
from pipeline.storage.shard import part_key
from pipeline.storage.store import Store

FORMAT = 2
Edges = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """Row groups of one file from `first` on. row: the file's row they begin with."""

    file: SourceFile
    first: int
    groups: tuple[Group, ...]
    row: int

    @property
    def last(self) -> int:
        return self.first + len(self.groups)


@dataclass(frozen=True, slots=True)
class ParquetUnit:
    """A piece of one file, or several small files whole, and how to take them in."""

    key: str
    part: str
    pieces: tuple[Piece, ...]
    columns: Columns
    max_doc_bytes: int
    run_bytes: int
    copied: bool

    @property
    def bytes(self) -> int:
        return sum(g.text_bytes for p in self.pieces for g in p.groups)

    @property
    def name(self) -> str:
        piece = self.pieces[0]
        return group_name(self.files) if len(self.pieces) > 1 else f"{piece.file.name}[{piece.first}:{piece.last}]"

    @property
    def files(self) -> tuple[SourceFile, ...]:
        return tuple(p.file for p in self.pieces)


@dataclass(frozen=True, slots=True)
class Cutting:
    """How files are cut into units. copied: the text is taken into the workspace; together: small files share units."""

    corpus: str
    target_bytes: int
    max_doc_bytes: int
    copied: bool
    together: bool


def split(probes: Sequence[ParquetProbe], how: Cutting) -> Iterator[ParquetUnit]:
    """The units of files, in their order: of a large one runs of consecutive row groups of about target_bytes of text, and of RUN_ROWS
    rows at most; small ones together up to as much, where their columns are the same."""
    small: list[ParquetProbe] = []
    for probed in (p for p in probes if sum(g.rows for g in p.groups)):
        runs = list(_runs(probed.groups, how.target_bytes))
        if small and (len(runs) > 1 or probed.columns != small[0].columns):
            yield from _together(small, how)
            small = []
        if len(runs) == 1 and how.together and not how.copied:
            small.append(probed)
            continue
        row = 0
        for first, several in runs:
            rows = sum(g.rows for g in several)
            if rows:
                yield _unit((Piece(probed.file, first, several, row),), probed.columns, how)
            row += rows
    yield from _together(small, how)


def _runs(groups: tuple[Group, ...], target_bytes: int) -> Iterator[tuple[int, tuple[Group, ...]]]:
    """(first row group, row groups) of each unit of a file."""
    start = 0
    while start < len(groups):
        end, size, rows = start, 0, 0
        for group in groups[start:]:
            if end > start and (size + group.text_bytes > target_bytes or rows + group.rows > RUN_ROWS):
                break
            size, rows, end = size + group.text_bytes, rows + group.rows, end + 1
        yield start, groups[start:end]
        start = end


def _together(probes: Sequence[ParquetProbe], how: Cutting) -> Iterator[ParquetUnit]:
    by_rows = how.target_bytes / RUN_ROWS  # rows of little text take memory, too
    sizes = [max(p.text_bytes, by_rows * sum(g.rows for g in p.groups)) for p in probes]
    for run in groups([(p.file.name, size) for p, size in zip(probes, sizes, strict=True)], how.target_bytes):
        pieces = tuple(Piece(probes[i].file, 0, probes[i].groups, 0) for i in run)
        yield _unit(pieces, probes[run[0]].columns, how)


def _unit(pieces: tuple[Piece, ...], columns: Columns | None, how: Cutting) -> ParquetUnit:
    assert columns is not None
    files = [
        (p.file.path, p.file.name, p.file.bytes, p.file.stamp, p.first, p.last, sorted(partitions(p.file.path).items()))
        for p in pieces
    ]
    key = part_key("parquet", FORMAT, files, asdict(columns), how.max_doc_bytes, how.target_bytes, how.copied)
    part = Store.part(how.corpus, "text", key)
    return ParquetUnit(key, part, pieces, columns, how.max_doc_bytes, how.target_bytes, how.copied)


def register(store: Store, unit: ParquetUnit, known: Faults | None = None, edges: Edges | None = None) -> PartRecord:
    """Take in one unit: check every row, write ids and verdicts, leave the text where it is. known: row groups of its only piece known to
    be unreadable; edges: where each of them begins in the file that holds the text, if that is a copy."""
    bad = [known or {} for _ in unit.pieces]
    try:
        return _commit(store, unit, bad, edges)
    except Unreadable:
        with as_listed(*unit.files):
            found = [faults(p.file.path, unit.columns.paths, p.first, len(p.groups)) for p in unit.pieces]
        return _commit(store, unit, [f | b for f, b in zip(found, bad, strict=True)], edges)


def give_up(store: Store, unit: ParquetUnit, reason: str, detail: str, read: Container[int] = ()) -> PartRecord:
    """The part of a unit that cannot be taken in: all rows quarantined, but those of the pieces (by place) that can be read."""
    with as_listed(*(p.file for n, p in enumerate(unit.pieces) if n in read)):
        bad = [
            faults(p.file.path, unit.columns.paths, p.first, len(p.groups)) if n in read
            else dict.fromkeys(range(p.first, p.last), (reason, detail))
            for n, p in enumerate(unit.pieces)
        ]  # fmt: skip
    return _commit(store, unit, bad, None)


def read_through(unit: ParquetUnit) -> None:
    """Decode all of it, for nothing but to survive that."""
    for piece in unit.pieces:
        faults(piece.file.path, unit.columns.paths, piece.first, len(piece.groups))


def _commit(store: Store, unit: ParquetUnit, bad: Sequence[Faults], edges: Edges | None) -> PartRecord:
    wanted = [p.file for p, of_piece in zip(unit.pieces, bad, strict=True) if len(of_piece) < len(p.groups)]

    def fill(out: PartWriter) -> None:
        with as_listed(*wanted):
            _write_runs(out, unit, bad, edges)

    return commit_rows(store, unit.key, unit.part, IDS_SCHEMA, unit.run_bytes, fill)


def _write_runs(out: PartWriter, unit: ParquetUnit, bad: Sequence[Faults], edges: Edges | None) -> None:
    """One run as long as groups are alike readable and no more than run_bytes: dictionaries can hold more than a footer
    declares."""
    held, run, was_bad = _Held(out, unit), list[tuple[int, int, int]](), False

    def end_run() -> None:
        held.flush()
        out.end_run(tuple(run), not was_bad)
        run.clear()

    for n, (piece, bad_here) in enumerate(zip(unit.pieces, bad, strict=True)):
        where = edges or tuple(range(piece.first, piece.last + 1))
        source = reader(piece.file.path, unit.columns.paths) if len(bad_here) < len(piece.groups) else None
        row = piece.row
        for i, declared in enumerate(piece.groups):
            group = piece.first + i
            is_bad = group in bad_here
            if run and (out.full(unit.run_bytes) or is_bad != was_bad):
                end_run()
            was_bad = is_bad
            if run and run[-1][0] == n:
                run[-1] = (n, run[-1][1], where[i + 1])
            else:
                run.append((n, where[i], where[i + 1]))
            if is_bad:
                _write_bad(out, piece.file.name, row, declared.rows, bad_here[group])
            elif declared.rows and source is not None:
                held.add(decode(source, group), piece.file, row)
            row += declared.rows
    end_run()


def _write_bad(out: PartWriter, name: str, row: int, rows: int, why: tuple[str, str]) -> None:
    for start in range(row, row + rows, GATHERED_ROWS):
        out.add(quarantined_rows(name, positions(start, min(GATHERED_ROWS, row + rows - start)), *why))
    out.tally.reject(why[0], [name], rows)


class _Held:
    """Rows of small row groups and files are gathered before they are looked at: there may be 100,000 of them."""

    def __init__(self, out: PartWriter, unit: ParquetUnit) -> None:
        self._out, self._unit = out, unit
        self._tables: list[pa.Table] = []
        self._from: list[tuple[SourceFile, int]] = []
        self._rows = self._bytes = 0

    def add(self, tables: Iterable[pa.Table], file: SourceFile, row: int) -> None:
        """Take tables that begin with the file's `row`."""
        for table in tables:
            if self._tables and table.schema != self._tables[0].schema:
                self.flush()
            self._tables.append(table)
            self._from.append((file, row))
            self._rows += table.num_rows
            self._bytes += table.nbytes
            row += table.num_rows
            if self._rows >= GATHERED_ROWS or self._bytes >= GATHERED_BYTES:
                self.flush()

    def flush(self) -> None:
        """Look at what is held, and pass its rows on."""
        if self._tables:
            table, columns = pa.concat_tables(self._tables), self._unit.columns
            verdicts = judge_text(pick_as_read(table, columns.text), self._unit.max_doc_bytes)
            own = None if columns.id is None else as_strings(pick(table, columns.id))
            rows = [t.num_rows for t in self._tables]
            names, provenance = of_files([file for file, _ in self._from], rows)
            provenance |= {name: as_strings(pick(table, path)) for name, path in columns.provenance}
            at = np.concatenate([np.arange(row, row + n) for (_, row), n in zip(self._from, rows, strict=True)])
            self._out.add(id_rows(names, pa.array(at), verdicts, own, provenance, self._out.tally))
        self._tables, self._from, self._rows, self._bytes = [], [], 0, 0
