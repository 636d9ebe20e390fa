"""What tests share: real data where it is present, kernels' folder, a language model."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.fixtures_clerk import asked, clerks, desk
from tests.fixtures_models import lid_model
from tests.fixtures_sql import spares, sql_folder, sql_store

__all__ = ["asked", "clerks", "desk", "lid_model", "real_data", "spares", "sql_folder", "sql_store"]

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("WINNOW_TEST_DATA") or ROOT.parent / "shared" / "data")
    if not (folder / "corpus").is_dir():
        pytest.skip(f"real data is absent: {folder} (set WINNOW_TEST_DATA)")
    return folder
