"""Reading row groups of Parquet files nobody vouches for: bounded memory whatever a file claims, faults told apart.

A footer cannot be trusted (a 45 KB file can need 13 GB as strings), so memory is bounded by what pages can decode to:
a dictionary page holds each value once, and no row is longer than that page.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.storage.files import filesystem, is_remote, local_path
from pipeline.storage.parquet import leaf_paths, open_parquet

BATCH_DECODED_BYTES = 128_000_000
"""No batch of one reader call can decode to more than this (or one row)."""
GATHERED_BYTES = 8_000_000
GATHERED_ROWS = 65_536
GROUP_DECODED_BYTES = 512_000_000
"""A row group may decode to this, or to MAX_GROWTH times its declared size; above, it is taken for a bomb."""
MAX_GROWTH = 8
MAX_COMPRESSION = 1_000
READ_BUFFER_BYTES = 1 << 20
HEADER_BYTES = 32
DICTIONARY_PAGE = 2

Faults = dict[int, tuple[str, str]]
"""Row groups that cannot be taken in: reason and detail by index."""


class Unreadable(Exception):
    """Rows of one row group cannot be taken in: reason for the ledger, detail for people."""

    def __init__(self, group: int, reason: str, detail: str) -> None:
        super().__init__(f"row group {group}: {detail}")
        self.group, self.reason, self.detail = group, reason, detail


class ReadInterrupted(Exception):
    """The storage failed, not the data: worth another attempt, and never a reason to quarantine."""


@dataclass(frozen=True)
class Reader:
    """An open Parquet file and the columns to read from it (None: all). A path names one leaf or a struct."""

    path: str
    parquet: pq.ParquetFile
    columns: tuple[str, ...] | None
    leaves: tuple[int, ...]


def reader(path: str, columns: Sequence[str] | None) -> Reader:
    """Open a file for reading row groups within bounds."""
    parquet = open_parquet(path, buffer_size=READ_BUFFER_BYTES)
    paths = leaf_paths(parquet.metadata)
    wanted = range(len(paths)) if columns is None else [i for i, p in enumerate(paths) if _below(p, columns)]
    return Reader(path, parquet, None if columns is None else tuple(columns), tuple(wanted))


def _below(path: str, columns: Sequence[str]) -> bool:
    return any(path == c or path.startswith(f"{c}.") for c in columns)


def decode(source: Reader, group: int) -> Iterator[pa.Table]:
    """One row group in tables of about GATHERED_BYTES, dictionaries decoded. Raises Unreadable."""
    metadata = source.parquet.metadata.row_group(group)
    declared = sum(_bounded_size(metadata.column(i)) for i in source.leaves)
    allowed = max(GROUP_DECODED_BYTES, MAX_GROWTH * declared)
    gathered: list[pa.RecordBatch] = []
    rows = decoded = held = held_rows = 0
    for batch in _batches(source, group):
        batch_rows, batch_bytes = batch.num_rows, batch.nbytes  # a batch may be a few rows: asked once
        rows, held_rows = rows + batch_rows, held_rows + batch_rows
        decoded, held = decoded + batch_bytes, held + batch_bytes
        if decoded > allowed:
            raise Unreadable(group, "bomb", f"decodes to over {allowed} bytes from {declared} declared")
        gathered.append(batch)
        if held >= GATHERED_BYTES or held_rows >= GATHERED_ROWS:
            yield pa.Table.from_batches(gathered)
            gathered, held, held_rows = [], 0, 0
    if gathered:
        yield pa.Table.from_batches(gathered)
    if rows != metadata.num_rows:
        raise Unreadable(group, "corrupt_page", f"{rows} rows read, the footer says {metadata.num_rows}")


def faults(path: str, columns: Sequence[str] | None, first: int, count: int) -> Faults:
    """Every row group in [first, first + count) that cannot be read: looked for only once one was met."""
    source = reader(path, columns)
    bad: Faults = {}
    for group in range(first, first + count):
        try:
            for _ in decode(source, group):
                pass
        except Unreadable as error:
            bad[group] = (error.reason, error.detail)
    return bad


def _batches(source: Reader, group: int) -> Iterator[pa.RecordBatch]:
    """The reader's own batches, small enough that none can decode to much, with faults of data told from faults of
    storage: Arrow's own errors carry no errno."""
    columns = None if source.columns is None else list(source.columns)
    try:
        rows = max(1, min(GATHERED_ROWS, BATCH_DECODED_BYTES // max(1, _longest_row(source, group))))
        batches = source.parquet.iter_batches(rows, row_groups=[group], columns=columns, use_threads=False)
        coded = any(pa.types.is_dictionary(f.type) for f in source.parquet.schema_arrow)
        yield from map(_without_dictionaries, batches) if coded else batches
    except (pa.ArrowException, MemoryError, UnicodeDecodeError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise ReadInterrupted(f"{source.path}: {error}") from error
        raise Unreadable(group, "corrupt_page", _first_line(error)) from error
    except OSError as error:
        if type(error) is not OSError or error.errno is not None:
            raise ReadInterrupted(f"{source.path}: {error}") from error
        raise Unreadable(group, "corrupt_page", _first_line(error)) from error


def _without_dictionaries(batch: pa.RecordBatch) -> pa.RecordBatch:
    columns = [c.dictionary_decode() if pa.types.is_dictionary(c.type) else c for c in batch.columns]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]


def _bounded_size(chunk: pq.ColumnChunkMetaData) -> int:
    """A column chunk's declared size, as far as its compressed size makes it credible."""
    return int(min(chunk.total_uncompressed_size, MAX_COMPRESSION * chunk.total_compressed_size))


def _longest_row(source: Reader, group: int) -> int:
    """A bound on one row's bytes over and above what plain pages hold: each column's dictionary page, decoded; for
    DELTA_BYTE_ARRAY, whose values share prefixes, its whole chunk."""
    metadata = source.parquet.metadata.row_group(group)
    chunks = [metadata.column(i) for i in source.leaves]
    bound = sum(c.total_uncompressed_size for c in chunks if "DELTA_BYTE_ARRAY" in c.encodings)
    starts = [min(c.data_page_offset, c.dictionary_page_offset or c.data_page_offset) for c in chunks]
    return int(bound + sum(dictionary_bytes(h) for h in _headers(source.path, starts)))


def _headers(path: str, starts: list[int]) -> list[bytes]:
    if is_remote(path):
        ends = [s + HEADER_BYTES for s in starts]
        ranges: list[bytes] = filesystem(path).cat_ranges([path] * len(starts), starts, ends)
        return ranges
    with open(local_path(path), "rb") as file:
        return [os.pread(file.fileno(), HEADER_BYTES, max(0, s)) for s in starts]


def dictionary_bytes(header: bytes) -> int:
    """The decoded size of a dictionary page by its header (Thrift's compact protocol; a page that decodes to more is
    an error of the reader); 0 where the page is none."""
    values, at = [], 0
    for _ in range(2):
        if header[at : at + 1] != b"\x15":  # the next field, an i32
            return 0
        value, shift, at = 0, 0, at + 1
        while at < len(header):
            byte = header[at]
            value, shift, at = value | (byte & 0x7F) << shift, shift + 7, at + 1
            if byte < 0x80:
                break
        values.append((value >> 1) ^ -(value & 1))
    return max(0, values[1]) if values[0] == DICTIONARY_PAGE else 0
