"""The service in this process, on a port of its own: real HTTP, and its parts at hand."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from api.app import create_app
from api.server import open_socket
from api.service import Service
from api.settings import Settings
from pipeline.control.launch import Processes
from pipeline.execution import attempts
from pipeline.storage.store import Store


@dataclass(frozen=True)
class Hosted:
    """A service that answers at `url`. client: without a time limit on reading, so that streams may be listened to."""

    url: str
    app: FastAPI
    client: httpx.Client

    @property
    def service(self) -> Service:
        service: Service = self.app.state.service
        return service

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.client.get(path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> httpx.Response:
        return self.client.post(path, json=body, **options)

    def wait(self, job_id: str, *states: str, seconds: float = 120) -> dict[str, Any]:
        """The job's record once it is in one of these states (by default: once it has ended)."""
        wanted = states or ("completed", "completed_with_quarantine", "failed", "cancelled")
        deadline = time.monotonic() + seconds
        while True:
            job: dict[str, Any] = self.get(f"/v1/jobs/{job_id}").json()
            if job["state"] in wanted:
                return job
            assert time.monotonic() < deadline, f"{job_id} is not {wanted} after {seconds} s: {job}"
            time.sleep(0.05)


@contextlib.contextmanager
def hosted(workspace: Path, **settings: Any) -> Iterator[Hosted]:
    """Serve a workspace in a thread until the block ends; to those who poll, and with patience on a machine that is full."""
    limits = {"requests_per_minute": 100_000, "sql_seconds": 60.0} | settings.pop("limits", {})
    app = create_app(Settings(workspace=str(workspace), limits=limits, **settings))
    listening = open_socket("127.0.0.1", 0)
    server = uvicorn.Server(
        uvicorn.Config(app, ws="none", lifespan="on", log_config=None, access_log=False, timeout_graceful_shutdown=5)
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + 60
        while not server.started:
            assert thread.is_alive(), f"the service did not start: {app.state.startup_error!r}"
            assert time.monotonic() < deadline
            time.sleep(0.02)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with httpx.Client(base_url=url, timeout=httpx.Timeout(60, read=120), trust_env=False) as client:
            yield Hosted(url, app, client)
    finally:
        app.state.stopping.set()
        server.should_exit = True
        thread.join(30)
        listening.close()
        _end_runners(Store(str(workspace)))


def _end_runners(store: Store) -> None:
    """Runners outlive their service; not their test."""
    launcher = Processes(store, Path(store.root))
    for job_id in store.names("jobs"):
        for attempt in range(1, attempts.highest(store, job_id) + 2):  # the last may not have said yet that it began
            claim = attempts.read(store, job_id, attempt)
            if claim is None or claim.role == "runner":  # others are of the supervisor, which is this process
                deadline = time.monotonic() + 30
                while not launcher.kill(job_id, attempt, claim):
                    assert time.monotonic() < deadline, f"{job_id}/{attempt} does not end"


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """An error's body, which must be a problem of this status and code."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body: dict[str, Any] = json.loads(answer.content)
    assert (answer.status_code, body["status"], body["code"]) == (status, status, code), body
    return body
