"""Rows on their way into the catalog, and values made safe for their columns: files are read as they are found."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from pipeline.catalog.schema import COLUMNS, Table


@dataclass
class Batch:
    """Rows of each table in the order of its columns (arrow: more of them, in bulk), and what they replace. jobs_gone:
    all rows of these go; jobs_changed: their rows go but for units, which are only added to."""

    rows: dict[Table, list[tuple[Any, ...]]] = field(default_factory=lambda: {name: [] for name in COLUMNS})
    arrow: list[tuple[Table, pa.Table]] = field(default_factory=list)
    jobs_gone: set[str] = field(default_factory=set)
    jobs_changed: set[str] = field(default_factory=set)

    def __len__(self) -> int:
        return sum(map(len, self.rows.values())) + sum(int(rows.num_rows) for _, rows in self.arrow)


def column(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Values of a column; what is not of its type is null."""
    try:
        return pa.array(values, kind)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return pa.array([_one(value, kind) for value in values], kind)


def _one(value: Any, kind: pa.DataType) -> Any:
    try:
        return pa.scalar(value, kind).as_py()
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return None


def whole(value: Any) -> int:
    """A count to add up: 0 where it is none."""
    return value if type(value) is int and 0 <= value < 1 << 53 else 0


def tree(value: Any) -> str | None:
    """Anything but null as JSON."""
    return None if value is None else json.dumps(value, sort_keys=True, ensure_ascii=False)
