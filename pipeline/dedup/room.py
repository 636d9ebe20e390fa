"""Arrays whose length the corpus decides, of a unit that needs all of them at once: in memory, or beyond a bound in files that only
this process knows. The machine writes pages of those out where it needs the memory, so that more text costs disk and time."""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

HELD_BYTES = 1_000_000_000
CHUNK = 1 << 20
"""Rows that are worked on at a time, so that nothing in between is as long as the arrays are."""


def chunks(n: int) -> Iterator[slice]:
    """Places 0 to n, some at a time."""
    return (slice(start, min(n, start + CHUNK)) for start in range(0, n, CHUNK))


@dataclass(frozen=True, slots=True)
class Room:
    """Where such arrays lie. spills: in files of the temporary folder (TMPDIR), which go with the arrays."""

    spills: bool = False

    @classmethod
    def of(cls, n_bytes: int) -> Room:
        """For arrays of so many bytes together."""
        return cls(n_bytes > HELD_BYTES)

    def empty(self, n: int, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """[n] of anything. Raises OSError where the disk has not that much left."""
        if not self.spills:
            return np.empty(n, dtype)
        n_bytes = max(1, n * np.dtype(dtype).itemsize)
        with tempfile.TemporaryFile(prefix="winnow-spilled-", buffering=0) as file:
            try:
                os.posix_fallocate(file.fileno(), 0, n_bytes)  # a page that finds no room later would end the process
            except OSError as error:
                raise OSError(error.errno, error.strerror, tempfile.gettempdir()) from error
            return np.frombuffer(mmap.mmap(file.fileno(), n_bytes), dtype, n)

    def full(self, n: int, dtype: npt.DTypeLike, value: Any) -> npt.NDArray[Any]:
        """[n] of one value."""
        made = self.empty(n, dtype)
        made.fill(value)
        return made

    def strings(self, found: Iterable[pa.LargeStringArray]) -> pa.LargeStringArray:
        """All of them, one after the other, without nulls."""
        if not self.spills:
            return pa.chunked_array(found, pa.large_string()).combine_chunks()
        with tempfile.TemporaryFile(prefix="winnow-spilled-") as ends, tempfile.TemporaryFile() as data:
            end = 0
            ends.write(np.zeros(1, np.int64).data)
            for strings in found:
                at = np.frombuffer(strings.buffers()[1], np.int64)[strings.offset :][: len(strings) + 1]
                ends.write((at[1:] - at[0] + end).data)
                if len(strings):
                    data.write(strings.buffers()[2][int(at[0]) : int(at[-1])])
                    end += int(at[-1] - at[0])
            count = ends.tell() // 8 - 1
            data.write(b"\0")  # nothing cannot be mapped
            for file in (ends, data):
                file.flush()
            mapped = [pa.py_buffer(mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)) for f in (ends, data)]
            return pa.LargeStringArray.from_buffers(count, mapped[0], mapped[1])
