"""What kernels are made of: indices that count from the start, and 64 bytes compared at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from scorers.kernels.jit import copy_lower, equal_bytes, leaf, not_ascii, set_bits, store64, whitespace, word_bytes


@leaf
def last_two(array: Any, table: Any, n: int) -> tuple[int, int]:
    return array[-1] + table[n - 2, -1], array[n - 1] + table[n - 2, n - 1]


@leaf
def places(data: Any, i: int, byte: int) -> Any:
    return equal_bytes(data, i, byte)


@leaf
def write(data: Any, i: int, value: Any) -> None:
    store64(data, i, value)


@leaf
def classes(data: Any, i: int) -> tuple[Any, Any, Any]:
    return whitespace(data, i), not_ascii(data, i), word_bytes(data, i)


@leaf
def lowered(data: Any, i: int, out: Any, o: int) -> None:
    copy_lower(data, i, out, o)


@leaf
def counted(value: Any) -> Any:
    return set_bits(value)


def bits(flags: list[bool]) -> int:
    return sum(1 << k for k, flag in enumerate(flags) if flag)


def test_a_constant_negative_index_still_counts_from_the_end() -> None:
    assert last_two(np.array([1, 2, 5]), np.array([[1, 2, 3], [4, 5, 60]]), 3) == (65, 65)


def test_equal_bytes_marks_each_of_64_bytes_that_equals() -> None:
    data = np.zeros(70, np.uint8)
    data[[2, 3, 10, 65, 66]] = 0xC2
    assert places(data, 2, 0xC2) == 1 | 1 << 1 | 1 << 8 | 1 << 63


def test_equal_bytes_finds_nothing_where_nothing_equals() -> None:
    assert places(np.arange(64, dtype=np.uint8), 0, 64) == 0


def test_store64_writes_eight_bytes_at_any_place() -> None:
    data = np.full(12, 9, np.uint8)
    write(data, 3, np.uint64(0x0807060504030201))
    assert data.tolist() == [9, 9, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9]


@pytest.mark.parametrize("first", range(0, 256, 37))
def test_classes_of_64_bytes_are_those_of_python(first: int) -> None:
    data = np.arange(first - 3, first + 70, dtype=np.int64).astype(np.uint8)
    block = [chr(c) if c < 0x80 else None for c in data[3:67].tolist()]
    assert classes(data, 3) == (
        bits([c is not None and c.isspace() for c in block]),
        bits([c is None for c in block]),
        bits([c is None or c.isalnum() for c in block]),
    )


@pytest.mark.parametrize("first", range(0, 256, 37))
def test_copy_lower_writes_64_bytes_and_lowers_ascii_capitals_alone(first: int) -> None:
    data = np.arange(first - 3, first + 70, dtype=np.int64).astype(np.uint8)
    out = np.full(70, 7, np.uint8)
    lowered(data, 3, out, 5)
    assert out.tobytes() == b"\x07" * 5 + data[3:67].tobytes().lower() + b"\x07"


@pytest.mark.parametrize("value", [0, 1, 2**63, 2**64 - 1, 0xF0F0_0001_8000_0003])
def test_set_bits_counts_them(value: int) -> None:
    assert counted(np.uint64(value)) == value.bit_count()
