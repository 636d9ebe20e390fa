"""winnow catalog: show and rebuild, as a user calls them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.catalog.database import Catalog
from pipeline.catalog.schema import version
from pipeline.storage.store import Store
from tests.catalogs import Size, make_workspace

ROOT = Path(__file__).parents[2]


def winnow(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipeline.cli", *arguments], capture_output=True, text=True, cwd=ROOT, check=False
    )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(str(tmp_path / "ws"))
    make_workspace(made, Size())
    return made


def test_a_rebuilt_catalog_is_shown_with_its_rows(store: Store) -> None:
    made = winnow("catalog", "rebuild", "-w", store.root)
    assert made.returncode == 0, made.stderr
    assert "6 jobs, 16 tables, 80 shards, 40 shard columns" in made.stdout
    told = json.loads(winnow("catalog", "show", "-w", store.root, "--json").stdout)
    assert (told["jobs"], told["shards"], told["version"]) == (6, 80, version())
    assert told["path"] == f"{store.root}/service/catalog.duckdb"
    assert told["bytes"] == Path(told["path"]).stat().st_size


def test_a_catalog_that_a_service_holds_is_left_alone(store: Store, tmp_path: Path) -> None:
    catalog = Catalog(store, tmp_path / "state" / "catalog.duckdb")
    try:
        for command in ("rebuild", "show"):
            said = winnow("catalog", command, "-w", store.root, "--state", str(tmp_path / "state"))
            assert said.returncode == 1
            assert "another process holds the catalog, most likely a running service" in said.stderr
    finally:
        catalog.close()


def test_a_damaged_catalog_is_not_shown_but_made_anew(store: Store, tmp_path: Path) -> None:
    (tmp_path / "catalog.duckdb").write_bytes(b"no catalog" * 2000)
    said = winnow("catalog", "show", "-w", store.root, "--state", str(tmp_path))
    assert said.returncode == 1
    assert "make it anew: winnow catalog rebuild" in said.stderr
    assert winnow("catalog", "rebuild", "-w", store.root, "--state", str(tmp_path)).returncode == 0
    assert winnow("catalog", "show", "-w", store.root, "--state", str(tmp_path)).returncode == 0


@pytest.mark.parametrize("command", ["rebuild", "show"])
def test_a_workspace_that_is_not_there_says_so(tmp_path: Path, command: str) -> None:
    said = winnow("catalog", command, "-w", str(tmp_path / "nothing"))
    assert said.returncode == 2
    assert "error:" in said.stderr
    assert not (tmp_path / "nothing").exists()
