"""A first look at a Parquet file: what its footer says, and why it cannot be taken in."""

from __future__ import annotations

import os
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.sources.columns import Columns, find_columns
from pipeline.sources.footers import chunk_fault
from pipeline.sources.formats import ENCRYPTED_MAGIC, PARQUET_MAGIC
from pipeline.sources.listing import SourceFile
from pipeline.sources.streams import open_bytes
from pipeline.storage.parquet import leaf_paths, open_parquet

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


def probe_parquet(file: SourceFile, text: str | None, id: str | None) -> ParquetProbe:
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
