"""What one question may cost, and what came back for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Format = Literal["arrow", "json", "csv", "parquet"]


@dataclass(frozen=True)
class Limits:
    """Of one statement. seconds: from asking to answer, waiting for a process included; memory_bytes: what the statement
    may take beside the process itself; rows and answer_bytes: of the answer as it is sent, the rest is cut off."""

    seconds: float = 10.0
    memory_bytes: int = 512 << 20
    rows: int = 10_000
    answer_bytes: int = 10 << 20
    threads: int = 1


@dataclass(frozen=True)
class Answer:
    """What a question brought.

    columns: (name, DuckDB's type) in order, names made unique; body: the rows in `format`; rows: how many are in it;
    truncated: there are more; said: that, in a sentence ("" if all are here); seconds: of the statement alone.
    """

    columns: tuple[tuple[str, str], ...]
    format: Format
    body: bytes
    rows: int
    truncated: bool
    said: str
    seconds: float

    def table(self) -> Any:
        """The rows as a pyarrow.Table; of the formats arrow and parquet."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self.format == "parquet":
            return pq.read_table(pa.BufferReader(self.body))
        if self.format != "arrow":
            raise ValueError(f"an answer in {self.format} is text: its body is what there is; ask with format='arrow'")
        return pa.ipc.open_stream(self.body).read_all()
