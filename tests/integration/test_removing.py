"""Removing what another process removes at the same time: both are done, and nothing is left."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipeline.storage.store import Store
from tests.integration.test_ingest_s3 import bucket, server

__all__ = ["bucket", "server"]
AT_ONCE = 4


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return Store(str(tmp_path / "ws") if request.param == "folder" else f"{request.getfixturevalue('bucket')}/ws")


def test_what_is_not_there_is_removed(store: Store) -> None:
    store.remove("nothing/at/all")


def test_several_at_once_remove_a_folder_and_its_files(store: Store) -> None:
    kept = "kept/a.json"
    store.put_json(kept, {})
    for turn in range(12):
        files = [f"gone/{turn:02d}/{n % 3}/{n:02d}.json" for n in range(12)]
        for path in files:
            store.put_json(path, {})
        together = threading.Barrier(AT_ONCE)

        def remove(path: str, together: threading.Barrier = together) -> None:
            together.wait(30)
            store.remove(path)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            # two the folder, two a file of it
            list(pool.map(remove, [f"gone/{turn:02d}", f"gone/{turn:02d}", files[0], files[-1]]))
        assert not store.exists(f"gone/{turn:02d}")
    assert store.exists(kept)
