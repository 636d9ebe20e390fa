"""Text files: each is one document, and many of them share a part."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import xxhash

from pipeline.errors import UnitFailed
from pipeline.sources import surviving
from tests.taking_in import take_in


def test_each_file_is_a_document_named_by_its_path(tmp_path: Path) -> None:
    files = {
        "a.txt": b"one\n",
        "deep/b.md": "\ufeffzwei ü".encode(),
        "deep/c.txt": b"",
        "d.txt.gz": gzip.compress(b"four"),
    }
    (tmp_path / "in" / "deep").mkdir(parents=True)
    for name, content in files.items():
        (tmp_path / "in" / name).write_bytes(content)
    taken = take_in(tmp_path / "ws", tmp_path / "in")
    assert [r["file_path"] for r in taken.ids()] == ["a.txt", "d.txt.gz", "deep/b.md", "deep/c.txt"]
    assert taken.texts() == ["one\n", "four", "zwei ü", ""]
    assert taken.ids()[0]["doc_id"] == f"{xxhash.xxh3_64_hexdigest(b'a.txt')}-0"
    assert len(taken.text.parts) == 1


def test_faults_are_rows(tmp_path: Path) -> None:
    packed = gzip.compress(b"g" * 5_000, 0)
    for name, content in {
        "latin.txt": b"caf\xe9", "long.txt": b"x" * 1_001, "utf16.txt": "hi".encode("utf-16"),
        "cut.txt.gz": packed[:-100], "bomb.txt.gz": gzip.compress(b"0" * 9_000_000), "ok.txt": b"y" * 1_000,
    }.items():  # fmt: skip
        (tmp_path / name).write_bytes(content)
    taken = take_in(tmp_path / "ws", tmp_path, max_doc_bytes=1_000)
    assert {r["file_path"]: r["quarantine"] for r in taken.ids()} == {
        "latin.txt": "not_utf8", "long.txt": "too_long", "utf16.txt": "not_utf8", "cut.txt.gz": "too_long",
        "bomb.txt.gz": "too_long", "ok.txt": None,
    }  # fmt: skip


def test_a_truncated_file_is_no_document(tmp_path: Path) -> None:
    (tmp_path / "cut.txt.gz").write_bytes(gzip.compress(b"some text " * 50)[:-4])
    (tmp_path / "ok.txt").write_bytes(b"fine")
    taken = take_in(tmp_path / "ws", tmp_path)
    assert taken.texts() == [None, "fine"]
    assert taken.reasons() == {"truncated_stream": 1}


def test_many_files_share_units_and_a_new_one_regroups_those_around_it_alone(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for i in range(9_000):
        (tmp_path / "in" / f"{i:05d}.txt").write_bytes(b"%d" % i)
    taken = take_in(tmp_path / "ws", tmp_path / "in")
    assert taken.texts() == [str(i) for i in range(9_000)]
    files = [p.rows for p in taken.text.parts]
    assert max(files) <= 512
    assert min(files[:-1]) >= 256
    (tmp_path / "in" / "00000a.txt").write_bytes(b"new")
    again = take_in(tmp_path / "ws", tmp_path / "in")
    assert again.text.rows == 9_001
    assert {p.key for p in again.text.parts} >= {p.key for p in taken.text.parts[1:]}


def test_a_unit_whose_reader_died_has_a_row_per_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_bytes(b"x")
    stage = take_in(tmp_path / "ws", tmp_path).stage
    other = stage.__class__(**{**stage.__dict__, "store": stage.store.__class__(str(tmp_path / "ws2"))})
    monkeypatch.setattr(surviving, "_survives", lambda unit: False)
    record = other.lost(other.units()[0], UnitFailed("its worker died"))
    assert record is not None
    assert record.counts == {"documents": 0, "quarantined": 2}


def test_hive_folders_are_provenance(tmp_path: Path) -> None:
    folder = tmp_path / "source=books"
    folder.mkdir()
    (folder / "a.txt").write_bytes(b"x")
    assert take_in(tmp_path / "ws", tmp_path).ids()[0]["source"] == "books"
