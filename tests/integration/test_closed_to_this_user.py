"""A workspace of which this user may not read all, and folders that are two things at once."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import duckdb
import pytest

import winnow
from pipeline.catalog import database
from pipeline.catalog.chosen import choose_job
from pipeline.catalog.views import _readable
from pipeline.errors import IntegrityError, PlanError, StorageError, UsageError
from pipeline.storage.integrity import check_workspace
from pipeline.storage.manifest import load
from pipeline.storage.store import Store
from tests.corpora import write_parquet

RECIPE: dict[str, Any] = {"name": "small", "score": ["exact"], "rules": {}}


def test_a_job_that_may_not_be_read_is_not_told_as_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = tmp_path / "jobs" / "job_01a"
    job.mkdir(parents=True)
    with pytest.raises(UsageError, match="no jobs there"):
        choose_job(Store(str(tmp_path)))
    stat, read = os.stat, Path.read_bytes

    def closed(path: Any) -> Any:
        if "job_01a/" in str(path):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return path

    monkeypatch.setattr(os, "stat", lambda path, **more: stat(closed(path), **more))
    monkeypatch.setattr(Path, "read_bytes", lambda path: read(closed(path)))
    with pytest.raises(PermissionError, match="job_01a"):
        choose_job(Store(str(tmp_path)))


def test_a_part_that_may_not_be_read_is_not_to_be_set_aside(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    with pytest.raises(StorageError, match="see to the permissions"), _readable(store):
        raise duckdb.IOException('IO Error: Cannot open file "a.parquet": Permission denied')
    with pytest.raises(IntegrityError, match="verify --repair"), _readable(store):
        raise duckdb.IOException('IO Error: No files found that match the pattern "a.parquet"')


@pytest.mark.parametrize("closed", ["copy", "folder"])
def test_verify_takes_nothing_for_damaged_that_it_may_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, closed: str
) -> None:
    crawl = write_parquet(tmp_path / "crawl", 10, 1)
    winnow.run(
        RECIPE, [str(crawl)], workspace=str(tmp_path / "ws"), executor="local", workers=1, until="ingest", copy=True
    )
    store = Store(str(tmp_path / "ws"))
    allowed, stat = Store.parquet, os.stat

    def refused(path: str, *_: Any, **__: Any) -> Any:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    def opened(self: Store, path: str) -> Any:
        return allowed(self, path) if path in known else refused(path)

    def looked(path: Any, *more: Any, **options: Any) -> Any:
        return refused(path) if str(path).endswith(".parquet") else stat(path, *more, **options)

    made = next(m for m in (load(store, p) for p in _manifests(store)) if m is not None)
    known = {p.path for p in made.parts}
    with monkeypatch.context() as patch:
        patch.setattr(Store, "parquet", opened) if closed == "copy" else patch.setattr(os, "stat", looked)
        with pytest.raises(PermissionError):
            check_workspace(store)
    assert check_workspace(store).faults == []


def _manifests(store: Store) -> list[str]:
    found = Path(store.root).glob("corpora/*/text/*/manifest.json")
    return [str(path.relative_to(store.root)) for path in found]


def test_the_workspace_is_neither_input_nor_output(tmp_path: Path) -> None:
    crawl = str(write_parquet(tmp_path / "crawl", 10, 1))
    workspace = str(tmp_path / "ws")
    with pytest.raises(PlanError, match="is the workspace, too"):
        winnow.run(RECIPE, [crawl], workspace=f"{crawl}/", executor="local", workers=1)
    with pytest.raises(UsageError, match="is the workspace, too"):
        winnow.run(
            RECIPE, [crawl], workspace=workspace, output=f"{workspace}/.", overwrite=True, executor="local", workers=1
        )
    with pytest.raises(UsageError, match=f"output {tmp_path}: the workspace {workspace} lies in it"):
        winnow.run(RECIPE, [crawl], workspace=workspace, output=str(tmp_path), executor="local", workers=1)
    assert [p.name for p in tmp_path.iterdir()] == ["crawl"]


def test_a_catalog_that_finds_no_room_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise duckdb.IOException('IO Error: Could not write file "x": No space left on device')

    monkeypatch.setattr(database, "take_in", full)
    with pytest.raises(duckdb.IOException):
        database.rebuild(Store(str(tmp_path)), tmp_path / "service" / "catalog.duckdb")
    assert [*(tmp_path / "service").iterdir()] == []
