"""A batch of documents as the kernels see it: UTF-8 bytes and offsets, in place, no Python string per document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

T = TypeVar("T")

PADDING_BYTES = 64
"""Kernels load eight bytes at a time and may read (never use) up to this many bytes past the last document."""


@dataclass(frozen=True, slots=True)
class TextBatch:
    """D documents over B bytes of valid UTF-8.

    data: u8[>= B + PADDING_BYTES], offsets: i64[D+1] into data, starting anywhere. A null document reads as empty.
    urls: where the documents came from, string[D] with nulls; only for scorers that say `reads_url`, and only where the
    input has them.
    """

    data: npt.NDArray[np.uint8]
    offsets: npt.NDArray[np.int64]
    urls: pa.Array | None = None
    _derived: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def text_bytes(self) -> int:
        """Bytes of text in the batch."""
        return int(self.offsets[-1] - self.offsets[0])

    @classmethod
    def from_arrow(cls, column: pa.Array) -> TextBatch:
        """Wrap a string column; large_string is used in place, any other string type costs one cast of its offsets."""
        if column.type != pa.large_string():
            column = column.cast(pa.large_string())
        if column.null_count:
            column = pc.fill_null(column, "")
        _, offsets_buffer, data_buffer = column.buffers()
        offsets = np.frombuffer(offsets_buffer, dtype=np.int64)[column.offset : column.offset + len(column) + 1]
        if len(column) == 0:
            offsets = np.zeros(1, dtype=np.int64)
        end = int(offsets[-1])
        data = np.frombuffer(data_buffer, dtype=np.uint8) if data_buffer is not None else np.zeros(0, np.uint8)
        if len(data) < end + PADDING_BYTES:
            # Parquet readers mostly leave room; where they did not, one memcpy (10 GB/s) buys safe wide loads
            start = int(offsets[0])
            padded = np.empty(end - start + PADDING_BYTES, dtype=np.uint8)
            padded[: end - start] = data[start:end]
            padded[end - start :] = 0
            data, offsets = padded, offsets - start
        return cls(data, offsets)

    @classmethod
    def from_strings(cls, texts: list[str]) -> TextBatch:
        """Wrap Python strings; for tests and small calls."""
        return cls.from_arrow(pa.array(texts, type=pa.large_string()))

    def to_arrow(self) -> pa.Array:
        """The documents as a large_string array."""
        start, end = int(self.offsets[0]), int(self.offsets[-1])
        return pa.Array.from_buffers(
            pa.large_string(),
            len(self),
            [None, pa.py_buffer(self.offsets - start), pa.py_buffer(np.ascontiguousarray(self.data[start:end]))],
        )

    def derive(self, key: object, make: Callable[[TextBatch], T]) -> T:
        """What several scorers of one pass need of the same batch (its words, say), computed by the first that asks."""
        if key not in self._derived:
            self._derived[key] = make(self)
        found: T = self._derived[key]
        return found
