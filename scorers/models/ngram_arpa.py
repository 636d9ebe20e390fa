"""Reading ARPA files, plain or gzip, into the entries of a table."""

from __future__ import annotations

import gzip
import mmap
import re
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scorers.kernels.ngram_arpa import read_entries
from scorers.kernels.ngram_table import MAX_ORDER, count_missing, word_hashes
from scorers.models.ngram_file import WHOLE_KEY, Entries, Header, NgramError, Table, TextSettings, new_table, put

GZIP_MAGIC = b"\x1f\x8b"
DATA_MARK = b"\\data\\"
HEAD_BYTES = 100_000
LEAST_ENTRY_BYTES = 4
"""A digit, a tab, a letter and the line's end."""
NO_UNKNOWN = (-100.0, 0.0)
"""What KenLM gives a word where a model has no <unk>."""
SPECIALS = (b"<unk>", b"<s>", b"</s>")

U8 = npt.NDArray[np.uint8]


def is_arpa(head: bytes) -> bool:
    """Whether a file that begins so is ARPA, plain or compressed."""
    return head.startswith(GZIP_MAGIC) or DATA_MARK in head


def read_arpa(path: Path, settings: TextSettings) -> tuple[Header, Table]:
    """Every n-gram of an ARPA file. NgramError says where it is not one."""
    data = _content(path)
    counts, at = _counts(path, data[:HEAD_BYTES].tobytes())
    if sum(counts) > len(data) // LEAST_ENTRY_BYTES:  # before there is a table for so many
        raise NgramError(f"model file {str(path)!r} says {sum(counts)} n-grams in {len(data)} bytes: it is truncated")
    table = new_table(sum(counts))
    specials = [NO_UNKNOWN, (0.0, 0.0), NO_UNKNOWN]
    for n, count in enumerate(counts, start=1):
        at = _section_start(path, data, at, f"\\{n}-grams:".encode())
        entries, suffixes, places, at = _section(path, data, at, n, count)
        if n == 1:
            specials = _specials(data, places, entries, specials)
        else:
            _closed(path, table, suffixes, n)
        if put(table, entries) != count:
            raise NgramError(f"model file {str(path)!r}: an n-gram of {n} words is there twice")
    _section_start(path, data, at, b"\\end\\")
    return Header(len(counts), tuple(counts), tuple(specials), settings), table.read_only()


def _content(path: Path) -> U8:
    with path.open("rb") as file:
        if file.read(2) != GZIP_MAGIC:
            whole = np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)
            return np.concatenate([whole, np.zeros(8, np.uint8)])  # kernels load eight bytes at a time
    try:
        with gzip.open(path) as packed:
            return np.frombuffer(bytearray(packed.read() + bytes(8)), np.uint8)
    except (EOFError, OSError, zlib.error) as error:
        raise NgramError(f"model file {str(path)!r}: its gzip stream is damaged ({error}); get it again") from error


def _counts(path: Path, head: bytes) -> tuple[list[int], int]:
    start = head.find(DATA_MARK)
    found = (
        re.compile(rb"\\data\\\s*\n((?:ngram +\d{1,18} *= *\d{1,18} *\r?\n)+)").match(head, start)
        if start >= 0
        else None
    )
    if found is None:
        raise NgramError(f"model file {str(path)!r} is not ARPA: no \\data\\ with lines 'ngram 1=...' at its beginning")
    pairs = [(int(a), int(b)) for a, b in re.findall(rb"ngram +(\d+) *= *(\d+)", found[1])]
    if [n for n, _ in pairs] != list(range(1, len(pairs) + 1)) or len(pairs) > MAX_ORDER:
        raise NgramError(f"model file {str(path)!r}: orders {[n for n, _ in pairs]}; expected 1 to at most {MAX_ORDER}")
    return [count for _, count in pairs], found.end()


def _section_start(path: Path, data: U8, at: int, mark: bytes) -> int:
    there = data[at : at + 200].tobytes()
    if not there.lstrip().startswith(mark):
        raise NgramError(
            f"model file {str(path)!r}, byte {at}: expected {mark.decode()}, found {there.lstrip()[:40]!r}"
        )
    line_end = there.find(b"\n", there.find(mark))
    return at + (line_end + 1 if line_end >= 0 else len(there))


def _section(
    path: Path, data: U8, at: int, n: int, count: int
) -> tuple[Entries, npt.NDArray[np.uint64], npt.NDArray[np.int64], int]:
    left = (len(data) - at) // (2 * n + 2)
    if count > left:
        raise NgramError(f"model file {str(path)!r} says {count} {n}-grams and has room for {left}: it is truncated")
    keys, suffixes = np.empty(count, np.uint64), np.zeros(count, np.uint64)
    values, places = np.empty((count, 2), np.float32), np.empty((count, 2), np.int64)
    end = read_entries(data, at, len(data) - 8, n, WHOLE_KEY, places, keys, suffixes, values)
    if end < 0:
        line = data[-1 - end :][:60].tobytes().split(b"\n")[0]
        raise NgramError(f"model file {str(path)!r}, byte {-1 - end}: {line!r} is not an entry of {n} words")
    return Entries(keys, values), suffixes, places, end


def _specials(
    data: U8, places: npt.NDArray[np.int64], entries: Entries, missing: list[tuple[float, float]]
) -> list[tuple[float, float]]:
    found = list(missing)
    for i in np.flatnonzero(places[:, 1] - places[:, 0] <= max(len(s) for s in SPECIALS)):
        word = data[places[i, 0] : places[i, 1]].tobytes()
        if word in SPECIALS:
            found[SPECIALS.index(word)] = (float(entries.values[i, 0]), float(entries.values[i, 1]))
    return found


def _closed(path: Path, table: Table, suffixes: npt.NDArray[np.uint64], n: int) -> None:
    missing = count_missing(table.slots, table.shift, suffixes)
    if missing:
        raise NgramError(
            f"model file {str(path)!r}: {missing} {n}-grams end with an n-gram that the model lacks (as SRILM's pruning "
            "leaves them); such models are not read. Prune with lmplz, or train with: winnow train perplexity"
        )


def hash_of(word: bytes) -> np.uint64:
    """The hash that kernels know a word by."""
    hashes = np.empty(1, np.uint64)
    word_hashes(np.array([*word, *bytes(9)], np.uint8), np.array([len(word)]), hashes)
    return np.uint64(hashes[0])
