"""Parquet as this house writes and reads it: page checksums always, and the same bytes for the same table."""

from __future__ import annotations

import contextlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import IntegrityError
from pipeline.storage.files import filesystem, is_remote, local_path, of_bucket
from pipeline.storage.written import written

FEW_OF_GROUPS = 0.75
"""Below this share of the row groups' rows, those that were asked for are copied out of them."""


def open_parquet(path: str, **options: Any) -> pq.ParquetFile:
    """Open a Parquet file, local or remote, with page checksums verified (without them 41 of 60 flipped bits in a
    zstd page came back as wrong text).

    Units read it with `use_threads=False`: a worker is one core, and memory that a thread of Arrow's asked for stays that
    thread's when it is freed: a worker came to hold 40 MB more for it.
    """
    # given a path, pyarrow looks for a file system that it may be of: as long as opening takes
    source: Any = filesystem(path).open(path, "rb") if is_remote(path) else pa.OSFile(str(local_path(path)))
    return pq.ParquetFile(source, page_checksum_verification=True, **options)


def leaf_paths(footer: pq.FileMetaData) -> list[str]:
    """The paths of a file's leaves, by its first row group; none where it has no row group. Not by `footer.schema`: it and the
    footer hold each other until a full collection of garbage, and a footer may have hundreds of MB."""
    first = footer.row_group(0) if footer.num_row_groups else None
    return [first.column(i).path_in_schema for i in range(first.num_columns)] if first else []


def write_parquet(path: Path, table: pa.Table, row_group_rows: int | None = None, **options: Any) -> int:
    """Write one Parquet file with this house's settings; same table, same bytes. Its rows."""
    with parquet_writer(path, table.schema, **options) as writer:
        writer.write_table(table, row_group_size=row_group_rows)
    return int(table.num_rows)


@contextlib.contextmanager
def parquet_writer(path: Path, schema: pa.Schema, **options: Any) -> Iterator[pq.ParquetWriter]:
    """A writer with zstd, page checksums and a page index; dictionaries only where asked for. At its end every byte is
    read back and held against what was written; raises IntegrityError where they differ."""
    settings: dict[str, Any] = {
        "compression": "zstd",
        "compression_level": 1,
        "use_dictionary": False,
        "write_page_checksum": True,
        "write_page_index": True,
        "store_schema": True,
    }
    with written(path) as file, pq.ParquetWriter(file, schema, **{**settings, **options}) as writer:
        yield writer


def footer_of(path: Path, rows: int) -> pq.FileMetaData:
    """The footer of what was just written. IntegrityError where it says other rows."""
    footer = pq.read_metadata(str(path))
    if footer.num_rows != rows:
        raise IntegrityError(f"{path}: {footer.num_rows} rows read back, {rows} written")
    return footer


def verify_parquet(path: Path, rows: int) -> None:
    """Reopen what an earlier attempt wrote: its footer, its row count, the checksum of every page."""
    parquet = pq.ParquetFile(str(path), page_checksum_verification=True)
    if parquet.metadata.num_rows != rows:
        raise IntegrityError(f"{path}: {parquet.metadata.num_rows} rows read back, {rows} written")
    for group in range(parquet.metadata.num_row_groups):
        try:
            parquet.read_row_group(group)
        except OSError as error:
            raise IntegrityError(f"{path}: written, but cannot be read back ({error}); check this disk") from error


def read_shard(parquet: pq.ParquetFile, shard: int, columns: list[str]) -> pa.Table:
    """The rows of one shard of a table that is ordered by its column `shard`."""
    return rows_between(parquet, "shard", shard, shard, columns)


@contextlib.contextmanager
def intact(path: str, workspace: str) -> Iterator[None]:
    """Raise IntegrityError, with what to do, where a part of a workspace cannot be read inside. A bucket that fails says nothing of
    the part: its own error goes on, and the unit is tried again."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        if of_bucket(error) is not None:
            raise
        raise IntegrityError(
            f"{path}: damaged or gone ({error}). Set it aside with: winnow verify --repair --workspace {workspace}, "
            "then run the same command again: only this part is made anew"
        ) from error


def rows_between(parquet: pq.ParquetFile, by: str, low: int, high: int, columns: list[str]) -> pa.Table:
    """The rows whose column `by` is within low..high, of a table that is ordered by it: only the row groups that hold
    any, by their statistics."""
    index = parquet.schema_arrow.get_field_index(by)
    footer = parquet.metadata

    def bound(group: int, end: Literal["min", "max"], none: int) -> int:
        found = footer.row_group(group).column(index).statistics
        return none if found is None or not found.has_min_max else getattr(found, end)  # no row: it may be read, too

    # by halves: a part has hundreds of row groups, and a unit looks into every shard's
    first = bisect_left(range(footer.num_row_groups), low, key=lambda group: bound(group, "max", low))
    last = bisect_right(range(footer.num_row_groups), high, key=lambda group: bound(group, "min", high))
    groups = list(range(first, last))
    table = parquet.read_row_groups(groups, columns=list(dict.fromkeys([by, *columns])), use_threads=False)
    values = table.column(by).to_numpy()
    start = int(np.searchsorted(values, np.array(low, values.dtype), side="left"))
    end = int(np.searchsorted(values, np.array(high, values.dtype), side="right"))
    table = table.select(columns)
    if end - start < FEW_OF_GROUPS * len(values):
        return table.take(pa.array(np.arange(start, end)))  # a slice would hold all that was read
    return table.slice(start, end - start)
