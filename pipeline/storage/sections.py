"""A file of sections, each under a number and with a checksum that every read verifies. For what hundreds of units read a
little of each: Parquet would need a row group for each of them, and such a footer takes ten times as long to read as they do.

    sections ... | an entry of 32 bytes a section: number, start, bytes, XXH3 | entries, XXH3 of them, magic
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
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

NEAR_BYTES = 65_536
"""Sections that lie no farther apart are read at once, with what lies between them."""
READ_BYTES = 2_000_000
"""What is read at once, but for a section that is larger."""

Entries = npt.NDArray[np.void]
Places = npt.NDArray[np.int64]


class SectionWriter:
    """Adds sections to a file."""

    def __init__(self, file: Written) -> None:
        self._file = file
        self._start = 0
        self._entries = [np.zeros(0, ENTRY)]

    def add(self, numbers: Places, bounds: Places, content: memoryview) -> None:
        """Sections under N numbers, which rise and are above those before. bounds: i64[N+1], the bytes of the content between
        which each lies."""
        made = np.empty(len(numbers), ENTRY)
        made["number"], made["start"], made["bytes"] = numbers, self._start + bounds[:-1], np.diff(bounds)
        made["hash"] = [xxhash.xxh3_64_intdigest(content[a:b]) for a, b in pairwise(bounds.tolist())]
        self._file.write(content)
        self._entries.append(made)
        self._start += content.nbytes

    def close(self) -> None:
        """Write who lies where."""
        entries = np.concatenate(self._entries)
        told = entries.tobytes()
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
    """A file of sections that is open. numbers, sizes: i64[E], by number; sizes in bytes."""

    def __init__(self, file: IO[bytes], path: str) -> None:
        self._file, self._path = file, path
        self._entries = _entries(file, path)
        self.numbers: Places = self._entries["number"]
        self.sizes: Places = self._entries["bytes"]

    def read(self, places: Places) -> Iterator[tuple[Places, bytes]]:
        """The sections at these places (rising), some at a time: their places, and one after another what they hold. Raises
        IntegrityError where a byte has changed."""
        start = self._entries["start"][places]
        end = start + self.sizes[places]
        parted = (start[1:] - end[:-1] > NEAR_BYTES) | (start[1:] // READ_BYTES != start[:-1] // READ_BYTES)
        runs = np.flatnonzero(np.concatenate([[True], parted, [True]])).tolist() if len(places) else []
        for first, stop in pairwise(runs):
            yield places[first:stop], self._run(places[first:stop], start[first:stop], end[first:stop])

    def _run(self, places: Places, start: Places, end: Places) -> bytes:
        low = int(start[0])
        self._file.seek(low)
        content = self._file.read(int(end[-1]) - low)
        sections = [memoryview(content)[a:b] for a, b in zip((start - low).tolist(), (end - low).tolist(), strict=True)]
        for section, told in zip(sections, self._entries["hash"][places].tolist(), strict=True):
            if xxhash.xxh3_64_intdigest(section) != told:
                raise _damaged(self._path)
        return content if int(self.sizes[places].sum()) == len(content) else b"".join(sections)


@contextlib.contextmanager
def open_sections(store: Store, path: str) -> Iterator[Sections]:
    """Read a file of sections. Raises IntegrityError where what it says of them has changed."""
    with store.open(path) as file:
        yield Sections(file, store.full(path))


def record_sections(store: Store, key: str, path: str) -> PartRecord:
    """Describe a part that is there: a row is a section."""
    with open_sections(store, path) as sections:
        rows = len(sections.numbers)
    digest, size = store.digest(path)
    return PartRecord(key, path, rows, size, digest, {})


def checked_sections(store: Store, key: str, path: str) -> PartRecord:
    """The same, once every section was read. Raises IntegrityError where a byte has changed."""
    with open_sections(store, path) as sections:
        for _ in sections.read(np.arange(len(sections.numbers))):
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
