"""A shard: the rows one unit of work covers, and reading them in batches, in order, checked."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.errors import IntegrityError
from pipeline.storage.batches import gathered
from pipeline.storage.files import file_stamp, told
from pipeline.storage.parquet import open_parquet
from pipeline.storage.store import Store

BATCH_BYTES = 4_000_000
"""Text per batch: the kernels' scratch stays in the last-level cache, and a worker's memory stays flat. What allocators keep of
batches of several sizes is several times one of them."""


UNREADABLE = "quarantine"


@dataclass(frozen=True, slots=True)
class Slice:
    """Row groups [first, last) of one Parquet file; path is relative to the workspace, absolute, or a URL. stamp: what a user's
    file looked like when it was taken in (empty for a file of the workspace)."""

    path: str
    first: int
    last: int
    stamp: str = ""

    @property
    def groups(self) -> list[int]:
        return list(range(self.first, self.last))


@dataclass(frozen=True, slots=True)
class Shard:
    """The unit of work, retry and resume. Its row order never changes, and tables of documents have one part for
    it with the same rows. `ids` holds doc_id, quarantine and provenance; `texts` may be the user's own files, whose rows follow
    each other."""

    key: str
    ids: Slice
    texts: tuple[Slice, ...]
    column: str
    rows: int
    text_bytes: int

    @property
    def readable(self) -> bool:
        """Whether there is text; else all rows are quarantined, and `column` is what says so, of our own part."""
        return self.column != UNREADABLE

    @property
    def converted(self) -> bool:
        """Whether the text lies in our own part, beside ids and metadata, rather than in a file with columns of its own."""
        return self.readable and self.texts == (self.ids,)

    def as_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @staticmethod
    def from_json(value: dict[str, Any]) -> Shard:
        """Earlier manifests tell of one file, `text`, and of its stamp beside it."""
        told = {k: v for k, v in value.items() if k not in ("text", "stamp")}
        texts = value["texts"] if "texts" in value else [{**value["text"], "stamp": value["stamp"]}]
        return Shard(**{**told, "ids": Slice(**value["ids"]), "texts": tuple(Slice(**text) for text in texts)})


def part_key(*determinants: Any) -> str:
    """32 hex digits over all that determines a part's or a table's content."""
    return hashlib.sha256(json.dumps(determinants, sort_keys=True, default=str).encode()).hexdigest()[:32]


def batch_rows(shard: Shard) -> int:
    """Rows of about BATCH_BYTES of text."""
    mean_bytes = max(1, shard.text_bytes // max(1, shard.rows))
    return max(16, min(65_536, BATCH_BYTES // mean_bytes))


def read_ids(store: Store, shard: Shard, columns: list[str] | None = None) -> pa.Table:
    """The shard's rows of the text table without the text: doc_id, quarantine, provenance."""
    path = store.full(shard.ids.path)
    with told(path):
        table = open_parquet(path).read_row_groups(shard.ids.groups, columns=columns, use_threads=False)
    if table.num_rows != shard.rows:
        raise IntegrityError(f"{path}: {table.num_rows} rows, the manifest says {shard.rows}")
    return table


def read_text(
    store: Store, shard: Shard, usable: pa.Array, rows: int | None = None, opened: pq.ParquetFile | None = None
) -> Iterator[pa.Array]:
    """The shard's text in batches, as large_string. usable: bool[rows], false for quarantined rows, which come as null; opened:
    by `open_source`, or with some of the rows alone (pipeline.storage.few_rows). Checks page checksums, and that the user's
    files are still those that were taken in."""
    texts = _read_text(store, shard, usable, rows, opened)
    return gathered(texts, BATCH_BYTES // 2, pa.concat_arrays) if len(shard.texts) > 1 else texts


def _read_text(
    store: Store, shard: Shard, usable: pa.Array, rows: int | None, opened: pq.ParquetFile | None
) -> Iterator[pa.Array]:
    start = 0
    for batch in read_source(store, shard, [shard.column], rows, opened):
        mask = usable.slice(start, batch.num_rows)
        start += batch.num_rows
        yield as_text(batch.column(0), mask)


def as_text(column: pa.Array, usable: pa.Array) -> pa.Array:
    """Any string-like column as large_string, unusable rows null (they may not be UTF-8)."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type) or pa.types.is_binary_view(column.type):
        column = column.cast(pa.large_binary())
    else:
        column = column.cast(pa.large_string()) if column.type != pa.large_string() else column
    if not pc.all(usable).as_py():
        column = pc.if_else(usable, column, pa.scalar(None, column.type))
    return column.cast(pa.large_string())


def usable_rows(ids: pa.Table) -> pa.Array:
    """bool[rows]: not quarantined."""
    return pc.is_null(ids.column("quarantine").combine_chunks())


def read_source(
    store: Store,
    shard: Shard,
    columns: list[str] | None,
    rows: int | None = None,
    opened: pq.ParquetFile | None = None,
) -> Iterator[pa.RecordBatch]:
    """The shard's rows of the files that hold its text, in batches of about BATCH_BYTES of text; columns: all where None, and then
    of each file its own."""
    seen = 0
    for _, one in per_file(store, shard):
        (text,) = one.texts
        parquet = opened or open_source(store, one, text)
        try:
            at_once = rows or batch_rows(one)
            if columns is None:
                at_once = min(at_once, _rows_of_all_columns(parquet, one, text))
            for groups, held in _read_as_one(parquet, text, at_once):
                evenly = -(-held // -(-held // at_once))
                for batch in parquet.iter_batches(evenly, row_groups=groups, columns=columns, use_threads=False):
                    seen += batch.num_rows
                    yield batch
        except OSError as error:
            raise IntegrityError(
                f"{store.full(text.path)}: cannot be read ({error}). Restore the file, or run again so that it is taken in anew"
            ) from error
    if seen != shard.rows:
        where = ", ".join(store.full(text.path) for text in shard.texts[:3])
        raise IntegrityError(f"{where}: {seen} rows read, the manifest says {shard.rows}")


def per_file(store: Store, shard: Shard) -> list[tuple[int, Shard]]:
    """(first row, the shard as if the file that holds the text from there on were all of it) of each such file. How long their texts
    are may differ much. By the shard's ids: but for files whose row groups here are empty none is opened, as one may be gone."""
    if len(shard.texts) == 1:
        return [(0, shard)]
    ids = read_ids(store, shard, ["file_path", "text_bytes"])
    ends = np.asarray(pc.run_end_encode(ids.column("file_path").combine_chunks()).run_ends)
    if len(ends) != len(shard.texts):
        ends = np.cumsum([sum(_group_rows(open_source(store, shard, t), t)) for t in shard.texts])
    until = np.cumsum(pc.fill_null(ids.column("text_bytes"), 0).to_numpy())
    text_bytes = np.concatenate([[0], until])[[0, *ends]]
    edges = zip(shard.texts, [0, *ends.tolist()], ends.tolist(), np.diff(text_bytes).tolist(), strict=False)
    return [
        (first, dataclasses.replace(shard, texts=(t,), rows=end - first, text_bytes=n)) for t, first, end, n in edges
    ]


def _group_rows(opened: pq.ParquetFile, text: Slice) -> list[int]:
    return [opened.metadata.row_group(group).num_rows for group in text.groups]


def row_groups(store: Store, shard: Shard) -> Iterator[tuple[pq.ParquetFile, Shard]]:
    """Row group by row group that has rows: the file that holds the text, open, and the shard as if that were all of it."""
    for text in shard.texts:
        opened = open_source(store, shard, text)
        for group, rows in zip(text.groups, _group_rows(opened, text), strict=True):
            if rows:
                one = dataclasses.replace(text, first=group, last=group + 1)
                yield opened, dataclasses.replace(shard, texts=(one,), rows=rows)


def _read_as_one(parquet: pq.ParquetFile, text: Slice, rows: int) -> Iterator[tuple[list[int], int]]:
    """(row groups, their rows): as many as have so many rows together, or a single one. What reads them keeps the dictionary of
    each until it is done."""
    run: list[int] = []
    held = 0
    for group in text.groups:
        more = parquet.metadata.row_group(group).num_rows
        if run and held + more > rows:
            yield run, held
            run, held = [], 0
        run.append(group)
        held += more
    if held:
        yield run, held


def _rows_of_all_columns(parquet: pq.ParquetFile, shard: Shard, text: Slice) -> int:
    """Rows of about BATCH_BYTES of all columns, by what the first few rows and the footer say of their width: a column
    beside the text may be a hundred times as wide."""
    groups = text.groups
    # of the text the width is known; its first rows alone cost 5 ms, because its dictionary is as large as a page
    beside = [name for name in parquet.schema_arrow.names if name != shard.column]
    few = parquet.iter_batches(16, row_groups=groups[:1], columns=beside, use_threads=False)
    first = next(few, None) if beside else None
    declared: int = sum(parquet.metadata.row_group(g).total_byte_size for g in groups) // max(
        1, sum(parquet.metadata.row_group(g).num_rows for g in groups)
    )
    seen = first.nbytes // max(1, first.num_rows) if first is not None else 0
    width = max(declared, seen + shard.text_bytes // max(1, shard.rows), 1)
    return max(16, 2 * BATCH_BYTES // width)


def corpus_of(shard: Shard) -> str:
    """The corpus it was taken in for."""
    return shard.ids.path.split("/")[1]


def open_source(store: Store, shard: Shard, text: Slice) -> pq.ParquetFile:
    """A file that holds text of the shard. IntegrityError where it is not the one that was taken in."""
    path = store.full(text.path)
    with told(path):
        if text.stamp and file_stamp(path) != text.stamp:
            raise IntegrityError(
                f"{path}: the file changed since it was taken in, as corpus {corpus_of(shard)!r}; take it in anew: run a recipe over "
                "that corpus again, then this job"
            )
        return open_parquet(path)
