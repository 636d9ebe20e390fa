"""Few rows of a large row group: pages that hold none of them are passed over, whoever wrote the file and however."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.storage.few_rows import with_rows
from pipeline.storage.page_headers import pages
from pipeline.storage.parquet import open_parquet

WRITTEN: list[dict[str, Any]] = [
    {},
    {"use_dictionary": False, "compression": "none"},
    {"compression": "zstd", "dictionary_pagesize_limit": 3_000},
    {"compression": "gzip", "data_page_version": "2.0", "write_page_checksum": True},
    {"compression": "zstd", "write_page_checksum": True, "write_statistics": False},
    {"use_dictionary": ["number"], "column_encoding": {"text": "DELTA_BYTE_ARRAY"}},
]


def texts(rows: int) -> list[str | None]:
    made = np.random.default_rng(7)
    said = [f"document {n} says {made.integers(1 << 40)} and more " * (n % 7) for n in range(rows)]
    return [None if n % 11 == 5 else text for n, text in enumerate(said)]


def file_of(path: Path, rows: int = 4_000, **options: Any) -> pa.Table:
    table = pa.table({"number": pa.array(range(rows)), "text": pa.array(texts(rows)), "after": pa.array(["x"] * rows)})
    pq.write_table(table, path, row_group_size=rows // 2, data_page_size=2_000, write_batch_size=50, **options)
    return table


def read(path: Path, group: int, rows: list[int]) -> pa.ChunkedArray:
    opened = open_parquet(str(path))
    found = with_rows(str(path), opened, group, "text", np.array(rows, np.int64))
    assert found is not opened, "some pages are passed over"
    return found.read_row_group(group, columns=["text"]).column("text")


@pytest.mark.parametrize("options", WRITTEN, ids=str)
@pytest.mark.parametrize("rows", [[0], [1_999], [3, 55, 56, 700], [49, 50]], ids=str)
@pytest.mark.parametrize("group", [0, 1])
def test_the_rows_that_are_asked_for_are_those_of_the_file(
    tmp_path: Path, options: dict[str, Any], rows: list[int], group: int
) -> None:
    table = file_of(tmp_path / "a.parquet", **options)
    found = read(tmp_path / "a.parquet", group, rows)
    assert len(found) == 2_000
    assert found.take(rows).to_pylist() == table.column("text").slice(2_000 * group).take(rows).to_pylist()
    assert found.null_count > 400, "what was not asked for was not decoded"


def test_a_page_that_is_wanted_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    file_of(path, compression="none", use_dictionary=False, write_page_checksum=True)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"document 1500 says", b"document 1501 says"))
    assert read(path, 0, [0])[0].as_py() == ""
    with pytest.raises(OSError, match="CRC"):
        read(path, 0, [1_500])


@pytest.mark.parametrize(
    "column",
    [
        pa.array([["a", "b"]] * 2_000),
        pa.array([{"of": "a text"}] * 2_000),
        pa.array(range(2_000)),
    ],
    ids=["list", "struct", "numbers"],
)
def test_what_is_no_plain_column_of_strings_is_read_as_ever(tmp_path: Path, column: pa.Array) -> None:
    pq.write_table(pa.table({"text": column}), tmp_path / "a.parquet", data_page_size=500, write_batch_size=50)
    opened = open_parquet(str(tmp_path / "a.parquet"))
    assert with_rows(str(tmp_path / "a.parquet"), opened, 0, "text", np.array([3])) is opened


def test_strings_that_cannot_be_null_are_read_as_ever(tmp_path: Path) -> None:
    schema = pa.schema([pa.field("text", pa.string(), nullable=False)])
    pq.write_table(pa.table([pa.array(["a text"] * 2_000)], schema=schema), tmp_path / "a.parquet", data_page_size=500)
    opened = open_parquet(str(tmp_path / "a.parquet"))
    assert with_rows(str(tmp_path / "a.parquet"), opened, 0, "text", np.array([3])) is opened


def test_where_all_pages_are_wanted_the_file_is_read_as_ever(tmp_path: Path) -> None:
    file_of(tmp_path / "a.parquet")
    opened = open_parquet(str(tmp_path / "a.parquet"))
    assert with_rows(str(tmp_path / "a.parquet"), opened, 0, "text", np.arange(2_000)) is opened


@pytest.mark.parametrize("said_bytes", [-40, -1, 0x7FFFFFFF])
def test_a_header_that_says_an_impossible_size_is_no_page(tmp_path: Path, said_bytes: int) -> None:
    header = b"\x15\x00" + b"\x15\x10" + b"\x15" + _zigzag(said_bytes) + b"\x2c\x15\x10\x15\x00\x15\x06\x15\x06\x00\x00"
    path = tmp_path / "page"
    path.write_bytes(header * 4)
    with path.open("rb") as file, pytest.raises(ValueError, match=r"says|end at byte"):
        list(pages(file.fileno(), 0, 4 * len(header)))


def _zigzag(value: int) -> bytes:
    left, made = (value << 1) ^ (value >> 31), []
    while left > 127:
        made.append(left & 127 | 128)
        left >>= 7
    return bytes([*made, left])
