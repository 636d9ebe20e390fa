"""Health and metrics: what /readyz finds wrong, what is counted of jobs, and that it is not asked for too often."""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

import winnow
from api.observe import readiness
from pipeline.errors import StorageError
from tests.control import until
from tests.corpora import write_parquet
from tests.serving import serving, settings_of, until_ready

SMALL = {"name": "small", "score": ["gopher"], "rules": {"long": {"column": "gopher.word_count", "min": 50}}}


def not_ready(answer: Any) -> str:
    assert answer.status_code == 503
    assert answer.json()["code"] == "not_ready"
    assert int(answer.headers["retry-after"]) >= 1
    return str(answer.json()["detail"])


def until_turned(client: TestClient) -> None:
    """Until the supervisor has gone round, so that it is not what keeps the service from being ready."""
    until(client.app.state.service.supervisor.alive)  # type: ignore[attr-defined]


@contextlib.contextmanager
def nobody_at() -> Iterator[int]:
    """A port that is taken, and listened at by nobody."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def test_a_full_disk_is_not_ready(tmp_path: Path) -> None:
    with serving(settings_of(tmp_path / "ws", limits={"disk_free_bytes": 1 << 60})) as client:
        until_turned(client)
        assert re.match(
            r"disk: [\d,]+ MiB are free, expected 1,099,511,627,776 or more", not_ready(client.get("/readyz"))
        )
        assert client.get("/healthz").status_code == 200


def test_a_ray_address_that_does_not_answer_is_not_ready(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with serving(settings_of(tmp_path / "here", ray_address=f"127.0.0.1:{port}")) as client:
            assert until_ready(client).json()["checks"]["ray"] == "ok"
    with nobody_at() as port, serving(settings_of(tmp_path / "gone", ray_address=f"127.0.0.1:{port}")) as client:
        until_turned(client)
        assert not_ready(client.get("/readyz")) == "ray: its address cannot be reached"


def test_a_supervisor_or_catalog_that_does_not_answer_is_not_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "CACHED_S", 0.0)
    with serving(settings_of(tmp_path / "ws")) as client:
        service = client.app.state.service  # type: ignore[attr-defined]
        assert until_ready(client).status_code == 200
        service.supervisor.stop(5.0)
        monkeypatch.setattr(service.supervisor, "alive", lambda: False)
        assert not_ready(client.get("/readyz")) == "supervisor: its loop does not turn"

        def broken(*_: Any) -> None:
            raise OSError("secret words of a library")

        monkeypatch.setattr(service.catalog, "rows", broken)
        said = not_ready(client.get("/readyz"))
        assert "catalog: does not answer (OSError)" in said
        assert "secret words" not in said


def test_checks_are_made_once_a_second_whoever_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    monkeypatch.setattr(readiness, "CACHED_S", 60.0)
    with serving(settings_of(tmp_path / "ws")) as client:
        monkeypatch.setattr(readiness, "_check", lambda service: (made.append(1), {"catalog": "ok"})[1])
        for _ in range(20):
            assert client.get("/readyz").status_code == 200
    assert made == [1]


def test_metrics_are_told_without_a_catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(settings_of(tmp_path / "ws")) as client:

        def full(*_: Any) -> None:
            raise StorageError("the catalog cannot be written: no space is left; free some")

        monkeypatch.setattr(client.app.state.service.catalog, "rows", full)  # type: ignore[attr-defined]
        answer = client.get("/metrics")
        assert answer.status_code == 200, answer.text
        assert "winnow_queue_length 0.0" in answer.text
        assert "winnow_jobs{" not in answer.text


def test_jobs_and_their_work_are_counted(tmp_path: Path) -> None:
    winnow.run(
        SMALL, [str(write_parquet(tmp_path / "in"))], workspace=str(tmp_path / "ws"), executor="local", workers=1
    )
    with serving(settings_of(tmp_path / "ws")) as client:
        text = client.get("/metrics").text
    assert 'winnow_jobs{state="completed"} 1.0' in text
    assert 'winnow_jobs{state="running"} 0.0' in text
    units = re.search(r"^winnow_units_done (\S+)$", text, re.MULTILINE)
    assert units is not None
    assert float(units[1]) >= 3
    size = re.search(r"^winnow_work_bytes (\S+)$", text, re.MULTILINE)
    assert size is not None
    assert float(size[1]) > 0


def test_a_job_that_another_process_makes_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.freshness.ALL_S", 0.2)
    with serving(settings_of(tmp_path / "ws")) as client:
        winnow.run(
            SMALL, [str(write_parquet(tmp_path / "in"))], workspace=str(tmp_path / "ws"), executor="local", workers=1
        )
        until(lambda: 'winnow_jobs{state="completed"} 1.0' in client.get("/metrics").text)


def test_routes_are_counted_by_template_alone(tmp_path: Path) -> None:
    with serving(settings_of(tmp_path / "ws")) as client:
        for n in range(50):
            client.get(f"/v1/nowhere/{n}")
            client.get(f"/docs/assets/{n}")
            client.request(f"BREW{n}", "/healthz")
        text = client.get("/metrics").text
    series = [line for line in text.splitlines() if line.startswith("winnow_http_requests_total{")]
    assert len(series) == 3
    assert 'winnow_http_requests_total{method="GET",route="unmatched",status="404"} 50.0' in series
    assert 'winnow_http_requests_total{method="other",route="/healthz",status="405"} 50.0' in series
