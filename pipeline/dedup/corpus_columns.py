"""What deduplication itself measures of documents, and whether a recipe asks for it."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from pipeline.dedup.lines import columns as line_columns
from pipeline.dedup.substrings import columns as substring_columns
from pipeline.recipe.dedup import Dedup
from pipeline.rules import Measured


@dataclass(frozen=True, slots=True)
class CorpusColumns:
    """Columns under an alias, by the key of `dedup` that asks for them."""

    key: str
    alias: str
    struct: pa.DataType
    columns: dict[str, Measured]


def _all() -> tuple[CorpusColumns, ...]:
    return (
        CorpusColumns("lines", line_columns.ALIAS, line_columns.STRUCT, line_columns.measured()),
        CorpusColumns("substrings", substring_columns.ALIAS, substring_columns.STRUCT, substring_columns.measured()),
    )


def measured_by(dedup: Dedup | None) -> list[CorpusColumns]:
    """Those that a recipe asks for, in the order they are measured."""
    return [c for c in _all() if dedup is not None and _asks(getattr(dedup, c.key))]


def unmeasured_by(dedup: Dedup | None) -> list[CorpusColumns]:
    """Those that it does not."""
    asked = {c.key for c in measured_by(dedup)}
    return [c for c in _all() if c.key not in asked]


def _asks(settings: object) -> bool:
    return settings is not None and getattr(settings, "action", "spans") != "spans"
