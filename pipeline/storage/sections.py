"""A file of sections, each under a number and with a checksum that every read verifies. For what hundreds of units read a
little of each: Parquet would need a row group for each of them, and such a footer takes ten times as long to read as they do.

    sections ... | an entry of 32 bytes a section, by number: number, start, bytes, XXH3 | of each page of PAGE_ENTRIES of them the first
    number, XXH3 | entries, XXH3 of what is said of pages, magic
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
from pipeline.storage.part import PartRecord
from pipeline.storage.store import Store
from pipeline.storage.written import Written, written

SUFFIX = ".sections"
MAGIC = b"winnow:3"
PAGE_ENTRIES = 256
FEW_OF_PAGES = 4
"""One page in so many, or more, and those between are read with them."""
ENTRY = np.dtype([("number", "<i8"), ("start", "<i8"), ("bytes", "<i8"), ("hash", "<u8")])
PAGE = np.dtype([("number", "<i8"), ("hash", "<u8")])
TAIL = np.dtype([("entries", "<i8"), ("hash", "<u8"), ("magic", "S8")])

NEAR_BYTES, NEAR_BYTES_REMOTE = 4_096, 1_000_000
"""Sections that lie no farther apart are read at once, with what lies between them: that takes less than asking twice."""
READ_BYTES = 2_000_000
"""Of sections that come together, and of what is read at once, or a section more."""

_hash = xxhash.xxh3_64_intdigest

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
        made["hash"] = [_hash(content[a:b]) for a, b in pairwise(bounds.tolist())]
        self._file.write(content)
        self._entries.append(made)
        self._start += content.nbytes

    def close(self) -> None:
        """Write who lies where."""
        entries = np.concatenate(self._entries)
        entries = entries[np.argsort(entries["number"], kind="stable")]
        firsts = range(0, len(entries), PAGE_ENTRIES)
        told = [(entries[n]["number"], _hash(entries[n : n + PAGE_ENTRIES].tobytes())) for n in firsts]
        pages = np.array(told, PAGE).tobytes()
        self._file.write(entries.tobytes())
        self._file.write(pages)
        self._file.write(np.array((len(entries), _hash(pages, len(entries)), MAGIC), TAIL).tobytes())


@contextlib.contextmanager
def section_writer(path: Path) -> Iterator[SectionWriter]:
    """A writer of a new file; raises IntegrityError where other bytes are read back than were written."""
    with written(path) as file:
        writer = SectionWriter(file)
        yield writer
        writer.close()


class Sections:
    """A file of sections that is open, of which little is read that is not asked for. rows: how many sections it has."""

    def __init__(self, store: Store, path: str, file: IO[bytes]) -> None:
        self._path, self._near = store.full(path), NEAR_BYTES_REMOTE if store.remote else NEAR_BYTES
        self._read = partial(_read_remote, file) if store.remote else partial(os.pread, file.fileno())
        end = file.seek(0, 2) - TAIL.itemsize
        tail = self._read(TAIL.itemsize, max(0, end))
        if end < 0 or (told := np.frombuffer(tail, TAIL)[0])["magic"] != MAGIC:
            raise _damaged(self._path)
        self.rows = int(told["entries"])
        pages_bytes = -(-self.rows // PAGE_ENTRIES) * PAGE.itemsize
        self._start = end - pages_bytes - self.rows * ENTRY.itemsize
        if self.rows < 0 or self._start < 0:
            raise _damaged(self._path)
        pages = self._read(pages_bytes, end - pages_bytes) if pages_bytes else b""
        if _hash(pages, self.rows) != told["hash"]:
            raise _damaged(self._path)
        self._pages = np.frombuffer(pages, PAGE)

    def find(self, numbers: Places) -> Entries:
        """Entries of the sections under these numbers (rising), as far as there are any. Their bytes: entry["bytes"]."""
        page = np.searchsorted(self._pages["number"], numbers, side="right") - 1
        page = page[np.searchsorted(page, 0) :]
        asked = page[np.flatnonzero(np.diff(page, prepend=-1))]
        if len(asked) == 0:
            return np.zeros(0, ENTRY)
        dense = asked[-1] - asked[0] < FEW_OF_PAGES * len(asked)
        runs = [asked] if dense else np.split(asked, np.flatnonzero(np.diff(asked) > 1) + 1)
        entries = np.concatenate([self._entries(int(run[0]), int(run[-1]) + 1) for run in runs])
        at = np.searchsorted(entries["number"], numbers)
        there = at < len(entries)
        there[there] = entries["number"][at[there]] == numbers[there]
        found: Entries = entries[at[there]]
        return found

    def everything(self) -> Entries:
        """Entries of all sections, as they lie."""
        entries = self._entries(0, len(self._pages))
        found: Entries = entries[np.lexsort((entries["bytes"], entries["start"]))]
        return found

    def read(self, entries: Entries) -> Iterator[tuple[Entries, bytes]]:
        """Sections in the order they were added, some at a time: their entries, and one after another what they hold. Raises
        IntegrityError where a byte has changed."""
        for first, stop in lots(entries["bytes"], READ_BYTES):
            yield entries[first:stop], b"".join(self._sections(entries[first:stop]))

    def _entries(self, first: int, end: int) -> Entries:
        """Those of pages first..end-1."""
        low, high = (min(page * PAGE_ENTRIES, self.rows) for page in (first, end))
        told = memoryview(
            self._read((high - low) * ENTRY.itemsize, self._start + low * ENTRY.itemsize) if end > first else b""
        )
        page_bytes = PAGE_ENTRIES * ENTRY.itemsize
        for n, told_hash in enumerate(self._pages["hash"][first:end].tolist()):
            if _hash(told[n * page_bytes : (n + 1) * page_bytes]) != told_hash:
                raise _damaged(self._path)
        return np.frombuffer(told, ENTRY)

    def _sections(self, entries: Entries) -> Iterator[memoryview]:
        start, end = entries["start"], entries["start"] + entries["bytes"]
        parted = (start[1:] - end[:-1] > self._near) | (start[1:] // READ_BYTES != start[:-1] // READ_BYTES)
        lows, highs, hashes = start.tolist(), end.tolist(), entries["hash"].tolist()
        first = 0
        for stop in [*(np.flatnonzero(parted) + 1).tolist(), len(entries)]:
            low = lows[first]
            content = memoryview(self._read(highs[stop - 1] - low, low))
            for n in range(first, stop):
                section = content[lows[n] - low : highs[n] - low]
                if _hash(section) != hashes[n]:
                    raise _damaged(self._path)
                yield section
            first = stop


def lots(sizes: Places, most_bytes: int) -> list[tuple[int, int]]:
    """(first, end) of pieces of this size that are handled together: so many bytes of them, or one more."""
    ends = np.flatnonzero(np.diff(np.cumsum(sizes) // most_bytes, prepend=-1, append=-1))
    return list(pairwise(ends.tolist()))


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
        rows = sections.rows
    digest, size = store.digest(path)
    return PartRecord(key, path, rows, size, digest, {})


def checked_sections(store: Store, key: str, path: str) -> PartRecord:
    """The same, once every section was read. Raises IntegrityError where a byte has changed."""
    with open_sections(store, path) as sections:
        for _ in sections.read(sections.everything()):
            pass
    return record_sections(store, key, path)


def _damaged(path: str) -> IntegrityError:
    return IntegrityError(f"{path}: other bytes than were written; run the same command again, so that it is made anew")
