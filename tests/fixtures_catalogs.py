"""Catalogs of a workspace that was never run: opened for a while, and made anew of the files alone."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.catalog.database import Catalog, rebuild
from pipeline.storage.store import Store
from tests.catalogs import Size, everything, make_workspace


@contextlib.contextmanager
def opened(store: Store, path: Path) -> Iterator[Catalog]:
    catalog = Catalog(store, path)
    try:
        yield catalog
    finally:
        catalog.close()


def rebuilt(store: Store, folder: Path) -> dict[str, list[dict[str, object]]]:
    """Rows of a catalog made of the files alone."""
    path = folder / "fresh.duckdb"
    path.unlink(missing_ok=True)
    rebuild(store, path)
    with opened(store, path) as fresh:
        return everything(fresh)


@pytest.fixture
def made(tmp_path: Path) -> tuple[Store, list[str]]:
    store = Store(str(tmp_path / "ws"))
    return store, make_workspace(store, Size())
