"""A service, and a job that it has run to its end; one a test file. Import the fixtures by name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.corpora import write_parquet
from tests.fixtures_sql import RECIPE
from tests.hosting import Hosted, hosted


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("api-jobs")
    write_parquet(made / "in")
    return made


@pytest.fixture(scope="module")
def service(root: Path) -> Iterator[Hosted]:
    with hosted(root / "ws", roots=(str(root),), executor="local") as running:
        yield running


@pytest.fixture(scope="module")
def finished(service: Hosted, root: Path) -> dict[str, Any]:
    """A job that has run to its end."""
    body = {"recipe": RECIPE, "inputs": [str(root / "in")], "output": str(root / "out"), "labels": {"team": "tests"}}
    answer = service.post("/v1/jobs", body, headers={"Idempotency-Key": "the first"})
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/v1/jobs/{answer.json()['id']}"
    return service.wait(answer.json()["id"])
