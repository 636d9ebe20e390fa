"""The service that is measured: a process of `winnow serve`, whose jobs end with it."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from benchmarks.data import CORPUS
from pipeline.control.state import TERMINAL
from tests.control import until
from tests.serving import Served, served

LIFTED = {"WINNOW_LIMIT_REQUESTS_PER_MINUTE": "100000000"}
"""One client asks faster here than a key may."""


@dataclass(frozen=True)
class Options:
    """million: folder whose `ws` has a catalog of a million shard rows; documents: folder whose `ws` has a job over a million
    documents; quick: few repetitions, to see that all works."""

    million: Path
    documents: Path
    quick: bool = False

    def times(self, usual: int) -> int:
        return max(3, usual // 20) if self.quick else usual


@contextlib.contextmanager
def service(workspace: Path, *options: str, settings: Mapping[str, str] = LIFTED) -> Iterator[Served]:
    """It answers; at the end its jobs are cancelled and it is gone."""
    folders = ("--root", str(workspace.parent), "--root", str(CORPUS))
    with served(workspace, "--executor", "local", *folders, *options, environment=dict(settings)) as found:
        wait_ready(found.address)
        try:
            yield found
        finally:
            if found.process.poll() is None:
                end_jobs(found.address)
                found.end()


@contextlib.contextmanager
def empty_service(*options: str, settings: Mapping[str, str] = LIFTED) -> Iterator[tuple[Served, Path]]:
    """One over a workspace of its own -> the service, and the folder that its workspace, inputs and outputs lie in."""
    folder = Path(tempfile.mkdtemp(prefix="winnow-service-"))
    try:
        with service(folder / "ws", *options, settings=settings) as found:
            yield found, folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def client_of(found: Served) -> httpx.Client:
    """A client that is patient, and asks no proxy."""
    return httpx.Client(base_url=found.address, timeout=120, trust_env=False)


def wait_ready(address: str) -> None:
    """Until it can work."""
    until(lambda: httpx.get(f"{address}/readyz", trust_env=False).status_code == 200, 120)


def end_jobs(address: str) -> None:
    """Cancel whatever has not ended, and wait for it."""
    with httpx.Client(base_url=address, timeout=60, trust_env=False) as client:

        def ended() -> bool:
            answer = client.get("/v1/jobs", params={"page_size": 1000})
            if answer.status_code == 429:  # after a flood: a minute's requests are used up
                time.sleep(float(answer.headers["retry-after"]))
                return False
            jobs = answer.json()["items"]
            left = [job["id"] for job in jobs if job["state"] not in TERMINAL and job["supervised"]]
            for job_id in left:
                client.post(f"/v1/jobs/{job_id}/cancel")
            return not left

        until(ended, 120)


def submit(client: httpx.Client, **body: Any) -> str:
    """A job's id."""
    answer = client.post("/v1/jobs", json=body)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def asked(client: httpx.Client, path: str, **options: Any) -> float:
    """Seconds of a GET that succeeds."""
    began = time.perf_counter()
    answer = client.get(path, **options)
    took_s = time.perf_counter() - began
    assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:300]}"
    return took_s
