"""A process of `winnow serve` that waits a second for slow clients; one a test file. Import the fixture by name."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.serving import Served, served


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service with short times for slow clients."""
    limits = {
        "WINNOW_LIMIT_HEAD_SECONDS": "1", "WINNOW_LIMIT_BODY_SECONDS": "1", "WINNOW_LIMIT_BODY_BYTES": "100000", "WINNOW_LIMIT_CONNECTIONS": "150",
        "WINNOW_LIMIT_REQUESTS_PER_MINUTE": "100000",
    }  # fmt: skip
    with served(tmp_path_factory.mktemp("served") / "ws", environment=limits) as found:
        yield found
