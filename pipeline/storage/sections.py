"""A file of sections, each under a number and with a checksum that every read verifies. For what hundreds of units read a
little of each: Parquet would need a row group for each of them, and such a footer takes ten times as long to read as they do.

    sections ... | an entry of 32 bytes a section: number, start, bytes, XXH3 | entries, XXH3 of them, magic
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt
import xxhash

from pipeline.errors import IntegrityError
from pipeline.storage.store import PartRecord, Store
from pipeline.storage.written import Written, written

SUFFIX = ".sections"
MAGIC = b"winnow:2"
ENTRY = np.dtype([("number", "<i8"), ("start", "<i8"), ("bytes", "<i8"), ("hash", "<u8")])
TAIL = np.dtype([("entries", "<i8"), ("hash", "<u8"), ("magic", "S8")])

NEAR_BYTES, NEAR_BYTES_REMOTE = 4_096, 1_000_000
"""Sections that lie no farther apart are read at once, with what lies between them: that takes less than asking twice."""
READ_BYTES = 2_000_000
"""Sections that come together, or one that is larger."""

Entries = npt.NDArray[np.void]
Places = npt.NDArray[np.int64]


class SectionWriter:
    """Adds sections to a file."""

    def __init__(self, file: Written) -> None:
        self._file = file
        self._start = 0
        self._entries = [np.zeros(0, ENTRY)]

    def add(self, numbers: Places, bounds: Places, content: memoryview) -> None:
        """Sections under N numbers, each of which is there once. bounds: i64[N+1], the bytes of the content between which each
        lies."""
        made = np.empty(len(numbers), ENTRY)
        made["number"], made["start"], made["bytes"] = numbers, self._start + bounds[:-1], np.diff(bounds)
        made["hash"] = [xxhash.xxh3_64_intdigest(content[a:b]) for a, b in pairwise(bounds.tolist())]
        self._file.write(content)
        self._entries.append(made)
        self._start += content.nbytes

    def close(self) -> None:
        """Write who lies where."""
        entries = np.concatenate(self._entries)
        told = entries[np.argsort(entries["number"], kind="stable")].tobytes()
        self._file.write(told)
        self._file.write(np.array((len(entries), xxhash.xxh3_64_intdigest(told), MAGIC), TAIL).tobytes())


@contextlib.contextmanager
def section_writer(path: Path) -> Iterator[SectionWriter]:
    """A writer of a new file; raises IntegrityError where other bytes are read back than were written."""
    with written(path) as file:
        writer = SectionWriter(file)
        yield writer
        writer.close()


class Sections:
    """A file of sections that is open. numbers, sizes, starts: i64[E], by number; sizes in bytes, starts as they were added."""

    def __init__(self, store: Store, path: str, file: IO[bytes]) -> None:
        self._path, self._near = store.full(path), NEAR_BYTES_REMOTE if store.remote else NEAR_BYTES
        self._read = partial(_read_remote, file) if store.remote else partial(os.pread, file.fileno())
        self._entries = _entries(file, self._path)
        self.numbers: Places = self._entries["number"]
        self.sizes: Places = self._entries["bytes"]
        self.starts: Places = self._entries["start"]

    def read(self, places: Places) -> Iterator[tuple[Places, bytes]]:
        """The sections at these places, which were added in this order, some at a time: their places, and one after another what
        they hold. Raises IntegrityError where a byte has changed."""
        lots = np.flatnonzero(np.diff(np.cumsum(self.sizes[places]) // READ_BYTES, prepend=-1, append=-1))
        for first, stop in pairwise(lots.tolist()):
            yield places[first:stop], b"".join(self._sections(self._entries[places[first:stop]]))

    def _sections(self, entries: Entries) -> Iterator[memoryview]:
        start, end = entries["start"], entries["start"] + entries["bytes"]
        runs = [*(np.flatnonzero(start[1:] - end[:-1] > self._near) + 1).tolist(), len(entries)]
        lows, highs, hashes = start.tolist(), end.tolist(), entries["hash"].tolist()
        first = 0
        for stop in runs:
            low = lows[first]
            content = memoryview(self._read(highs[stop - 1] - low, low))
            for n in range(first, stop):
                section = content[lows[n] - low : highs[n] - low]
                if xxhash.xxh3_64_intdigest(section) != hashes[n]:
                    raise _damaged(self._path)
                yield section
            first = stop


def _read_remote(file: IO[bytes], most_bytes: int, start: int) -> bytes:
    file.seek(start)
    return file.read(most_bytes)


@contextlib.contextmanager
def open_sections(store: Store, path: str) -> Iterator[Sections]:
    """Read a file of sections. Raises IntegrityError where what it says of them has changed."""
    with store.open(path) as file:
        yield Sections(store, path, file)


def record_sections(store: Store, key: str, path: str) -> PartRecord:
    """Describe a part that is there: a row is a section."""
    with open_sections(store, path) as sections:
        rows = len(sections.numbers)
    digest, size = store.digest(path)
    return PartRecord(key, path, rows, size, digest, {})


def checked_sections(store: Store, key: str, path: str) -> PartRecord:
    """The same, once every section was read. Raises IntegrityError where a byte has changed."""
    with open_sections(store, path) as sections:
        for _ in sections.read(np.argsort(sections.starts, kind="stable")):
            pass
    return record_sections(store, key, path)


def _entries(file: IO[bytes], path: str) -> Entries:
    size = file.seek(0, 2)
    file.seek(max(0, size - TAIL.itemsize))
    found = file.read(TAIL.itemsize)
    if len(found) < TAIL.itemsize or (tail := np.frombuffer(found, TAIL)[0])["magic"] != MAGIC:
        raise _damaged(path)
    start = size - TAIL.itemsize - int(tail["entries"]) * ENTRY.itemsize
    if not 0 <= start <= size:
        raise _damaged(path)
    file.seek(start)
    told = file.read(size - TAIL.itemsize - start)
    if xxhash.xxh3_64_intdigest(told) != tail["hash"]:
        raise _damaged(path)
    return np.frombuffer(told, ENTRY)


def _damaged(path: str) -> IntegrityError:
    return IntegrityError(f"{path}: other bytes than were written; run the same command again, so that it is made anew")
