"""Headers of Parquet's pages, in Thrift's compact protocol: where the pages of a column chunk lie, and a page that stands in
for others. Source: parquet.thrift, apache/parquet-format 2.10."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

HEADER_BYTES = 1 << 13
"""Read to see a header: what it says of the least and largest value may be long."""
DICTIONARY, DATA_V2 = 2, 3
DICTIONARY_CODED = (2, 8)
MOST_BYTES = 1 << 30
"""Of a page: sizes are 32-bit numbers."""

TRUE, FALSE, BYTE, I64, BINARY, STRUCT = 1, 2, 3, 6, 8, 12


@dataclass(frozen=True, slots=True)
class Page:
    """start: byte of the file; bytes: with its header; rows: 0 for a dictionary; coded: needs the dictionary."""

    start: int
    bytes: int
    rows: int
    dictionary: bool
    coded: bool


def pages(file: int, start: int, size: int) -> Iterator[Page]:
    """The pages of a column chunk without repeated values, in order. file: a descriptor. ValueError where they cannot be told."""
    at = start
    while at < start + size:
        try:
            said, header_bytes = _struct(os.pread(file, HEADER_BYTES, at), 0)
            of_kind = said[{0: 5, DICTIONARY: 7, DATA_V2: 8}[said[1]]]
            rows, coding = of_kind[1], of_kind[4 if said[1] == DATA_V2 else 2]
            page_bytes = header_bytes + said[3]
        except (LookupError, TypeError, RecursionError) as error:
            raise ValueError(f"no page header at byte {at}") from error
        if page_bytes < header_bytes or rows < 0:
            raise ValueError(f"the page at byte {at} says {said[3]} bytes and {rows} values")
        dictionary = said[1] == DICTIONARY
        yield Page(at, page_bytes, 0 if dictionary else rows, dictionary, not dictionary and coding in DICTIONARY_CODED)
        at += page_bytes
    if at != start + size:
        raise ValueError(f"pages end at byte {at}, not at {start + size}")


def _struct(data: bytes, at: int) -> tuple[dict[int, Any], int]:
    """Fields by number, of the kinds that page headers have; where the struct ends."""
    found: dict[int, Any] = {}
    number = 0
    while (head := data[at]) != 0:
        at, kind = at + 1, head & 15
        if head >> 4:
            number += head >> 4
        else:
            number, at = _zigzag(data, at)
        if kind in (TRUE, FALSE):
            found[number] = kind == TRUE
        elif kind == STRUCT:
            found[number], at = _struct(data, at)
        elif kind == BINARY:
            length, at = _varint(data, at)
            at += length
        elif BYTE < kind <= I64:
            found[number], at = _zigzag(data, at)
        else:
            raise LookupError(f"field {number} of kind {kind}")
    return found, at + 1


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while (byte := data[at]) > 127:
        value, shift, at = value | (byte & 127) << shift, shift + 7, at + 1
    return value | byte << shift, at + 1


def _zigzag(data: bytes, at: int) -> tuple[int, int]:
    value, at = _varint(data, at)
    return (value >> 1) ^ -(value & 1), at


def null_page(rows: int, page_bytes: int) -> bytes:
    """The beginning of a page of so many nulls of an optional column, which ends after page_bytes, whatever follows. ValueError
    where these are too few."""
    levels = _five(2 * rows) + b"\0"  # one run of the level "null"
    of_v2 = (rows, rows, rows, 0, len(levels), 0)  # values, nulls, rows; plain; bytes of levels; of repetitions
    made = _page(0, of_v2)
    body = page_bytes - len(made)
    if body < len(levels) or body >= MOST_BYTES:
        raise ValueError(f"{page_bytes} bytes do not hold one page")
    return _page(body, of_v2) + levels


def _page(body: int, of_v2: tuple[int, ...]) -> bytes:
    """A header of the same length whatever it says."""
    inner = b"".join(_field(n) for n in of_v2)
    not_compressed = bytes([1 << 4 | FALSE])
    return b"".join(
        [_field(DATA_V2), _field(body), _field(body), bytes([5 << 4 | STRUCT]), inner, not_compressed, b"\0\0"]
    )


def _field(value: int) -> bytes:
    """The next field, an i32."""
    return b"\x15" + _five(2 * value)


def _five(value: int) -> bytes:
    """A number below 2^35 in five bytes, seven bits each."""
    return bytes([*(value >> shift & 127 | 128 for shift in (0, 7, 14, 21)), value >> 28])
