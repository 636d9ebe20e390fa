"""A workspace that nothing was put into yet."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.storage.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "ws"))
