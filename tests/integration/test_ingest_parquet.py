"""Parquet input: registered in place, every row checked, every odd form of it met."""

from __future__ import annotations

import datetime
import gc
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import IntegrityError, PlanError, UnitFailed
from pipeline.sources import account, parquet, part
from pipeline.sources.columns import source_schema
from pipeline.sources.pages import ReadInterrupted
from tests.taking_in import take_in, write_docs


def test_parquet_stays_where_it_is_and_its_rows_get_ids(tmp_path: Path) -> None:
    file = write_docs(tmp_path / "in" / "a.parquet", ["one", "", "drei ü"])
    taken = take_in(tmp_path / "ws", tmp_path / "in")
    assert taken.texts() == ["one", "", "drei ü"]
    assert [r["doc_id"] for r in taken.ids()] == ["d0", "d1", "d2"]
    assert [r["text_bytes"] for r in taken.ids()] == [3, 0, 7]
    assert [r["file_row"] for r in taken.ids()] == [0, 1, 2]
    assert {r["file_path"] for r in taken.ids()} == {"a.parquet"}
    assert taken.text.counts == {"documents": 3, "quarantined": 0}
    assert taken.text.shards[0].texts[0].path == str(file)
    assert taken.text.shards[0].text_bytes == 10


def test_ids_are_made_from_file_name_and_row_and_do_not_depend_on_where_the_input_lies(tmp_path: Path) -> None:
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        pq.write_table(pa.table({"content": ["a", "b", "c"]}), tmp_path / folder / "f.parquet", row_group_size=1)
    here, there = (take_in(tmp_path / f"ws-{f}", tmp_path / f).ids() for f in ("x", "y"))
    assert [r["doc_id"] for r in here] == [r["doc_id"] for r in there]
    assert len({r["doc_id"] for r in here}) == 3
    assert [r["doc_id"].rsplit("-")[-1] for r in here] == ["0", "1", "2"]


def test_a_large_file_becomes_units_of_row_groups(tmp_path: Path) -> None:
    texts = [f"{i:06d}" * 500 for i in range(6_000)]
    write_docs(tmp_path / "a.parquet", texts, row_group_size=500, use_dictionary=False)
    taken = take_in(tmp_path / "ws", tmp_path / "a.parquet")
    assert len(taken.stage.units()) == 3
    assert [s.texts[0].first for s in taken.text.shards] == [0, 5, 10]
    assert taken.texts() == texts
    assert [r["file_row"] for r in taken.ids()] == list(range(6_000))


TEXT_TYPES = {
    "string": pa.string(),
    "large_string": pa.large_string(),
    "string_view": pa.string_view(),
    "binary": pa.binary(),
    "large_binary": pa.large_binary(),
    "binary_view": pa.binary_view(),
    "dictionary": pa.dictionary(pa.int32(), pa.string()),
    "dictionary_of_large": pa.dictionary(pa.int16(), pa.large_string()),
}


@pytest.mark.parametrize("name", TEXT_TYPES)
def test_text_may_be_of_any_string_like_type(tmp_path: Path, name: str) -> None:
    texts = ["ü", "", "b", "ü", None]
    values = pa.array([None if t is None else t.encode() for t in texts], pa.binary())
    of_type = TEXT_TYPES[name]
    binary = name.endswith(("binary", "binary_view"))
    column = values.cast(of_type) if binary else pa.array(texts, pa.string()).cast(of_type)
    pq.write_table(pa.table({"text": column}), tmp_path / "a.parquet")
    taken = take_in(tmp_path / "ws", tmp_path)
    assert taken.texts() == texts
    assert taken.reasons() == {"null_text": 1}


ID_VALUES: dict[str, tuple[pa.Array, list[str]]] = {
    "int64": (pa.array([7, -1]), ["7", "-1"]),
    "float": (pa.array([0.5, 2.0]), ["0.5", "2"]),
    "bool": (pa.array([True, False]), ["true", "false"]),
    "uuid_bytes": (pa.array([b"\x00" * 16, b"\xff" * 16], pa.binary(16)), ["00" * 16, "ff" * 16]),
    "uuid": (pa.array([b"\x00" * 16, b"\xff" * 16], pa.uuid()), [str(uuid.UUID(int=i)) for i in (0, 2**128 - 1)]),
    "date": (pa.array([datetime.date(2020, 1, 2), datetime.date(1, 1, 1)]), ["2020-01-02", "0001-01-01"]),
    "dictionary": (pa.array(["x", "y"]).dictionary_encode(), ["x", "y"]),
    "path_like": (pa.array(["../../x", "/etc/passwd"]), ["../../x", "/etc/passwd"]),
    "not_ascii": (pa.array(["日本", "é"]), ["日本", "é"]),
    "bad_utf8": (pa.array([b"a\xff", b"b"]), ["a\\xff", "b"]),
    "one_kb": (pa.array(["k" * 1_000, "b"]), ["k" * 1_000, "b"]),
}


@pytest.mark.parametrize("name", ID_VALUES)
def test_ids_of_any_scalar_type_become_strings(tmp_path: Path, name: str) -> None:
    values, expected = ID_VALUES[name]
    pq.write_table(pa.table({"uuid": values, "text": ["a", "b"]}), tmp_path / "a.parquet")
    assert [r["doc_id"] for r in take_in(tmp_path / "ws", tmp_path).ids()] == expected


def test_null_duplicate_and_long_ids_are_documents_with_a_warning(tmp_path: Path) -> None:
    ids = ["same", "same", None, "", "L" * 10_000, "other"]
    pq.write_table(pa.table({"id": ids, "text": list("abcdef")}), tmp_path / "a.parquet")
    taken = take_in(tmp_path / "ws", tmp_path)
    found = [r["doc_id"] for r in taken.ids()]
    assert found[:2] == ["same", "same"]
    assert found[2].endswith("-2")
    assert found[3].endswith("-3")
    assert len(found[4]) == 32
    assert taken.text.counts["documents"] == 6
    missing, long, doubled = taken.text.details["warnings"]
    assert missing.startswith("2 rows have no id")
    assert long.startswith("1 ids are longer than 1000 bytes")
    assert doubled.startswith("1 ids are there more than once, such as 'same'")


def test_duplicate_ids_across_files_are_found(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_docs(tmp_path / f"{name}.parquet", ["x", "y"])
    taken = take_in(tmp_path / "ws", tmp_path)
    assert taken.text.details["warnings"] == [
        "2 ids are there more than once, such as 'd0', 'd1': all are documents of their own"
    ]


def test_row_faults_are_told_apart(tmp_path: Path) -> None:
    texts = [b"good", None, b"\xff\xfe", b"x" * 101, b"\xed\xa0\x80 lone surrogate", b"nul \x00 is fine", b"y" * 100]
    pq.write_table(pa.table({"text": pa.array(texts, pa.binary())}), tmp_path / "a.parquet")
    taken = take_in(tmp_path / "ws", tmp_path, max_doc_bytes=100)
    assert [r["quarantine"] for r in taken.ids()] == [None, "null_text", "not_utf8", "too_long", "not_utf8", None, None]
    assert taken.text.counts == {"documents": 3, "quarantined": 4}
    assert taken.texts() == ["good", None, None, None, None, "nul \0 is fine", "y" * 100]


def test_invalid_utf8_in_a_string_column_is_quarantined(tmp_path: Path) -> None:
    raw = pa.array([b"ok", b"a\xffb", b"ok too"], pa.binary())
    text = pa.Array.from_buffers(pa.string(), 3, raw.buffers())
    pq.write_table(pa.table({"text": text}), tmp_path / "a.parquet")
    taken = take_in(tmp_path / "ws", tmp_path)
    assert taken.texts() == ["ok", None, "ok too"]
    assert taken.ids()[1]["quarantine_detail"] == "byte 1 of the text: invalid start byte"


def test_provenance_comes_from_columns_then_metadata_then_the_path(tmp_path: Path) -> None:
    folder = tmp_path / "dump=CC-2024%2010" / "shard=7"
    folder.mkdir(parents=True)
    moment = pa.array([datetime.datetime(2024, 5, 6, 7, 8, tzinfo=datetime.UTC)], pa.timestamp("s", "UTC"))
    meta = pa.array([{"url": "http://m", "license": "MIT", "source": "inner", "views": 3}])
    table = pa.table({"text": ["x"], "source": ["outer"], "metadata": meta, "date": moment})
    pq.write_table(table, folder / "a.parquet")
    row = take_in(tmp_path / "ws", tmp_path).ids()[0]
    assert (row["url"], row["license"], row["source"]) == ("http://m", "MIT", "outer")
    assert row["dump"] == "CC-2024 10"
    assert row["date"] == "2024-05-06T07:08:00.000Z"
    assert row["file_path"] == "dump=CC-2024%2010/shard=7/a.parquet"


def test_files_without_text_are_quarantined_unless_all_are(tmp_path: Path) -> None:
    write_docs(tmp_path / "a.parquet", ["x"])
    pq.write_table(pa.table({"texts": ["x"], "n": [1]}), tmp_path / "b.parquet")
    pq.write_table(pa.table({"text": pa.array([["x"]])}), tmp_path / "c.parquet")
    taken = take_in(tmp_path / "ws", tmp_path)
    assert taken.bad_files() == {"b.parquet": "no_text_column", "c.parquet": "no_text_column"}
    assert taken.text.counts == {"documents": 1, "quarantined": 0}
    with pytest.raises(PlanError, match=r"no file has a text column.*b\.parquet.*texts \(string\), n \(int64\)"):
        take_in(tmp_path / "ws", tmp_path / "b.parquet")


def test_a_misspelt_text_column_is_an_error_with_the_near_name(tmp_path: Path) -> None:
    write_docs(tmp_path / "a.parquet", ["x"])
    with pytest.raises(
        PlanError, match=r"no file has a column 'txet'; there are id \(string\), text \(string\)\. Did you"
    ):
        take_in(tmp_path / "ws", tmp_path, text="txet")
    with pytest.raises(PlanError, match=r"input\.id: no file has a column 'ids'"):
        take_in(tmp_path / "ws", tmp_path, id="ids")


def test_each_file_may_name_its_text_differently(tmp_path: Path) -> None:
    pq.write_table(pa.table({"content": ["a"], "text": [1]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"raw_content": ["b"]}), tmp_path / "b.parquet")
    taken = take_in(tmp_path / "ws", tmp_path)
    assert taken.texts() == ["a", "b"]
    assert [s.column for s in taken.text.shards] == ["content", "raw_content"]


def test_columns_beside_the_text_unite_all_files(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["a"], "n": pa.array([1], pa.int32()), "k": [1]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"text": ["b"], "k": ["x"], "n": [2], "extra": [0.5]}), tmp_path / "b.parquet")
    text = take_in(tmp_path / "ws", tmp_path).text
    assert text.details["source_columns"] == [["n", "int64"], ["k", "string"], ["extra", "double"]]
    assert source_schema(text.details).field("n").type == pa.int64()
    assert text.details["warnings"] == ["column 'k' is int64 and string in different files: written as string"]


def test_a_file_that_changed_meanwhile_fails_its_unit(tmp_path: Path) -> None:
    write_docs(tmp_path / "in" / "a.parquet", ["x"])
    stage = take_in(tmp_path / "ws", tmp_path / "in").stage
    write_docs(tmp_path / "in" / "a.parquet", ["x", "y"])
    with pytest.raises(IntegrityError, match="changed while the job ran"):
        stage.task()(stage.units()[0].payload)


def test_a_unit_whose_reader_died_is_quarantined_but_not_one_whose_storage_failed(tmp_path: Path) -> None:
    write_docs(tmp_path / "a.parquet", ["x", "y"])
    stage = take_in(tmp_path / "ws1", tmp_path / "a.parquet").stage
    other = stage.__class__(**{**stage.__dict__, "store": stage.store.__class__(str(tmp_path / "ws2"))})
    (unit,) = other.units()
    died = UnitFailed("its worker died (signal 9)")
    stalled = UnitFailed("storage")
    stalled.__cause__ = ReadInterrupted("timeout")
    assert other.lost(unit, stalled) is None
    record = other.lost(unit, died)
    assert record is not None
    assert record.counts == {"documents": 0, "quarantined": 2}
    assert other.finish([record]).details["quarantine_reasons"] == [
        {"reason": "reader_crashed", "rows": 2, "files": ["a.parquet"]}
    ]


@pytest.mark.parametrize("copy", [False, True])
def test_zero_rows_and_zero_row_groups_are_normal(tmp_path: Path, copy: bool) -> None:
    schema = pa.schema([("text", pa.string())])
    pq.write_table(schema.empty_table(), tmp_path / "zero_rows.parquet")
    pq.ParquetWriter(tmp_path / "zero_groups.parquet", schema).close()
    taken = take_in(tmp_path / "ws", tmp_path, copy=copy)
    assert taken.text.counts == {"documents": 0, "quarantined": 0}
    assert taken.text.shards == ()


def test_a_copy_survives_its_source(tmp_path: Path) -> None:
    texts = [f"text {i} " * 2_000 for i in range(1_500)]
    table = pa.table(
        {"id": list(range(1_500)), "text": texts, "n": pa.array([i % 100 for i in range(1_500)], pa.int8())}
    )
    (tmp_path / "in").mkdir()
    pq.write_table(table, tmp_path / "in" / "a.parquet", row_group_size=100)
    taken = take_in(tmp_path / "ws", tmp_path / "in", copy=True)
    (tmp_path / "in" / "a.parquet").unlink()
    assert taken.texts() == texts
    shard = taken.text.shards[0]
    copied: Any = pq.ParquetFile(taken.store.full(shard.texts[0].path))
    assert copied.schema_arrow.field("n").type == pa.int8()
    assert len(taken.text.shards) == 4


def test_real_corpus_comes_through_whole(tmp_path: Path, real_data: Path) -> None:
    taken = take_in(tmp_path / "ws", real_data / "corpus")
    assert taken.text.counts == {"documents": 33_960, "quarantined": 0}
    expected = [
        t for p in sorted((real_data / "corpus").glob("*.parquet")) for t in pq.read_table(p)["text"].to_pylist()
    ]
    assert taken.texts() == expected


def test_short_documents_are_cut_into_units_by_their_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part, "RUN_ROWS", 25)
    monkeypatch.setattr(parquet, "RUN_ROWS", 25)
    write_docs(tmp_path / "a.parquet", [""] * 100, row_group_size=10)
    taken = take_in(tmp_path / "ws", tmp_path / "a.parquet")
    assert [s.rows for s in taken.text.shards] == [20, 20, 20, 20, 20]
    assert [r["file_row"] for r in taken.ids()] == list(range(100))


def test_ids_that_differ_in_one_byte_anywhere_or_in_length_are_not_taken_for_one() -> None:
    same_start = [f"{'x' * n}{end}" for n in range(30) for end in ("", "a", "b", "\0", "é")]
    ids = pa.array(sorted({*same_start, *(f"{n}-{'y' * 20}" for n in range(5_000))}), pa.large_string())
    hashes = account.id_hashes(ids)
    assert len(np.unique(hashes)) == len(ids)
    assert account.id_hashes(ids.slice(7)).tolist() == hashes[7:].tolist(), "wherever they lie"


def test_no_footer_is_held_when_its_file_has_been_read(tmp_path: Path) -> None:
    """A footer may have hundreds of MB, an input thousands of files."""
    write_docs(tmp_path / "a.parquet", ["x", "y"], row_group_size=1)
    gc.collect()
    gc.disable()
    try:
        before = _footers()
        take_in(tmp_path / "ws", tmp_path / "a.parquet")
        assert _footers() == before
    finally:
        gc.enable()


def _footers() -> int:
    return sum(isinstance(o, pq.FileMetaData | pq.ParquetFile) for o in gc.get_objects())
