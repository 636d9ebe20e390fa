"""Few rows of a row group that somebody else wrote: it may be a whole file, of which a few pages are wanted. Arrow decompresses
every page up to the last; here it is given the column with one page of nulls in place of those that hold none of the rows."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import groupby

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.storage.files import is_remote, local_path
from pipeline.storage.page_headers import Page, null_page, pages
from pipeline.storage.read_only import ReadOnly

Rows = npt.NDArray[np.int64]


def with_rows(path: str, opened: pq.ParquetFile, group: int, column: str, rows: Rows) -> pq.ParquetFile:
    """The file to read a column of a row group from where only these of its rows (rising) matter; others may be null. It is
    `opened` itself where no page can be left out: in a bucket, or of a column that is nested or cannot be null."""
    place = opened.schema_arrow.get_field_index(column)
    if is_remote(path) or not _is_plain(opened, place, column):
        return opened
    chunk = opened.metadata.row_group(group).column(place)
    start = min(chunk.data_page_offset, chunk.dictionary_page_offset or chunk.data_page_offset)
    with local_path(path).open("rb") as file:
        try:
            found = list(pages(file.fileno(), start, chunk.total_compressed_size))
            wanted = _wanted(found, rows)
            if all(wanted) or sum(p.rows for p in found) != chunk.num_values:
                return opened
            held = _held(file.fileno(), found, wanted, start, chunk.total_compressed_size)
        except ValueError:
            return opened
    source = pa.PythonFile(_Chunk(start, held, os.path.getsize(local_path(path))), "r")
    return pq.ParquetFile(source, metadata=opened.metadata, page_checksum_verification=True)


def _is_plain(opened: pq.ParquetFile, place: int, column: str) -> bool:
    """Whether the column's number among all leaves is known, and it is one of strings that may be null."""
    fields, footer = opened.schema_arrow, opened.metadata
    if place < 0 or footer.num_columns != len(fields) or not footer.num_row_groups:
        return False
    leaf = footer.row_group(0).column(place)
    return bool(leaf.path_in_schema == column and leaf.physical_type == "BYTE_ARRAY" and fields.field(place).nullable)


def _wanted(found: Sequence[Page], rows: Rows) -> list[bool]:
    """Which pages are needed for these rows; the dictionary where one of those is coded by it, or cannot be left out."""
    ends = np.cumsum([p.rows for p in found])
    held = np.diff(np.searchsorted(rows, ends), prepend=0) > 0
    made: list[bool] = held.tolist()
    if found and found[0].dictionary:
        made[0] = len(found) < 2 or made[1] or any(w and p.coded for w, p in zip(made, found, strict=True))
    return made


def _held(file: int, found: Sequence[Page], wanted: Sequence[bool], start: int, size: int) -> memoryview:
    """The chunk's bytes: the pages that are wanted, and one of nulls for each run of others."""
    held = memoryview(bytearray(size))  # what is not written to takes no memory
    for is_wanted, several in groupby(zip(wanted, found, strict=True), key=lambda one: one[0]):
        run = [page for _, page in several]
        place = held[run[0].start - start : run[-1].start + run[-1].bytes - start]
        if is_wanted:
            _read_into(file, run[0].start, place)
        else:
            nulls = null_page(sum(p.rows for p in run), len(place))
            place[: len(nulls)] = nulls
    return held


def _read_into(file: int, at: int, place: memoryview) -> None:
    """Fill it with the bytes of a file from there on. ValueError where the file ends before."""
    while len(place):
        read_bytes = os.preadv(file, [place], at)
        if not read_bytes:
            raise ValueError(f"the file ends at byte {at}")
        at, place = at + read_bytes, place[read_bytes:]


class _Chunk(ReadOnly):
    """A file of which one run of bytes can be read."""

    def __init__(self, start: int, held: memoryview, size: int) -> None:
        self._start, self._held, self._size = start, held, size
        self._at = 0

    def read(self, count: int = -1) -> memoryview:
        first = self._at - self._start
        found = self._held[first:] if count < 0 else self._held[first : first + count]
        self._at += len(found)
        return found

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def tell(self) -> int:
        return self._at
