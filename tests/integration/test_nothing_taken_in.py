"""A job whose every file is in quarantine."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.catalog.views import open_catalog
from pipeline.errors import UsageError, WinnowError
from pipeline.recipe_file import load_recipe
from pipeline.run import Settings, run
from pipeline.storage.store import Store


def test_who_asks_about_it_is_told_that_it_has_no_documents(tmp_path: Path) -> None:
    (tmp_path / "empty.parquet").write_bytes(b"")
    recipe = load_recipe("minimal", [], [str(tmp_path / "empty.parquet")])
    with pytest.raises(WinnowError, match="in quarantine"):
        run(recipe, str(tmp_path / "ws"), Settings(executor="local", workers=1))
    with pytest.raises(UsageError, match=r"took no document in .state: failed.: no file of its input could be read"):
        open_catalog(Store(str(tmp_path / "ws")))
