"""Parquet that stays where it is: ids, provenance and verdicts beside it, its text read in place."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.sources.columns import Columns, as_strings, find_columns, pick, pick_as_read
from pipeline.sources.footers import chunk_fault
from pipeline.sources.formats import ENCRYPTED_MAGIC, PARQUET_MAGIC
from pipeline.sources.listing import SourceFile, as_listed, partitions
from pipeline.sources.pages import GATHERED_BYTES, GATHERED_ROWS, Faults, Reader, Unreadable, decode, faults, reader
from pipeline.sources.part import RUN_ROWS, PartWriter, commit_rows
from pipeline.sources.rows import IDS_SCHEMA, id_rows, judge_text, positions, quarantined_rows
from pipeline.sources.streams import open_bytes
from pipeline.storage.parquet import leaf_paths, open_parquet
from pipeline.storage.part import PartRecord
from pipeline.storage.shard import part_key
from pipeline.storage.store import Store

FORMAT = 1
Edges = tuple[int, ...]
MAX_ROWS_PER_BYTE = 1_000
FEW_ROWS = 1_000_000


@dataclass(frozen=True, slots=True)
class Group:
    """A row group as the footer declares it: only for planning, the reader believes nothing of it but the rows."""

    rows: int
    text_bytes: int


@dataclass(frozen=True, slots=True)
class ParquetProbe:
    """What a file's footer says. problem, detail: why it cannot be taken in."""

    file: SourceFile
    problem: str = ""
    detail: str = ""
    schema: pa.Schema | None = None
    columns: Columns | None = None
    groups: tuple[Group, ...] = ()

    @property
    def text_bytes(self) -> int:
        return sum(g.text_bytes for g in self.groups)

    def beside(self) -> pa.Schema:
        """The file's columns that the text table does not have."""
        assert self.schema is not None
        assert self.columns is not None
        return pa.schema([self.schema.field(i).with_name(n) for n, i in self.columns.beside(self.schema)])


@dataclass(frozen=True, slots=True)
class ParquetUnit:
    """Row groups [first, last) of one file, and how to take them in. row: the file's row they begin with."""

    key: str
    part: str
    file: SourceFile
    columns: Columns
    first: int
    groups: tuple[Group, ...]
    row: int
    max_doc_bytes: int
    run_bytes: int
    copied: bool

    @property
    def rows(self) -> int:
        return sum(g.rows for g in self.groups)

    @property
    def bytes(self) -> int:
        return sum(g.text_bytes for g in self.groups)

    @property
    def name(self) -> str:
        return f"{self.file.name}[{self.first}:{self.first + len(self.groups)}]"

    @property
    def files(self) -> tuple[SourceFile, ...]:
        return (self.file,)


def probe(file: SourceFile, text: str | None, id: str | None) -> ParquetProbe:
    """Read one footer; what is wrong with the file comes back as its problem."""
    try:
        return _look(file, open_parquet(file.path), text, id)
    except (OSError, pa.ArrowException, ValueError, LookupError, NotImplementedError, RecursionError) as error:
        reason = _why_not(file, error)
        return ParquetProbe(file, reason, (str(error).strip() or reason).splitlines()[0][:300])


def _look(file: SourceFile, opened: pq.ParquetFile, text: str | None, id: str | None) -> ParquetProbe:
    metadata, schema = opened.metadata, opened.schema_arrow
    groups = [metadata.row_group(g) for g in range(metadata.num_row_groups)]
    rows = sum(g.num_rows for g in groups)
    if any(g.num_rows < 0 for g in groups) or rows != metadata.num_rows:
        return ParquetProbe(file, "corrupt", f"{metadata.num_rows} rows declared, {rows} in its row groups", schema)
    if rows > max(FEW_ROWS, MAX_ROWS_PER_BYTE * file.bytes):
        return ParquetProbe(file, "bomb", f"{rows} rows in {file.bytes} bytes", schema)
    columns = find_columns(schema, text, id)
    if isinstance(columns, str):
        return ParquetProbe(file, "no_text_column", columns, schema)
    if (fault := chunk_fault(file.path, columns.paths)) is not None:
        return ParquetProbe(file, "encrypted" if "crypt" in fault else "corrupt", fault, schema)
    column = leaf_paths(metadata).index(columns.text) if groups else 0
    sizes = tuple(Group(g.num_rows, max(0, g.column(column).total_uncompressed_size)) for g in groups)
    return ParquetProbe(file, schema=schema, columns=columns, groups=sizes)


def _why_not(file: SourceFile, error: Exception) -> str:
    """A name for why a file is no Parquet file we can read."""
    if isinstance(error, OSError) and error.errno is not None:
        return "unreadable"
    head, tail = _ends(file)
    if not head:
        return "empty_file"
    if head == ENCRYPTED_MAGIC or tail == ENCRYPTED_MAGIC:
        return "encrypted"
    if head != PARQUET_MAGIC:
        return "not_parquet"
    return "truncated" if tail != PARQUET_MAGIC else "corrupt"


def _ends(file: SourceFile) -> tuple[bytes, bytes]:
    try:
        with open_bytes(file.path) as opened:
            head = opened.read(4)
            opened.seek(max(0, opened.seek(0, os.SEEK_END) - 4))
            return head, opened.read(4)
    except OSError:
        return b"?", b""


@dataclass(frozen=True, slots=True)
class Cutting:
    """How files are cut into units. copied: the text is taken into the workspace."""

    corpus: str
    target_bytes: int
    max_doc_bytes: int
    copied: bool


def split(probed: ParquetProbe, how: Cutting) -> list[ParquetUnit]:
    """A file's units: runs of consecutive row groups of about target_bytes of text, and of RUN_ROWS rows at most."""
    units, start, row = [], 0, 0
    while start < len(probed.groups):
        end, size, rows = start, 0, 0
        for group in probed.groups[start:]:
            if end > start and (size + group.text_bytes > how.target_bytes or rows + group.rows > RUN_ROWS):
                break
            size, rows, end = size + group.text_bytes, rows + group.rows, end + 1
        if rows:
            units.append(_unit(probed, (start, end), row, how))
        start, row = end, row + rows
    return units


def _unit(probed: ParquetProbe, run: tuple[int, int], row: int, how: Cutting) -> ParquetUnit:
    file, columns = probed.file, probed.columns
    assert columns is not None
    told = sorted(partitions(file.path).items())
    asked = (how.max_doc_bytes, how.target_bytes, how.copied)
    key = part_key("parquet", FORMAT, file.path, file.name, file.bytes, file.stamp, run, asdict(columns), told, asked)
    part, groups = Store.part(how.corpus, "text", key), probed.groups[slice(*run)]
    return ParquetUnit(key, part, file, columns, run[0], groups, row, how.max_doc_bytes, how.target_bytes, how.copied)


def register(store: Store, unit: ParquetUnit, known: Faults | None = None, edges: Edges | None = None) -> PartRecord:
    """Take in one unit: check every row, write ids and verdicts, leave the text where it is. known: row groups known to
    be unreadable; edges: where each row group begins in the file that holds the text, if that is a copy."""
    bad = known or {}
    try:
        return _commit(store, unit, bad, edges)
    except Unreadable:
        with as_listed(unit.file):
            bad = faults(unit.file.path, unit.columns.paths, unit.first, len(unit.groups)) | bad
        return _commit(store, unit, bad, edges)


def give_up(store: Store, unit: ParquetUnit, reason: str, detail: str) -> PartRecord:
    """The part of a unit that cannot be taken in at all: all its rows quarantined."""
    return _commit(store, unit, {unit.first + i: (reason, detail) for i in range(len(unit.groups))}, None)


def _commit(store: Store, unit: ParquetUnit, bad: Faults, edges: Edges | None) -> PartRecord:
    where = edges or tuple(range(unit.first, unit.first + len(unit.groups) + 1))

    def fill(out: PartWriter) -> None:
        if len(bad) == len(unit.groups):
            _write_runs(out, unit, None, bad, where)
            return
        with as_listed(unit.file):
            _write_runs(out, unit, reader(unit.file.path, unit.columns.paths), bad, where)

    return commit_rows(store, unit.key, unit.part, IDS_SCHEMA, unit.run_bytes, fill)


def _write_runs(out: PartWriter, unit: ParquetUnit, source: Reader | None, bad: Faults, edges: Edges) -> None:
    """One run as long as groups are alike readable and no more than run_bytes: dictionaries can hold more than a footer
    declares."""
    row, begun = unit.row, unit.first
    held = _Held(out, unit)
    for group in range(unit.first, unit.first + len(unit.groups)):
        if group > begun and (out.full(unit.run_bytes) or (group in bad) != (group - 1 in bad)):
            held.flush()
            out.end_run((edges[begun - unit.first], edges[group - unit.first]), group - 1 not in bad)
            begun = group
        rows = unit.groups[group - unit.first].rows
        if group in bad:
            _write_bad(out, unit.file.name, row, rows, bad[group])
        elif rows and source is not None:
            held.add(decode(source, group), row)
        row += rows
    held.flush()
    last = unit.first + len(unit.groups)
    out.end_run((edges[begun - unit.first], edges[-1]), last - 1 not in bad)


def _write_bad(out: PartWriter, name: str, row: int, rows: int, why: tuple[str, str]) -> None:
    for start in range(row, row + rows, GATHERED_ROWS):
        out.add(quarantined_rows(name, positions(start, min(GATHERED_ROWS, row + rows - start)), *why))
    out.tally.reject(why[0], rows)


class _Held:
    """Rows of small row groups are gathered before they are looked at: a file may have 100,000 of them."""

    def __init__(self, out: PartWriter, unit: ParquetUnit) -> None:
        self._out, self._unit = out, unit
        self._hive = partitions(unit.file.path)
        self._tables: list[pa.Table] = []
        self._rows = self._bytes = self._row = 0

    def add(self, tables: Iterable[pa.Table], row: int) -> None:
        """Take tables that begin with the file's `row`."""
        for table in tables:
            if not self._tables:
                self._row = row
            self._tables.append(table)
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
            provenance: dict[str, pa.Array | str | None] = dict(self._hive)
            provenance |= {name: as_strings(pick(table, path)) for name, path in columns.provenance}
            at = positions(self._row, table.num_rows)
            self._out.add(id_rows(self._unit.file.name, at, verdicts, own, provenance, self._out.tally))
        self._tables, self._rows, self._bytes = [], 0, 0
