"""What the columns of the notes look like, shard by shard, in numbers that add up: rows, nulls, least, largest, sum, bins,
the most frequent strings. Measured once, as the notes are written; no part is opened again for them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.schema import STATISTICS_TABLE, arrow_schema
from pipeline.storage.parquet import parquet_writer
from pipeline.storage.part import PartRecord
from pipeline.storage.quick_json import parse
from pipeline.storage.store import Store
from pipeline.totals.bins import SHIFT_COARSE, bins

METADATA = b"winnow.statistics"
"""Where a part's footer holds its statistics, as JSON."""
MOST_NAMES = 64
MOST_NAMES_MEANWHILE = 4096
PARTS_AT_ONCE = 256
READERS = 16

Kind = Literal["number", "flag", "name"]


@dataclass
class ColumnStatistics:
    """One column of some rows. bins, names: rows by bin of pipeline.totals.bins (SHIFT_COARSE), and by string."""

    name: str
    kind: Kind
    rows: int = 0
    nulls: int = 0
    min: float | None = None
    max: float | None = None
    total: float = 0.0
    bins: dict[int, int] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    others: int = 0

    def add(self, other: ColumnStatistics) -> None:
        """Take in the same column of other rows."""
        self.rows += other.rows
        self.nulls += other.nulls
        self.min = _either(min, self.min, other.min)
        self.max = _either(max, self.max, other.max)
        self.total += other.total
        for bin_, count in other.bins.items():
            self.bins[bin_] = self.bins.get(bin_, 0) + count
        for name, count in other.names.items():
            self.names[name] = self.names.get(name, 0) + count
        self.others += other.others
        if len(self.names) > MOST_NAMES_MEANWHILE:
            self.keep_names(MOST_NAMES_MEANWHILE // 2)

    def keep_names(self, most: int) -> None:
        """Keep the most frequent strings; the rest are others."""
        ranked = sorted(self.names.items(), key=lambda one: (-one[1], one[0]))
        self.names = dict(ranked[:most])
        self.others += sum(count for _, count in ranked[most:])

    def row(self, shard: int | None, shards: int) -> dict[str, Any]:
        """A row of the table `statistics`."""
        ordered = sorted(self.bins.items())
        return vars(self) | {
            "shard": shard, "shards": shards, "bins": [b for b, _ in ordered], "bin_counts": [n for _, n in ordered],
            "names": list(self.names), "name_counts": list(self.names.values()),
        }  # fmt: skip


def _either(choose: Any, a: float | None, b: float | None) -> float | None:
    return b if a is None else a if b is None else choose(a, b)


class Statistics:
    """The columns of one part, measured as its rows are written."""

    def __init__(self) -> None:
        self._columns: dict[str, ColumnStatistics] = {}

    def add(self, notes: pa.Table) -> None:
        """Some rows: every plain number, flag and string in the structs of the notes."""
        for struct in (f for f in notes.schema if pa.types.is_struct(f.type)):
            fields = notes.column(struct.name).combine_chunks().flatten()
            for column, values in zip(struct.type, fields, strict=True):
                found = measure(f"{struct.name}.{column.name}", values)
                if found is not None and found.name in self._columns:
                    self._columns[found.name].add(found)
                elif found is not None:
                    self._columns[found.name] = found

    def metadata(self) -> dict[bytes, bytes]:
        """For the footer of the part."""
        for column in self._columns.values():
            column.keep_names(MOST_NAMES)
        told = [vars(column) for column in self._columns.values()]
        return {METADATA: json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode()}


def measure(name: str, values: pa.Array) -> ColumnStatistics | None:
    """One column of some rows; None for what has no order and no few names (lists, signatures)."""
    kind = values.type
    found = ColumnStatistics(name, "number", len(values), values.null_count)
    if pa.types.is_boolean(kind):
        true = pc.sum(values).as_py() or 0
        counts = {0.0: len(values) - values.null_count - true, 1.0: true}
        there = [value for value, count in counts.items() if count]
        found.kind, found.total = "flag", float(true)
        found.min, found.max = (there[0], there[-1]) if there else (None, None)
        found.bins = {int(bins(np.array([v]), SHIFT_COARSE)[0]): counts[v] for v in there}
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind):
        _measure_numbers(found, values)
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        found.kind = "name"
        counted = pc.value_counts(values.drop_null())
        found.names = dict(zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True))
        if len(found.names) > MOST_NAMES_MEANWHILE:
            found.keep_names(MOST_NAMES_MEANWHILE // 2)
    else:
        return None
    return found


def _measure_numbers(found: ColumnStatistics, values: pa.Array) -> None:
    there = values.drop_null() if values.null_count else values
    if not len(there):
        return
    numbers = there.to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
    found.min, found.max, found.total = float(numbers.min()), float(numbers.max()), float(numbers.sum())
    which = bins(numbers, SHIFT_COARSE)
    least = int(which.min())
    counts = np.bincount(which - least)
    found.bins = {least + int(at): int(counts[at]) for at in np.flatnonzero(counts)}


def statistics_path(corpus: str, kind: str, key: str) -> str:
    """Where the statistics of a table's parts lie, gathered."""
    return f"{Store.table(corpus, kind, key)}/statistics.parquet"


def gather(store: Store, path: str, parts: Sequence[PartRecord]) -> dict[str, Any]:
    """Commit the statistics in the parts' footers as one table, by shard and column, the whole table's last; returns what
    a manifest says of it (nothing where no part has any: parts of before there were statistics have none)."""
    found = ((n, columns) for n, said in enumerate(_read_footers(store, parts)) if (columns := _columns(said)))
    first = next(found, None)
    if first is None:
        return {}
    store.commit(path, lambda temporary: _write(temporary, chain([first], found)))
    sha256, size = store.digest(path)
    return {
        "statistics": {"path": path, "rows": store.parquet(path).metadata.num_rows, "sha256": sha256, "bytes": size}
    }


def _read_footers(store: Store, parts: Sequence[PartRecord]) -> Iterator[bytes]:
    def read(part: PartRecord) -> bytes:
        found: bytes = (store.parquet(part.path).metadata.metadata or {}).get(METADATA, b"")
        return found

    if not store.remote:
        yield from map(read, parts)
        return
    with ThreadPoolExecutor(READERS) as readers:  # each waits for the network
        yield from readers.map(read, parts)


def _columns(said: bytes) -> list[ColumnStatistics]:
    told = parse(said) if said else []
    return [ColumnStatistics(**{**one, "bins": {int(b): n for b, n in one["bins"].items()}}) for one in told]


def _write(path: Path, found: Iterator[tuple[int, list[ColumnStatistics]]]) -> None:
    schema = arrow_schema(STATISTICS_TABLE)
    whole: dict[str, ColumnStatistics] = {}
    shards = 0
    with parquet_writer(path, schema) as writer:
        while some := list(islice(found, PARTS_AT_ONCE)):
            shards += len(some)
            rows = [column.row(shard, 1) for shard, columns in some for column in columns]
            for column in (c for _, columns in some for c in columns):
                whole.setdefault(column.name, ColumnStatistics(column.name, column.kind)).add(column)
            writer.write_table(pa.Table.from_pylist(rows, schema))
        for column in whole.values():
            column.keep_names(MOST_NAMES)
        writer.write_table(pa.Table.from_pylist([c.row(None, shards) for c in whole.values()], schema))
