"""Inputs of many small files: they share units, and nothing else may come of that."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import winnow
from pipeline.catalog.removed_cuts import document_bytes
from pipeline.errors import IntegrityError, UnitFailed
from pipeline.report.samples import texts_of
from pipeline.sources import grouping, surviving
from pipeline.sources import parquet as parquet_units
from pipeline.stages import ingest
from pipeline.storage.shard import BATCH_BYTES, Shard, read_ids, read_text, row_groups, usable_rows
from tests.integration.test_run import digests
from tests.taking_in import Taken, take_in

FILES = 120


@pytest.fixture(autouse=True)
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many files are many."""
    monkeypatch.setattr(ingest, "UNITS_PER_INPUT", FILES - 1)


def _line(n: int, **fields: Any) -> bytes:
    return json.dumps({"text": f"text {n} " * (n % 7), **fields}).encode() + b"\n"


def jsonl(folder: Path) -> None:
    """Files of a few lines, some with ids, some of their own provenance, some packed, some broken in all ways."""
    for i in range(FILES):
        where = folder / ("language=de" if i % 3 else "dump=x")
        where.mkdir(parents=True, exist_ok=True)
        more = {"id": f"own-{i}"} if i % 4 else {}
        lines = _line(i, **more) + _line(i + 1, **more, **({"language": "fr"} if i % 5 == 0 else {}))
        name, content = f"{i:04d}.jsonl", lines
        if i % 10 == 1:
            name, content = f"{i:04d}.jsonl.gz", gzip.compress(lines)
        elif i % 10 == 2:
            content = b"\xef\xbb\xbf" + lines.rstrip(b"\n")
        elif i % 30 == 13:
            content = b""
        elif i % 30 == 14:
            name, content = f"{i:04d}.jsonl.gz", gzip.compress(os.urandom(40) + lines * 200)[:-30]
        elif i % 30 == 15:
            content = b"no object\n" + lines + b'{"text": null}\n{"text": "\xff"}\n'
        (where / name).write_bytes(content)


def parquet(folder: Path) -> None:
    """Files of one to three row groups, of two schemas, with nulls, none of them of the same types throughout; some cannot be read."""
    for i in range(FILES):
        where = folder / ("language=de" if i % 3 else "dump=x")
        where.mkdir(parents=True, exist_ok=True)
        texts = [None if i % 11 == 0 else "", f"text {i} " * (i % 9), "more of it"]
        columns: dict[str, Any] = {
            "text": pa.array(texts, pa.large_string() if i % 6 == 1 else pa.string()), "n": pa.array([i, i + 1, None], pa.int64() if i % 2 else pa.int32()),
        }  # fmt: skip
        if i >= FILES // 2:
            columns["id"] = pa.array([f"own-{i}", None, ""])
        if i % 7 == 0:
            columns["only_here"] = pa.array(["a", "b", "c"])
        file = where / f"{i:04d}.parquet"
        pq.write_table(
            pa.table(columns), file, row_group_size=1 + i % 3, write_page_checksum=True, use_dictionary=i % 2 == 0
        )
        content = bytearray(file.read_bytes())
        if i % 30 == 7:
            file.write_bytes(content[:-5])
        elif i % 30 == 8:
            content[12] ^= 0xFF  # in the first page
            file.write_bytes(content)


def textfiles(folder: Path) -> None:
    """Documents of a file each, some of them none."""
    folder.mkdir()
    for i in range(FILES):
        (folder / f"{i:04d}.txt").write_bytes(b"\xff" if i % 10 == 9 else b"text %d" % i)


MAKERS = [jsonl, parquet]


def told(taken: Taken) -> dict[str, Any]:
    details = {k: v for k, v in taken.text.details.items() if k != "files"}
    return {"ids": taken.ids(), "texts": taken.texts(), "counts": taken.text.counts, **details}


@pytest.mark.parametrize("make", MAKERS)
def test_rows_are_the_same_however_many_files_share_a_unit(
    make: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path / "in")
    found = []
    for most in (1, 7, 64):
        monkeypatch.setattr(grouping, "FILES_PER_UNIT", most)
        taken = take_in(tmp_path / f"ws-{most}", tmp_path / "in")
        found.append((told(taken), len(taken.text.parts)))
    assert found[0][0] == found[1][0] == found[2][0]
    assert found[0][1] > 2 * found[1][1] > 4 * found[2][1]
    assert found[0][0]["counts"]["quarantined"] > 12
    assert len(found[0][0]["quarantined_files"]) == 4


@pytest.mark.parametrize("make", MAKERS)
def test_few_files_are_units_of_their_own(
    make: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path / "in")
    monkeypatch.setattr(ingest, "UNITS_PER_INPUT", FILES)
    units = ingest.plan_ingest(take_in(tmp_path / "ws", tmp_path / "in").store, "c", _input(tmp_path)).units()
    assert all(len(u.payload.files) == 1 for u in units)


def _input(tmp_path: Path) -> Any:
    return ingest.Input(paths=(str(tmp_path / "in"),))


@pytest.mark.parametrize("make", MAKERS)
def test_a_new_file_regroups_those_around_it_alone(
    make: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path / "in")
    monkeypatch.setattr(grouping, "FILES_PER_UNIT", 8)
    before = {u.key for u in take_in(tmp_path / "ws", tmp_path / "in").stage.units()}
    middle = sorted((tmp_path / "in" / "language=de").iterdir())[40]
    (middle.parent / middle.name.replace(".", "a.", 1)).write_bytes(middle.read_bytes())
    after = {u.key for u in take_in(tmp_path / "ws", tmp_path / "in").stage.units()}
    assert len(before) > 15
    assert len(before - after) <= 5


@pytest.mark.parametrize("make", MAKERS)
def test_a_file_that_changes_is_told_before_and_after_it_was_taken_in(
    make: Callable[[Path], None], tmp_path: Path
) -> None:
    make(tmp_path / "in")
    stage = take_in(tmp_path / "planned", tmp_path / "in").stage
    taken = take_in(tmp_path / "ws", tmp_path / "in")
    changed = next(f for u in stage.units() for f in u.payload.files[5:])
    os.utime(changed.path, ns=(0, 0))
    for unit in stage.units():
        if changed in unit.payload.files:
            stage.store.remove(unit.path)
            with pytest.raises(IntegrityError, match=r"changed while the job ran"):
                stage.task()(unit.payload)
    if make is parquet:  # the text stays there
        with pytest.raises(IntegrityError, match=r"changed since it was taken in"):
            taken.texts()


@pytest.mark.parametrize("make", [*MAKERS, textfiles])
@pytest.mark.parametrize("deadly", [0, 3, None])
def test_of_a_unit_whose_reader_died_the_file_that_it_died_of_is_lost_and_no_other(
    make: Callable[[Path], None], deadly: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path / "in")
    taken = take_in(tmp_path / "ws", tmp_path / "in")
    other = taken.stage.__class__(**{**taken.stage.__dict__, "store": taken.store.__class__(str(tmp_path / "ws2"))})
    unit = other.units()[0]
    names = {f.name for n, f in enumerate(unit.payload.files) if deadly in (n, None)}
    asked: list[int] = []

    def survives(lot: Any) -> bool:
        asked.append(len(lot.files))
        return names.isdisjoint(f.name for f in lot.files)

    monkeypatch.setattr(surviving, "_survives", survives)
    part = other.lost(unit, UnitFailed("its worker died"))
    assert part is not None
    rows = other.store.read_table(part.path, ["file_path", "doc_id", "quarantine"]).to_pylist()
    before = taken.store.read_table(unit.path, ["file_path", "doc_id", "quarantine"]).to_pylist()
    assert [r for r in rows if r["file_path"] not in names] == [r for r in before if r["file_path"] not in names]
    assert {r["file_path"] for r in rows if r["quarantine"] == "reader_crashed"} == names
    assert deadly is None or len(asked) <= 2 * len(unit.payload.files).bit_length()


@pytest.mark.parametrize("make", [*MAKERS, textfiles])
def test_what_hangs_the_reader_is_found_in_processes_of_their_own(
    make: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grouping, "FILES_PER_UNIT", 8)
    make(tmp_path / "in")
    unit = take_in(tmp_path / "ws", tmp_path / "in").stage.units()[0].payload
    assert surviving._survives(unit)
    stuck = Path(unit.files[1].path)
    stuck.unlink()
    os.mkfifo(stuck)  # whoever opens it waits for ever
    monkeypatch.setattr(surviving, "LIMIT_S", 3.0)
    assert surviving.survivors(unit) == frozenset(range(len(unit.files))) - {1}


@pytest.mark.parametrize(("make", "workers"), [(jsonl, 1), (parquet, 2)])
def test_a_run_over_small_files_is_that_over_large_ones(
    make: Callable[[Path], None], workers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path / "in")
    recipe = {
        "name": "small", "score": ["gopher", "exact", "minhash"], "rules": {"some": {"column": "gopher.word_count", "min": 2}},
        "dedup": {"exact": "raw", "fuzzy": {}, "guard": {"max_source_loss": 1.0}},
        "input": {"quarantine": {"max_row_frac": 1.0, "max_file_frac": 1.0}},
    }  # fmt: skip
    found = []
    for most in (1, 512):
        monkeypatch.setattr(grouping, "FILES_PER_UNIT", most)
        place = tmp_path / str(most)
        winnow.run(recipe, tmp_path / "in", workspace=place / "ws", output=place / "out", workers=workers)
        rows = pa.concat_tables([pq.read_table(p) for p in sorted((place / "out" / "data").glob("*.parquet"))])
        reasons = winnow.sql("select reason, count(*) n from documents group by 1 order by 1", workspace=place / "ws")
        found.append((rows.sort_by([("id", "ascending"), ("file_path", "ascending")]).to_pylist(), reasons.to_pylist()))
    winnow.run(recipe, str(tmp_path / "in"), workspace=tmp_path / "ws", output=tmp_path / "out", workers=3 - workers)
    assert digests(tmp_path / "512" / "out") == digests(tmp_path / "out")
    assert found[0] == found[1]
    assert len(found[0][0]) > 50


def _small(folder: Path, name: str, texts: list[str], **options: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"text": texts}), folder / name, **options)
    return folder / name


def test_files_of_many_rows_of_little_text_share_no_unit_beyond_the_rows_of_a_shard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i in range(FILES):
        _small(tmp_path / "in", f"{i:03d}.parquet", ["the same", "or that"] * 10)
    monkeypatch.setattr(parquet_units, "RUN_ROWS", 200)
    rows = [p.rows for p in take_in(tmp_path / "ws", tmp_path / "in").text.parts]
    assert sum(rows) == FILES * 20
    assert 100 <= max(rows) <= 200


def test_a_document_is_shown_though_another_file_of_its_unit_is_gone(tmp_path: Path) -> None:
    for i in range(FILES):
        _small(tmp_path / "in", f"{i:03d}.parquet", [f"text {i}", "", f"more {i}"], row_group_size=2)
    taken = take_in(tmp_path / "ws", tmp_path / "in")
    (shard,) = taken.text.shards
    (tmp_path / "in" / "001.parquet").unlink()
    _small(tmp_path / "in", "003.parquet", ["another text"])
    found = texts_of(taken.store, taken.text, [(0, row) for row in range(18)], 100)
    shown = {row: excerpt.text for (_, row), excerpt in found.items()}
    there = (0, 2, 4, 5)
    assert shown == {3 * i + k: (f"text {i}", "", f"more {i}")[k] for i in there for k in range(3)}
    said = {row: document_bytes(taken.store, shard, row) for row in range(18)}
    assert said == {row: shown[row].encode() if row in shown else None for row in range(18)}


def test_long_documents_beside_files_of_short_ones_are_read_a_few_at_a_time(tmp_path: Path) -> None:
    for i in range(FILES):
        _small(tmp_path / "in", f"{i:03d}.parquet", [f"tiny {k}" for k in range(200)])
    _small(tmp_path / "in", f"{FILES - 1:03d}a.parquet", ["large " * 60_000] * 200)  # its footer tells of one
    taken = take_in(tmp_path / "ws", tmp_path / "in")
    shard = max(taken.text.shards, key=lambda s: s.text_bytes)
    assert len(shard.texts) > 10
    usable = usable_rows(read_ids(taken.store, shard))
    assert max(batch.nbytes for batch in read_text(taken.store, shard, usable)) < 3 * BATCH_BYTES


def test_row_groups_without_rows_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = pa.table({"text": ["a", "b", "c"]})
    (tmp_path / "in").mkdir()
    for i in range(FILES):
        with pq.ParquetWriter(tmp_path / "in" / f"{i:03d}.parquet", table.schema) as writer:
            for start, rows in [(0, 0), (0, 2), (2, 0), (2, 1), (0, 0)][i % 3 :]:
                writer.write_table(table.slice(start, rows))
    monkeypatch.setattr("pipeline.sources.part.RUN_ROWS", 4)  # so that shards begin with such row groups, too
    taken = take_in(tmp_path / "ws", tmp_path / "in")
    assert any(len(s.texts) > 1 for s in taken.text.shards)
    said = [document_bytes(taken.store, s, row) for s in taken.text.shards for row in range(s.rows)]
    assert said == [b"abc"[k : k + 1] for i in range(FILES) for k in range(2 if i % 3 == 2 else 0, 3)]
    assert taken.texts() == [t.decode() for t in said if t is not None]
    assert all(group.rows for s in taken.text.shards for _, group in row_groups(taken.store, s))


def test_manifests_of_one_file_a_shard_are_read(tmp_path: Path) -> None:
    (shard,) = take_in(tmp_path / "ws", _small(tmp_path / "in", "a.parquet", ["a"])).text.shards
    told = shard.as_json()
    (told["text"],) = told.pop("texts")
    told["stamp"] = told["text"].pop("stamp")
    assert told["stamp"]
    assert Shard.from_json(told) == shard
