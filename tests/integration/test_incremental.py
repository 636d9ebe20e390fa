"""A corpus that grows: what is added costs what is new, and the result is that of all at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import winnow
from pipeline.dedup import ranges
from pipeline.dedup.documents import kept_sets, shard_runs
from pipeline.result import Result
from pipeline.stages.documents import effects, shingles
from pipeline.storage import packing
from pipeline.storage.manifest import load, manifest_path
from pipeline.storage.store import Store
from tests.corpora import documents, prose
from tests.integration.test_run import digests

RECIPE = {
    "name": "small",
    "score": ["minhash", "gopher", "exact"],  # not the order that a manifest has
    "rules": {"word_count": {"column": "gopher.word_count", "min": 50}},
    "dedup": {"fuzzy": {"jaccard": 0.8}},
}


@pytest.fixture(autouse=True)
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "LEAST_FILE_BYTES", 20_000)


def write(folder: Path, name: str, rows: list[dict[str, str]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), folder / name)


def old_files(folder: Path) -> None:
    rows = documents(240)
    for n in range(6):
        write(folder, f"part-{n}.parquet", rows[n * 40 : (n + 1) * 40])


def added(like: int) -> list[dict[str, str]]:
    """Ten documents: two new ones, copies and near copies of old ones (a longer one, which is kept instead), one too short."""
    texts = [
        *(prose(1000 + n) for n in range(2)),
        *(prose(like + n) for n in range(3)),
        *(prose(like + n) + " Some words more at the end of it." for n in range(3, 6)),
        prose(like + 7, 11),
        "Short.",
    ]
    return [{"id": f"new-{n}", "text": t, "url": f"https://new.org/{n}", "source": "new"} for n, t in enumerate(texts)]


def run(root: Path, folder: Path) -> Result:
    return winnow.run(
        RECIPE, [str(folder)], workspace=str(root / "ws"), output=str(root / "out"), executor="local", workers=1
    )


def events(root: Path, result: Result, verb: str) -> dict[str, dict[str, Any]]:
    lines = (root / "ws" / "jobs" / result.job_id / "events.jsonl").read_text().splitlines()
    return {e["stage"]: e for e in map(json.loads, lines) if e["verb"] == verb}


@pytest.mark.parametrize(("name", "like"), [("part-9.parquet", 40), ("part-3b.parquet", 130), ("part-.parquet", 7)])
def test_what_is_added_gives_the_same_bytes_as_all_at_once(tmp_path: Path, name: str, like: int) -> None:
    folder = tmp_path / "crawl"
    old_files(folder)
    run(tmp_path / "grown", folder)
    write(folder, name, added(like))
    grown, whole = run(tmp_path / "grown", folder), run(tmp_path / "whole", folder)
    assert grown.tables == whole.tables
    assert digests(tmp_path / "grown" / "out") == digests(tmp_path / "whole" / "out")
    stores = [Store(str(tmp_path / one / "ws")) for one in ("grown", "whole")]
    for kind, keys in whole.tables.items():
        for key in keys:
            both = [load(s, manifest_path("crawl", kind, key)) for s in stores]
            assert both[0] == both[1], kind


@pytest.mark.parametrize("name", ["part-9.parquet", "part-3b.parquet", "part-.parquet"])
def test_shards_that_share_parts_of_hashes_grow_to_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    plain, folder = tmp_path / "plain", tmp_path / "crawl"
    old_files(folder)
    write(folder, name, added(40))
    run(plain, folder)
    (folder / name).unlink()
    monkeypatch.setattr(ranges, "RANGE_BYTES", 20_000)
    monkeypatch.setattr("pipeline.stages.documents.asked.RUN_BYTES", 1_000)
    monkeypatch.setattr(shard_runs, "RANGE_ROWS", 600)  # eight shards a run, before and after
    monkeypatch.setattr("pipeline.dedup.layout.HASH_ROWS", 4)
    first = run(tmp_path / "grown", folder)
    before = events(tmp_path / "grown", first, "stage_started")["bands"]["units"]
    assert before < events(tmp_path / "grown", first, "stage_started")["text"]["units"]
    write(folder, name, added(40))
    grown, whole = run(tmp_path / "grown", folder), run(tmp_path / "whole", folder)
    assert events(tmp_path / "grown", grown, "stage_started")["bands"]["units"] <= 2
    assert grown.tables == whole.tables
    assert digests(tmp_path / "grown" / "out") == digests(tmp_path / "whole" / "out")
    for kind in ("data", "removed"):
        one, other = (sorted(digests(root / "out" / kind).values()) for root in (tmp_path / "grown", plain))
        assert one == other, "as from parts of a shard each"


def test_of_what_was_there_no_part_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(effects, "UNIT_ROWS", 1)  # a run a shard
    folder = tmp_path / "crawl"
    old_files(folder)
    first = run(tmp_path, folder)
    sets_before = events(tmp_path, first, "stage_finished")["shingles"]["rows"]
    write(folder, "part-9.parquet", added(40))
    second = run(tmp_path, folder)
    started = events(tmp_path, second, "stage_started")
    of_shards = ("text", "notes", "digests", "bands", "verdict")
    assert {s: started[s]["units"] for s in of_shards} == dict.fromkeys(of_shards, 1)
    assert started["notes"]["units_done"] == 6
    # copies and near copies of documents of shards 1 and 2 (rows 40 to 48 of `documents`) change what is kept of shard 1 alone
    assert started["mix"]["units"] == started["effects"]["units"] == 2
    assert events(tmp_path, second, "stage_finished")["shingles"]["rows"] < sets_before / 3


def test_a_short_document_is_read_once_to_be_compared_however_often_it_is_like_what_is_added(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_sets, "MOST_FRAC", 2.0)
    read: list[str] = []
    plain = shingles.row_groups
    monkeypatch.setattr(shingles, "row_groups", lambda s, shard: read.append(shard.texts[0].path) or plain(s, shard))

    def files_read(name: str, text: str) -> list[str]:
        write(folder, name, [{"id": name, "text": text, "url": f"https://new.org/{name}", "source": "new"}])
        read.clear()
        run(tmp_path / "grown", folder)
        return sorted(Path(path).name for path in read)

    folder = tmp_path / "crawl"
    old_files(folder)
    run(tmp_path / "grown", folder)
    # document 45 has a near copy from the start, 41 has none until now
    assert files_read("part-6.parquet", prose(45) + " More words at its end.") == ["part-6.parquet"]
    assert files_read("part-7.parquet", prose(41) + " More words at its end.") == ["part-1.parquet", "part-7.parquet"]
    assert files_read("part-8.parquet", prose(41) + " Other words at its end.") == ["part-8.parquet"]
    run(tmp_path / "whole", folder)
    assert digests(tmp_path / "grown" / "out") == digests(tmp_path / "whole" / "out")


def test_what_is_there_in_all_its_parts_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "crawl"
    old_files(folder)
    run(tmp_path, folder)
    write(folder, "part-9.parquet", [{**d, "id": f"n{i}", "text": prose(2000 + i)} for i, d in enumerate(documents(6))])
    made: list[str] = []
    described: list[str] = []
    commit_part, record, digest = Store.commit_part, Store.record, Store.digest
    monkeypatch.setattr(
        Store, "commit_part", lambda self, k, path, *a: made.append(path) or commit_part(self, k, path, *a)
    )
    monkeypatch.setattr(Store, "record", lambda self, k, path, *a: described.append(path) or record(self, k, path, *a))
    monkeypatch.setattr(Store, "digest", lambda self, path: described.append(path) or digest(self, path))
    run(tmp_path, folder)

    def kinds(paths: list[str]) -> dict[str, int]:
        found = [p.split("/")[2] for p in paths if p.startswith("corpora/") and "/parts/" in p]
        return {kind: found.count(kind) for kind in ("text", "notes", "verdict", "mix")}

    assert kinds(made) == {"text": 1, "notes": 1, "verdict": 1, "mix": 1}
    assert kinds(described) == {"text": 0, "notes": 0, "verdict": 0, "mix": 0}


def test_an_output_folder_is_brought_up_to_date_by_the_same_recipe(tmp_path: Path) -> None:
    folder = tmp_path / "crawl"
    old_files(folder)
    run(tmp_path, folder)
    before = {p.stat().st_ino for p in (tmp_path / "out" / "data").iterdir()}
    write(folder, "part-9.parquet", [{**d, "id": f"n{i}", "text": prose(2000 + i)} for i, d in enumerate(documents(6))])
    made = run(tmp_path, folder)
    after = {p.stat().st_ino for p in (tmp_path / "out" / "data").iterdir()}
    assert len(after - before) <= 2
    assert len(before & after) >= len(before) - 1
    assert sum(pq.read_metadata(p).num_rows for p in (tmp_path / "out" / "data").iterdir()) == made.funnel["kept"]
    assert not (tmp_path / "out" / "manifest.before.json").exists()


def test_a_data_file_whose_duplicates_alone_are_told_otherwise_keeps_its_bytes(tmp_path: Path) -> None:
    folder = tmp_path / "crawl"
    old_files(folder)
    run(tmp_path / "grown", folder)
    data, removed = (tmp_path / "grown" / "out" / kind for kind in ("data", "removed"))
    before = {p.name: p.stat().st_ino for p in data.iterdir()}
    # one more copy of document 46, which document 47 is a copy of: the cluster that 47 was removed from has grown
    write(folder, "part-9.parquet", [{"id": "n", "text": prose(46), "url": "https://new.org/n", "source": "new"}])
    run(tmp_path / "grown", folder)
    renamed = {p.name: p.stat().st_ino for p in data.iterdir() if p.name not in before}
    assert len(renamed) == 2
    assert len(set(renamed.values()) & set(before.values())) == 1
    told = pq.read_table(removed, columns=["id", "cluster_size"]).to_pylist()
    assert {"id": "doc-00047", "cluster_size": 3} in told
    run(tmp_path / "whole", folder)
    assert digests(tmp_path / "grown" / "out") == digests(tmp_path / "whole" / "out")


def test_a_data_file_with_other_bytes_than_were_written_is_made_anew(tmp_path: Path) -> None:
    folder = tmp_path / "crawl"
    sound, damaged = (tmp_path / name / "out" / "data" for name in ("sound", "damaged"))
    old_files(folder)
    for root in ("sound", "damaged"):
        run(tmp_path / root, folder)
    before = {p.stat().st_ino: p.name for p in sound.iterdir()}
    write(folder, "part-9.parquet", [{"id": "n", "text": prose(46), "url": "https://new.org/n", "source": "new"}])
    run(tmp_path / "sound", folder)
    (stays,) = (old for p in sound.iterdir() if (old := before.get(p.stat().st_ino, p.name)) != p.name)
    content = bytearray((damaged / stays).read_bytes())
    content[len(content) // 3] ^= 1
    (damaged / stays).write_bytes(content)
    run(tmp_path / "damaged", folder)
    assert digests(damaged) == digests(sound)
