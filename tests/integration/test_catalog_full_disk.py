"""A disk that was full: the catalog is opened again once there is space, and what was done is not said to have failed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline.catalog import opening
from pipeline.catalog.database import Catalog
from pipeline.control.submission import accept
from pipeline.errors import StorageError
from pipeline.storage.store import Store
from tests.control import submission
from tests.corpora import write_parquet
from tests.fixtures_sql import RECIPE
from tests.serving import serving, settings_of

FULL = "Could not write: No space left on device"
INVALIDATED = f'Database "published" has been invalidated because of a previous fatal error. Original error: {FULL}'


def test_an_engine_that_gave_up_on_a_full_disk_is_opened_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(str(tmp_path / "ws"))
    job = accept(store, submission()).job_id
    catalog = Catalog(store, tmp_path / "catalog.duckdb")
    gave_up = catalog._connection

    def work(cursor: Any) -> list[Any]:
        if catalog._connection is gave_up:
            raise duckdb.FatalException(INVALIDATED)
        found: list[Any] = cursor.execute("select id from base.jobs").fetchall()
        return found

    monkeypatch.setattr(opening, "SPACE_BYTES", 1 << 60)  # still full
    with pytest.raises(StorageError, match="no space is left"):
        catalog._mended(work)
    monkeypatch.setattr(opening, "SPACE_BYTES", 0)
    assert catalog._mended(work) == [(job,)]
    assert not list(tmp_path.glob("*.aside-*"))
    catalog.close()


def test_a_job_that_is_on_the_disk_is_told_to_be_whatever_the_catalog_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [str(write_parquet(tmp_path / "in", 20, 1))]
    with serving(settings_of(tmp_path / "ws", roots=(str(tmp_path),))) as client:
        service = client.app.state.service  # type: ignore[attr-defined]

        def full(_job_id: str | None = None) -> None:
            raise StorageError(FULL)

        monkeypatch.setattr(service.catalog, "refresh", full)
        answer = client.post("/v1/jobs", json={"recipe": RECIPE, "inputs": paths})
        assert answer.status_code == 202
        path = f"/v1/jobs/{answer.json()['id']}"
        assert client.post(f"{path}/cancel").status_code == 202
        assert client.get(path).json()["state"] in ("cancelling", "cancelled")
