"""The audit log, and the catalog's thread: what they hold, and that one fault does not end them."""

from __future__ import annotations

import json
import stat
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import api.audit as audit_module
import api.freshness as freshness_module
from api.audit import Audit
from api.freshness import Freshness


def test_every_line_says_when_who_and_what_and_no_secret(tmp_path: Path) -> None:
    audit = Audit(tmp_path)
    threads = [
        threading.Thread(
            target=lambda n=n: [
                audit.note("submit", f"key{n}", job=f"job_{i}", idempotency_key="canary") for i in range(50)
            ]
        )  # type: ignore[misc]
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = [json.loads(line) for line in audit.path.read_text().splitlines()]
    assert len(lines) == 200
    assert sorted(lines[0]) == ["action", "at", "caller", "idempotency_key", "job"]
    assert "canary" not in audit.path.read_text()
    assert stat.S_IMODE(audit.path.stat().st_mode) == 0o600


def test_a_full_audit_log_is_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_module, "ROTATE_BYTES", 500)
    audit = Audit(tmp_path)
    for n in range(20):
        audit.note("sql", "key", n=n)
    assert (tmp_path / "audit.jsonl.1").stat().st_size < 700
    assert json.loads((tmp_path / "audit.jsonl.1").read_text().splitlines()[-1])["n"] < 20


class Noting:
    """A catalog that notes what it is asked to refresh, and fails for one job."""

    def __init__(self) -> None:
        self.asked: list[str | None] = []

    def refresh(self, job_id: str | None = None) -> None:
        self.asked.append(job_id)
        if job_id == "job_bad":
            raise OSError("gone")


def test_one_job_that_fails_does_not_keep_the_catalog_from_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freshness_module, "RUNNING_S", 0.02)
    monkeypatch.setattr(freshness_module, "ALL_S", 0.3)
    catalog: Any = Noting()
    freshness = Freshness(catalog, lambda: ["job_running"])
    freshness.start()
    for job_id in ("job_bad", "job_good"):
        freshness.changed(job_id)
    until = time.monotonic() + 10
    while {"job_bad", "job_good", "job_running", None} - set(catalog.asked):
        assert time.monotonic() < until
        time.sleep(0.01)
    freshness.close()
    count = len(catalog.asked)
    time.sleep(0.1)
    assert len(catalog.asked) == count
