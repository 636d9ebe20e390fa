"""A file of sections, each under a number and with a checksum that every read verifies. For what hundreds of units read a
little of each: Parquet would need a row group for each of them, and such a footer takes ten times as long to read as they do.

    sections ... | an entry of 32 bytes a section, by number: number, start, bytes, XXH3 | entries, rows, XXH3 of them, magic
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt
import xxhash

from pipeline.errors import IntegrityError
from pipeline.storage.store import PartRecord, Store
from pipeline.storage.written import Written, written

SUFFIX = ".sections"
MAGIC = b"winnow:1"
ENTRY = np.dtype([("number", "<i8"), ("start", "<i8"), ("bytes", "<i8"), ("hash", "<u8")])
TAIL = np.dtype([("entries", "<i8"), ("rows", "<i8"), ("hash", "<u8"), ("magic", "S8")])

Entries = npt.NDArray[np.void]


class SectionWriter:
    """Adds sections to a file. rows: what their sum is told to be."""

    def __init__(self, file: Written) -> None:
        self.rows = 0
        self._file = file
        self._start = 0
        self._entries: list[tuple[int, int, int, int]] = []

    def add(self, number: int, content: memoryview, rows: int) -> None:
        """One more section under this number."""
        self._file.write(content)
        self._entries.append((number, self._start, content.nbytes, xxhash.xxh3_64_intdigest(content)))
        self._start += content.nbytes
        self.rows += rows

    def close(self) -> None:
        """Write who lies where."""
        entries = np.array(self._entries, ENTRY)
        entries = entries[np.argsort(entries["number"], kind="stable")]
        told = entries.tobytes()
        self._file.write(told)
        tail = (len(entries), self.rows, xxhash.xxh3_64_intdigest(told, self.rows), MAGIC)
        self._file.write(np.array(tail, TAIL).tobytes())


@contextlib.contextmanager
def section_writer(path: Path) -> Iterator[SectionWriter]:
    """A writer of a new file; raises IntegrityError where other bytes are read back than were written."""
    with written(path) as file:
        writer = SectionWriter(file)
        yield writer
        writer.close()


def read_sections(store: Store, path: str, number: int) -> Iterator[bytes]:
    """The sections under a number, in the order they were added. Raises IntegrityError where a byte has changed."""
    with store.open(path) as file:
        entries, _ = _entries(file, store.full(path))
        first, last = np.searchsorted(entries["number"], [number, number + 1])
        for entry in entries[first:last]:
            yield _section(file, store.full(path), entry)


def bytes_under(store: Store, path: str, number: int) -> int:
    """Bytes of all sections under a number."""
    with store.open(path) as file:
        entries, _ = _entries(file, store.full(path))
    return int(entries["bytes"][entries["number"] == number].sum())


def record_sections(store: Store, key: str, path: str) -> PartRecord:
    """Describe a part that is there."""
    with store.open(path) as file:
        rows = _entries(file, store.full(path))[1]
    digest, size = store.digest(path)
    return PartRecord(key, path, rows, size, digest, {})


def checked_sections(store: Store, key: str, path: str) -> PartRecord:
    """The same, once every section was read. Raises IntegrityError where a byte has changed."""
    with store.open(path) as file:
        for entry in _entries(file, store.full(path))[0]:
            _section(file, store.full(path), entry)
    return record_sections(store, key, path)


def _entries(file: IO[bytes], path: str) -> tuple[Entries, int]:
    """The entries by number, and how many rows the file has."""
    size = file.seek(0, 2)
    file.seek(max(0, size - TAIL.itemsize))
    found = file.read(TAIL.itemsize)
    if len(found) < TAIL.itemsize or (tail := np.frombuffer(found, TAIL)[0])["magic"] != MAGIC:
        raise _damaged(path)
    start = size - TAIL.itemsize - int(tail["entries"]) * ENTRY.itemsize
    if start < 0:
        raise _damaged(path)
    file.seek(start)
    told = file.read(size - TAIL.itemsize - start)
    if xxhash.xxh3_64_intdigest(told, int(tail["rows"])) != tail["hash"]:
        raise _damaged(path)
    return np.frombuffer(told, ENTRY), int(tail["rows"])


def _section(file: IO[bytes], path: str, entry: np.void) -> bytes:
    file.seek(int(entry["start"]))
    content = file.read(int(entry["bytes"]))
    if xxhash.xxh3_64_intdigest(content) != entry["hash"]:
        raise _damaged(path)
    return content


def _damaged(path: str) -> IntegrityError:
    return IntegrityError(f"{path}: other bytes than were written; run the same command again, so that it is made anew")
