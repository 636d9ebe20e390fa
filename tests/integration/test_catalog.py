"""The persistent catalog: a function of the files, whatever became of jobs and files on the way."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import winnow
from pipeline.control.state import job_state
from pipeline.storage.store import Store
from tests.catalogs import Size, everything
from tests.corpora import write_parquet
from tests.fixtures_catalogs import made, opened, rebuilt
from tests.fixtures_sql import RECIPE

__all__ = ["made"]  # a fixture
ROOT = Path(__file__).parents[2]


def test_a_job_that_is_killed_and_run_again_leaves_the_rows_of_a_rebuild(tmp_path: Path) -> None:
    crawl = write_parquet(tmp_path / "in", count=4800, files=24)
    store = Store(str(tmp_path / "ws"))
    (tmp_path / "r.json").write_text(json.dumps(RECIPE | {"input": {"paths": [str(crawl)]}}))
    command = [
        sys.executable, "-m", "pipeline.cli", "run", str(tmp_path / "r.json"), "-w", store.root, "-q", "-n", "1",
    ]  # fmt: skip
    pick = random.Random(7)
    with opened(store, tmp_path / "live.duckdb") as live:
        for kill_after in (1, 3, None):
            live.refresh()  # what the killed one did last is not of the next
            before = live.counts().units
            process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                seen = 0
                while process.poll() is None:
                    live.refresh()
                    seen += 1
                    done = live.rows("select count(*) as n from base.units where stage = 'notes'")[0]["n"]
                    if kill_after is not None and done and live.counts().units >= before + kill_after:
                        process.send_signal(signal.SIGKILL)
                    time.sleep(pick.random() * 0.05)
                assert seen > 3
            finally:
                process.kill()
                process.wait()
        assert process.returncode == 0
        live.refresh()
        rows = everything(live)
    assert rows == rebuilt(store, tmp_path)
    assert sorted(j["state"] for j in rows["jobs"]) == ["completed", "failed", "failed"]
    parts = {s["part"]: s["job"] for s in rows["shards"] if s["stage"] == "notes"}
    made = {u["part"]: u["job"] for u in rows["units"] if u["stage"] == "notes"}
    untold = {part for part, job in parts.items() if job is None}
    assert len(untold) <= 2, "a part is committed before it is told: a kill in between leaves one that nobody told of"
    assert len(parts) == 24
    assert {p: j for p, j in parts.items() if p not in untold} == made
    assert {c["name"] for c in rows["shard_columns"]} >= {"gopher.word_count", "exact.text_bytes"}


def test_a_jobs_row_is_its_state_as_the_service_tells_it(tmp_path: Path, made: tuple[Store, list[str]]) -> None:
    from pipeline.catalog.read import job

    store, ids = made
    store.put_json(f"{Store.job(ids[0])}/wish.json", {"want": "pause", "by": "me", "at": "2026-11-21T00:00:00.000Z"})
    with opened(store, tmp_path / "c.duckdb") as catalog:
        for job_id in ids:
            told = job_state(store, job_id)
            assert {k: v for k, v in job(catalog, job_id).items() if k in told} == told


def test_a_torn_last_line_waits_until_it_is_whole(tmp_path: Path, made: tuple[Store, list[str]]) -> None:
    store, ids = made
    log = Path(store.full(f"{Store.job(ids[0])}/events.jsonl"))
    line = '{"at": "2026-11-21T01:00:00.000Z", "verb": "unit_done", "stage": "mix", "part": "later", "rows": 5, "bytes": 1}\n'
    with opened(store, tmp_path / "c.duckdb") as catalog:
        before = len(everything(catalog)["units"])
        with log.open("a") as file:
            file.write(line[:40])
        catalog.refresh()
        assert len(everything(catalog)["units"]) == before
        with log.open("a") as file:
            file.write(line[40:])
        catalog.refresh(ids[0])
        assert [u["rows"] for u in everything(catalog)["units"] if u["part"] == "later"] == [5]
        assert everything(catalog) == rebuilt(store, tmp_path)


def test_lines_that_are_no_events_are_passed_over(tmp_path: Path, made: tuple[Store, list[str]]) -> None:
    store, ids = made
    log = Path(store.full(f"{Store.job(ids[0])}/events.jsonl"))
    with opened(store, tmp_path / "c.duckdb") as catalog:
        before = len(everything(catalog)["units"])
        with log.open("ab") as file:
            file.write(
                b'\n[1]\n{"verb": "unit_done"}\n\xff\xfe{"at": "x", "verb\n{"at": 1, "verb": "unit_done", "rows": "many"}\n'
            )
        catalog.refresh()
        assert len(everything(catalog)["units"]) == before


def test_a_log_cut_short_is_taken_in_anew(tmp_path: Path, made: tuple[Store, list[str]]) -> None:
    store, ids = made
    log = Path(store.full(f"{Store.job(ids[0])}/events.jsonl"))
    with opened(store, tmp_path / "c.duckdb") as catalog:
        lines = log.read_bytes().splitlines(keepends=True)
        log.write_bytes(b"".join(lines[:4]))
        catalog.refresh()
        rows = everything(catalog)
    assert rows == rebuilt(store, tmp_path)
    assert sum(u["job"] == ids[0] for u in rows["units"]) == 3


def test_a_deleted_job_leaves_nothing_but_what_others_stand_on(tmp_path: Path, made: tuple[Store, list[str]]) -> None:
    store, ids = made
    with opened(store, tmp_path / "c.duckdb") as catalog:
        shutil.rmtree(store.full(Store.job(ids[0])))
        catalog.refresh(ids[0])
        rows = everything(catalog)
    assert rows == rebuilt(store, tmp_path)
    assert [j["id"] for j in rows["jobs"]] == ids[1:]
    orphaned = {s["job"] for s in rows["shards"] if s["corpus"] == "crawl-00" and s["stage"] == "notes"}
    assert orphaned == {None}
    assert len(rows["shards"]) == Size().shard_rows - 2 * Size().shards


def test_a_part_made_again_tells_of_its_last_unit(tmp_path: Path, made: tuple[Store, list[str]]) -> None:
    store, _ = made
    with opened(store, tmp_path / "c.duckdb") as catalog:
        part = everything(catalog)["shards"][0]["part"]
        event = {
            "at": "2026-11-21T02:00:00.000Z",
            "verb": "unit_done",
            "part": part,
            "worker": "mended",
            "seconds": 2.5,
        }
        corpus = [j["id"] for j in catalog.rows("from jobs j join shards s using (corpus) where part = ?", [part])]
        store.append(f"{Store.job(max(corpus))}/events.jsonl", json.dumps(event))
        catalog.refresh()
        rows = everything(catalog)
    assert rows == rebuilt(store, tmp_path)
    assert [(s["worker"], s["seconds"]) for s in rows["shards"] if s["part"] == part] == [("mended", 2.5)]


def test_a_table_that_is_gone_or_comes_again_is_noticed(tmp_path: Path, made: tuple[Store, list[str]]) -> None:
    store, _ = made
    with opened(store, tmp_path / "c.duckdb") as catalog:
        whole = everything(catalog)
        path = next(t["path"] for t in whole["tables"] if t["stage"] == "notes")
        text = Path(store.full(path)).read_bytes()
        os.unlink(store.full(path))
        catalog.refresh()
        without = everything(catalog)
        assert without == rebuilt(store, tmp_path)
        assert len(without["shard_columns"]) == len(whole["shard_columns"]) // 2
        Path(store.full(path)).write_bytes(text)
        catalog.refresh()
        again = everything(catalog)
        assert again == rebuilt(store, tmp_path)
        assert again["shard_columns"] == whole["shard_columns"]


def test_tables_without_statistics_have_none(tmp_path: Path, made: tuple[Store, list[str]]) -> None:
    store, _ = made
    for path in Path(store.root).glob("corpora/*/notes/*/manifest.json"):
        told = json.loads(path.read_text())
        path.write_text(json.dumps(told | {"details": {}}))
    with opened(store, tmp_path / "c.duckdb") as catalog:
        found = catalog.counts()
    assert (found.shards, found.shard_columns) == (Size().shard_rows, 0)


def test_damaged_statistics_and_manifests_are_left_out(tmp_path: Path, made: tuple[Store, list[str]]) -> None:
    store, ids = made
    statistics, manifest = (
        sorted(Path(store.root).glob(f"corpora/*/{kind}"))[0]
        for kind in ("notes/*/statistics.parquet", "mix/*/manifest.json")
    )
    statistics.write_bytes(statistics.read_bytes()[:-100])
    manifest.write_text("{")
    Path(store.full(f"{Store.job(ids[-1])}/job.json")).write_text("no json")
    with opened(store, tmp_path / "c.duckdb") as catalog:
        found = catalog.counts()
    size = Size()
    assert found.shard_columns == size.shards * size.columns
    assert (found.jobs, found.shards) == (len(ids) - 1, size.shard_rows - 3 * size.shards)


def test_notes_of_a_run_have_the_statistics_of_their_rows(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    winnow.run(
        RECIPE, [str(write_parquet(tmp_path / "in"))], workspace=str(tmp_path / "ws"), executor="local", workers=1
    )
    store = Store(str(tmp_path / "ws"))
    with opened(store, tmp_path / "c.duckdb") as catalog:
        told = catalog.rows(
            "select s.path, c.* from shard_columns c join shards s using (table_key, number) where \"column\" = 'gopher.word_count'"
        )
        whole = catalog.rows("from base.table_columns where name = 'gopher.word_count'")[0]
    assert len(told) == 4
    for one in told:
        values = (
            pq.read_table(store.full(one["path"])).column("gopher").combine_chunks().field("word_count").to_pylist()
        )
        assert (one["rows"], one["nulls"], one["min"], one["max"]) == (60, 0, min(values), max(values))
        assert one["mean"] == pytest.approx(sum(values) / 60)
        assert sum(one["bin_counts"]) == 60
    assert (whole["shards"], whole["rows"], sum(whole["bin_counts"])) == (4, 240, 240)
    assert whole["total"] == sum(one["mean"] * 60 for one in told)
