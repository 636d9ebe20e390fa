"""Arrays whose length the corpus decides, of a unit that needs all of them at once: in memory, or beyond a bound in files that only
this process knows. The machine writes pages of those out where it needs the memory, so that more text costs disk and time."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.storage.files import told
from pipeline.storage.temporary import nameless_file

HELD_BYTES = 1_000_000_000
CHUNK = 1 << 20
"""Rows that are worked on at a time, so that nothing in between is as long as the arrays are."""


def chunks(n: int) -> Iterator[slice]:
    """Places 0 to n, some at a time."""
    return (slice(start, min(n, start + CHUNK)) for start in range(0, n, CHUNK))


@dataclass(frozen=True, slots=True)
class Room:
    """Where such arrays lie: in memory, or in files of a folder, which have no name there and go with the arrays."""

    folder: Path | None = None

    @classmethod
    def of(cls, n_bytes: int, folder: Path) -> Room:
        """For arrays of so many bytes together."""
        return cls(folder if n_bytes > HELD_BYTES else None)

    def empty(self, n: int, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """[n] of anything. Raises StorageError where the disk has not that much left."""
        if self.folder is None:
            return np.empty(n, dtype)
        n_bytes = max(1, n * np.dtype(dtype).itemsize)
        with told(str(self.folder)), nameless_file(self.folder) as file:
            _reserve(file, n_bytes)
            return np.frombuffer(mmap.mmap(file.fileno(), n_bytes), dtype, n)

    def full(self, n: int, dtype: npt.DTypeLike, value: Any) -> npt.NDArray[Any]:
        """[n] of one value."""
        made = self.empty(n, dtype)
        made.fill(value)
        return made

    def strings(self, found: Iterable[pa.LargeStringArray]) -> pa.LargeStringArray:
        """All of them, one after the other, without nulls."""
        if self.folder is None:
            return pa.chunked_array(found, pa.large_string()).combine_chunks()
        with told(str(self.folder)), nameless_file(self.folder) as ends, nameless_file(self.folder) as data:
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


def _reserve(file: IO[bytes], n_bytes: int) -> None:
    """Make a file so long, with its place on the disk: a page that found no room later would end the process (as it does on macOS,
    which has no such call)."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, n_bytes)
    else:
        file.truncate(n_bytes)
