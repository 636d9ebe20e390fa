"""Rows as the service gave them, on their way into whatever the user works with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

from pipeline.errors import UsageError
from winnow.client.words import html_table

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Rows(Sequence[dict[str, Any]]):
    """A short table: a sequence of rows that shows itself in a notebook."""

    rows: tuple[dict[str, Any], ...]
    caption: str = ""

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...

    @overload
    def __getitem__(self, index: slice) -> Rows: ...

    def __getitem__(self, index: int | slice) -> dict[str, Any] | Rows:
        return Rows(self.rows[index], self.caption) if isinstance(index, slice) else self.rows[index]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.rows)

    def to_arrow(self) -> pa.Table:
        import pyarrow as pa

        return pa.Table.from_pylist(list(self.rows))

    def to_pandas(self) -> pd.DataFrame:
        """Raises UsageError where pandas is not installed."""
        return as_pandas(self.to_arrow())

    def to_polars(self) -> pl.DataFrame:
        """Raises UsageError where polars is not installed."""
        return as_polars(self.to_arrow())

    def _repr_html_(self) -> str:
        return html_table(self.rows, self.caption)


def as_pandas(table: pa.Table) -> pd.DataFrame:
    """An Arrow table as a pandas data frame."""
    try:
        import pandas  # noqa: F401 - pyarrow's own error does not say how to install it
    except ImportError:
        raise UsageError("to_pandas needs pandas: pip install 'winnow-curation[pandas]'") from None
    frame: pd.DataFrame = table.to_pandas()
    return frame


def as_polars(table: pa.Table) -> pl.DataFrame:
    """An Arrow table as a polars data frame."""
    try:
        import polars
    except ImportError:
        raise UsageError("to_polars needs polars: pip install 'winnow-curation[polars]'") from None
    frame = polars.from_arrow(table)
    assert isinstance(frame, polars.DataFrame)
    return frame
