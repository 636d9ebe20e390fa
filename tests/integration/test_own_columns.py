"""The input's own columns: in the output under a name of their own, with the values they had."""

from __future__ import annotations

import io
import uuid
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import winnow

RECIPE = {"name": "all", "score": ["exact"]}
TEXTS = ["one text", "another text", "a third text"]


def exported(folder: Path, files: dict[str, pa.Table | str | bytes], **recipe: Any) -> pa.Table:
    """What comes out of these files, in their order."""
    (folder / "in").mkdir()
    for name, held in files.items():
        if isinstance(held, str):
            (folder / "in" / name).write_text(held)
        elif isinstance(held, bytes):
            (folder / "in" / name).write_bytes(held)
        else:
            pq.write_table(held, folder / "in" / name)
    winnow.run(
        RECIPE | recipe, [str(folder / "in")], workspace=str(folder / "ws"), output=str(folder / "out"),
        executor="local", workers=1,
    )  # fmt: skip
    (made,) = (folder / "out" / "data").iterdir()
    return pq.ParquetFile(made).read()


OWN: dict[str, tuple[dict[str, Any], str]] = {
    "a name that is ours, whose other name is there, too": (
        {"content": TEXTS, "text": [1, 2, 3], "source_text": ["x", "y", "z"]}, "source_source_text"),
    "an id that is none": ({"text": TEXTS, "id": [{"oid": 1}, {"oid": 2}, {"oid": 3}]}, "source_id"),
    "an address that is none": ({"text": TEXTS, "url": [["u"]] * 3, "meta": [{"url": "http://a"}] * 3}, "source_url"),
    "no name": ({"text": TEXTS, "": [1, 2, 3]}, ""),
    "a name that holds that of the text": ({"text.x": [1, 2, 3], "text": TEXTS}, "text.x"),
    "an address that is nowhere": ({"text": TEXTS, "url": pa.nulls(3, pa.string())}, "url"),
}  # fmt: skip


@pytest.mark.parametrize("what", OWN)
def test_a_column_whose_name_is_taken_comes_out_under_another(what: str, tmp_path: Path) -> None:
    columns, name = OWN[what]
    table = pa.table(columns)
    made = exported(tmp_path, {"a.parquet": table}, input={"text": "content" if "content" in columns else "text"})
    before = name.removeprefix("source_").removeprefix("source_")
    assert made.column(name).combine_chunks() == table.column(before).combine_chunks()
    assert made.column("text").to_pylist() == TEXTS
    assert len(set(made.column_names)) == len(made.column_names)
    if "source_text" in columns:
        assert made.column("source_text").to_pylist() == ["x", "y", "z"]


def test_a_column_that_is_the_text_of_another_file_stays(tmp_path: Path) -> None:
    first = pa.table({"text": TEXTS, "content": ["r", "s", "t"], "doc_id": ["a", "b", "c"]})
    second = pa.table({"content": ["fourth text"], "id": ["d"], "doc_id": [4]})
    made = exported(tmp_path, {"a.parquet": first, "b.parquet": second})
    assert made.column("text").to_pylist() == [*TEXTS, "fourth text"]
    assert made.column("content").to_pylist() == ["r", "s", "t", None]
    assert made.column("id").to_pylist() == ["a", "b", "c", "d"]
    assert made.column("doc_id").to_pylist() == [None, None, None, 4]


def test_two_columns_of_one_name_come_out_both(tmp_path: Path) -> None:
    table = pa.table([pa.array(TEXTS), pa.array([1, 2, 3]), pa.array([4, 5, 6])], names=["text", "x", "x"])
    made = exported(tmp_path, {"a.parquet": table})
    assert (made.column("x").to_pylist(), made.column("source_x").to_pylist()) == ([1, 2, 3], [4, 5, 6])


def test_views_come_out_where_some_rows_stay(tmp_path: Path) -> None:
    texts = pa.array([*TEXTS, TEXTS[0]], pa.string_view())
    values = [[f"a value longer than twelve bytes {i}", None] for i in range(4)]
    table = pa.table({"text": texts, "v": texts, "l": pa.array(values, pa.list_(pa.string_view())),
                      "s": pa.array([{"b": b"\xff"}] * 4, pa.struct([("b", pa.binary_view())]))})  # fmt: skip
    made = exported(tmp_path, {"a.parquet": table}, dedup={"exact": "raw"})
    assert made.column("text").to_pylist() == made.column("v").to_pylist() == TEXTS
    assert made.column("l").to_pylist() == values[:3]
    assert made.column("s").to_pylist() == [{"b": b"\xff"}] * 3


def test_columns_whose_types_differ_between_files(tmp_path: Path) -> None:
    first = pa.table({"text": TEXTS, "n": [2**53 + 1, 0, -1], "u": [-1, 0, 1], "b": [b"\xff", b"", None]})
    second = pa.table({"text": ["fourth text"], "n": [0.5], "u": pa.array([2**64 - 1], pa.uint64()), "b": ["ü"]})
    made = exported(tmp_path, {"a.parquet": first, "b.parquet": second})
    assert made.column("n").to_pylist() == [float(2**53), 0.0, -1.0, 0.5]
    assert made.column("u").to_pylist() == ["-1", "0", "1", "18446744073709551615"]
    assert made.column("b").to_pylist() == [b"\xff", b"", None, "ü".encode()]


def test_a_struct_of_metadata_beside_fields_of_json_lines(tmp_path: Path) -> None:
    table = pa.table({"text": TEXTS, "metadata": [{"a": 1}] * 3})
    made = exported(tmp_path, {"a.parquet": table, "b.jsonl": '{"text": "fourth text", "k": 1}\n'})
    assert made.column("metadata").to_pylist() == [*['{"a": 1}'] * 3, '{"k":1}']


def test_uuids_beside_text_are_written_as_people_write_them(tmp_path: Path) -> None:
    ids = [uuid.UUID(int=i) for i in range(3)]
    first = pa.table({"text": TEXTS, "id": pa.array([i.bytes for i in ids], pa.uuid())})
    first = first.append_column("of", first["id"])
    made = exported(tmp_path, {"a.parquet": first, "b.parquet": pa.table({"text": ["fourth text"], "of": ["b"]})})
    assert made["id"].to_pylist()[:3] == [str(i) for i in ids]
    assert made["of"].to_pylist() == [*(str(i) for i in ids), "b"]


MICROSECOND = pa.timestamp("us", "UTC")
TIMES: dict[str, tuple[list[int | None], dict[str, Any], pa.DataType]] = {
    "fits": ([1_700_000_000_000_000, None, -1], {}, pa.timestamp("ns", "UTC")),
    "nothing there": ([None, None, None], {}, pa.timestamp("ns", "UTC")),
    "beyond 2262": ([0, 1, 10**16], {}, pa.string()),
    "before 1677": ([0, 1, -(10**16)], {}, pa.string()),
    "no statistics": ([0, 1, 2], {"write_statistics": False}, pa.string()),
}


@pytest.mark.parametrize("what", TIMES)
def test_times_of_two_units_are_one_type_where_every_value_has_a_place(what: str, tmp_path: Path) -> None:
    values, options, expected = TIMES[what]
    coarse = io.BytesIO()
    pq.write_table(pa.table({"text": TEXTS, "at": pa.array(values, MICROSECOND)}), coarse, row_group_size=2, **options)
    fine = pa.table({"text": ["fourth text"], "at": pa.array([17 * 10**17 + 1], pa.timestamp("ns", "UTC"))})
    made = exported(tmp_path, {"a.parquet": fine, "b.parquet": coarse.getvalue()})
    assert made["at"].type == expected
    if expected != pa.string():
        found = made["at"].cast(pa.int64()).to_pylist()
        assert found == [17 * 10**17 + 1, *(None if v is None else v * 1_000 for v in values)]
