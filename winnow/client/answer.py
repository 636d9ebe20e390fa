"""The answer to a question in SQL."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from winnow.client.rows import as_pandas, as_polars
from winnow.client.words import ROWS_SHOWN, html_table

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa


@dataclass(frozen=True)
class Answer:
    """arrow: an Arrow IPC stream, with DuckDB's types. truncated: there were more rows; said: which limit cut them off."""

    arrow: bytes = field(repr=False)
    truncated: bool = False
    said: str = ""

    @cached_property
    def _table(self) -> pa.Table:
        import pyarrow as pa

        with pa.ipc.open_stream(self.arrow) as reader:
            return reader.read_all()

    def __len__(self) -> int:
        return int(self._table.num_rows)

    @property
    def columns(self) -> list[str]:
        return list(self._table.column_names)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Every row as a dict."""
        found: list[dict[str, Any]] = self._table.to_pylist()
        return found

    def to_arrow(self) -> pa.Table:
        return self._table

    def to_pandas(self) -> pd.DataFrame:
        """Raises UsageError where pandas is not installed."""
        return as_pandas(self._table)

    def to_polars(self) -> pl.DataFrame:
        """Raises UsageError where polars is not installed."""
        return as_polars(self._table)

    def _repr_html_(self) -> str:
        said = f"truncated: {self.said}" if self.truncated else ""
        return html_table(self._table.slice(0, ROWS_SHOWN).to_pylist(), said, total=len(self))
