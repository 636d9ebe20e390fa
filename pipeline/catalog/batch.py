"""Rows on their way into the catalog, and values made safe for their columns: a log is read as it is found."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from pipeline.catalog.schema import COLUMNS, Table


@dataclass
class Batch:
    """Rows of each table, in the order of its columns (arrow: more of them, in bulk), and what they replace. jobs_gone: all rows of these go;
    jobs_changed: their rows go but for units, which are only added to."""

    rows: dict[Table, list[tuple[Any, ...]]] = field(default_factory=lambda: {name: [] for name in COLUMNS})
    arrow: list[tuple[Table, pa.Table]] = field(default_factory=list)
    jobs_gone: set[str] = field(default_factory=set)
    jobs_changed: set[str] = field(default_factory=set)

    def __len__(self) -> int:
        return sum(map(len, self.rows.values())) + sum(int(rows.num_rows) for _, rows in self.arrow)


def whole(value: Any) -> int | None:
    """An integer that a BIGINT holds, else null."""
    return value if type(value) is int and -(1 << 63) <= value < 1 << 63 else None


def small(value: Any) -> int | None:
    """An integer that an INTEGER holds, else null."""
    return value if type(value) is int and -(1 << 31) <= value < 1 << 31 else None


def number(value: Any) -> float | None:
    """A float, else null."""
    return float(value) if type(value) in (int, float) else None


def text(value: Any) -> str | None:
    """A string, else null."""
    return value if isinstance(value, str) else None


def tree(value: Any) -> str | None:
    """Anything but null as JSON."""
    return None if value is None else json.dumps(value, sort_keys=True, ensure_ascii=False)


def entries(value: Any) -> list[tuple[str, int]] | None:
    """A map of names to whole numbers, as Arrow takes one."""
    if not isinstance(value, dict):
        return None
    return [(str(k), v) for k, v in value.items() if whole(v) is not None]
