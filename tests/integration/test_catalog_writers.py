"""Who writes a catalog: one process at a time, killed at any moment, and while others read."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from pipeline.catalog.database import Catalog, rebuild
from pipeline.errors import CatalogHeld
from pipeline.storage.store import Store
from tests.catalogs import Size, everything, make_workspace
from tests.fixtures_catalogs import made, opened, rebuilt

__all__ = ["made"]  # a fixture
ROOT = Path(__file__).parents[2]


def test_a_second_writer_is_told_who_holds_the_file(tmp_path: Path, made: tuple[Store, list[str]]) -> None:
    store, _ = made
    code = (
        "import sys; from pathlib import Path; from pipeline.catalog.database import Catalog; from pipeline.storage.store import Store\n"
        "Catalog(Store(sys.argv[1]), Path(sys.argv[2]))"
    )
    path = tmp_path / "c.duckdb"
    with opened(store, path) as catalog:
        with pytest.raises(CatalogHeld, match="another process holds the catalog"):
            Catalog(store, path)
        with pytest.raises(CatalogHeld):
            rebuild(store, path)
        other = subprocess.run(
            [sys.executable, "-c", code, store.root, str(path)], capture_output=True, text=True, cwd=ROOT, check=False
        )
        assert "CatalogHeld" in other.stderr
        assert catalog.counts().jobs == 6
    assert list(tmp_path.glob("*aside*")) == []


def test_a_copy_for_questions_does_not_let_a_second_writer_in(tmp_path: Path, made: tuple[Store, list[str]]) -> None:
    store, ids = made
    code = (
        "import sys; from pathlib import Path; from pipeline.catalog.database import rebuild; from pipeline.storage.store import Store\n"
        "rebuild(Store(sys.argv[1]), Path(sys.argv[2]))"
    )
    path = tmp_path / "c.duckdb"
    with opened(store, path) as catalog:
        for _ in range(2):
            catalog.snapshot(max_age_s=0.0)
            (Path(store.full(Store.job(ids[0]))) / "wish.json").write_text(
                '{"wanted": "run", "at": "2026-11-21T00:00:00Z"}'
            )
            catalog.refresh(ids[0])
        before = path.stat().st_ino
        other = subprocess.run(
            [sys.executable, "-c", code, store.root, str(path)], capture_output=True, text=True, cwd=ROOT, check=False
        )
        assert "CatalogHeld" in other.stderr
        assert path.stat().st_ino == before


WRITER = """
import sys, time
from pathlib import Path
from pipeline.catalog.database import Catalog
from pipeline.storage.store import Store
catalog = Catalog(Store(sys.argv[1]), Path(sys.argv[2]))
print("open", flush=True)
while True:
    catalog.refresh()
"""


def test_a_refresh_killed_at_any_moment_leaves_a_file_that_opens(tmp_path: Path) -> None:
    store, path, pick = Store(str(tmp_path / "ws")), tmp_path / "c.duckdb", random.Random(3)
    ids = make_workspace(store, Size(shards=40))
    line = '{{"at": "2026-11-21T01:00:00.000Z", "verb": "unit_done", "stage": "mix", "part": "{}", "rows": 1, "bytes": 1}}\n'
    for _ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, store.root, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "open\n"
            ends = time.monotonic() + pick.random() * 0.5
            while time.monotonic() < ends:
                with Path(store.full(f"{Store.job(pick.choice(ids))}/events.jsonl")).open("a") as log:
                    log.write("".join(line.format(pick.random()) for _ in range(pick.randint(1, 500))))
                time.sleep(pick.random() * 0.03)
        finally:
            process.kill()
            process.wait()
        with opened(store, path) as catalog:
            assert everything(catalog) == rebuilt(store, tmp_path)


def test_reads_go_on_while_jobs_are_taken_in(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "ws"))
    make_workspace(store, Size(corpora=1))
    failures: list[BaseException] = []
    with opened(store, tmp_path / "c.duckdb") as catalog:
        stop = threading.Event()

        def read() -> None:
            try:
                while not stop.is_set():
                    found = catalog.rows("select count(*) as n, count(distinct job) as jobs from shards")[0]
                    assert found["n"] % Size().shards == 0
                    assert catalog.snapshot(0.0).exists()
            except BaseException as error:
                failures.append(error)

        readers = [threading.Thread(target=read) for _ in range(2)]
        for reader in readers:
            reader.start()
        source = Store(str(tmp_path / "more"))
        for job_id in make_workspace(source, Size(corpora=4)):
            shutil.copytree(Path(source.root) / "corpora", Path(store.root) / "corpora", dirs_exist_ok=True)
            shutil.copytree(source.full(Store.job(job_id)), store.full(Store.job(job_id)), dirs_exist_ok=True)
            catalog.refresh(job_id)
        stop.set()
        for reader in readers:
            reader.join()
        assert failures == []
        catalog.refresh()
        assert everything(catalog) == rebuilt(store, tmp_path)
