"""A catalog's file may be damaged in any way, at any time: it is set aside, made anew, and nobody notices but the log."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from pipeline.catalog.database import Catalog
from pipeline.storage.store import Store
from tests.catalogs import Size, everything, make_workspace
from tests.damages import KINDS, mended, prepared


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Path]:
    return prepared(tmp_path_factory.mktemp("damage"))


@pytest.mark.parametrize(("seed", "kind"), list(enumerate(KINDS)))
def test_a_damaged_file_is_made_anew_at_opening(
    killed: tuple[Store, Path], tmp_path: Path, seed: int, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        same, aside, seconds = mended(*killed, tmp_path / "damaged", kind, seed)
    assert same
    assert seconds < 15
    assert aside == ("is set aside" in caplog.text)
    if kind in ("cut short", "emptied", "other file", "old version"):
        assert aside


def test_a_file_of_another_version_says_so(
    killed: tuple[Store, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mended(*killed, tmp_path / "damaged", "old version", 0)
    assert "expected version" in caplog.text


def test_damage_that_shows_while_it_is_open_is_mended_too(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store, path = Store(str(tmp_path / "ws")), tmp_path / "c.duckdb"
    make_workspace(store, Size(shards=500))
    catalog = Catalog(store, path)
    before = everything(catalog)
    catalog.close()
    catalog = Catalog(store, path)
    try:
        for limit in ("1MB", "1GB"):  # forget the blocks that were read
            catalog._connection.execute(f"set memory_limit='{limit}'")
        size = path.stat().st_size
        with path.open("r+b") as file:
            for at in range(3 * 4096 + 2048, size, 4096):
                file.seek(at)
                file.write(b"\xff" * 64)
        assert everything(catalog) == before
    finally:
        catalog.close()
    assert "is set aside" in caplog.text


def test_a_log_without_its_file_is_no_catalog(killed: tuple[Store, Path], tmp_path: Path) -> None:
    store, _ = killed
    (tmp_path / "c.duckdb.wal").write_bytes(b"left from something else")
    catalog = Catalog(store, tmp_path / "c.duckdb")
    try:
        assert catalog.counts().jobs == 6
    finally:
        catalog.close()


def test_of_files_set_aside_a_few_stay(killed: tuple[Store, Path], tmp_path: Path) -> None:
    store, _ = killed
    path = tmp_path / "c.duckdb"
    for _ in range(5):
        path.write_bytes(b"no catalog at all")
        Catalog(store, path).close()
    assert 3 <= len(list(tmp_path.glob("*.aside-*"))) <= 6
