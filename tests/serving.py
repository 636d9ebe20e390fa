"""A service as its tests need it: in this process, or as the process that `winnow serve` is."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import httpx
from fastapi.testclient import TestClient

from api.access.keys import Keys
from api.access.roles import ROLES, Role
from api.app import create_app
from api.settings import Settings, load_settings

BASE_URL = "http://127.0.0.1:8765"
START_S = 60.0


def settings_of(workspace: Path, **given: Any) -> Settings:
    """Settings of a test's service, whatever the environment says."""
    return load_settings({"workspace": str(workspace), **given}, {})


@contextlib.contextmanager
def serving(settings: Settings) -> Iterator[TestClient]:
    """The app in this process, started and ended; errors come back as answers."""
    with TestClient(create_app(settings), base_url=BASE_URL, raise_server_exceptions=False) as client:
        yield client


@contextlib.contextmanager
def clock_at_rest() -> Iterator[None]:
    """No time passes for limits by the minute: their window slides, so that a slow machine's requests do not all fall into one."""
    at_rest = SimpleNamespace(time=lambda: 1_700_000_000.0)
    with patch("limits.strategies.time", at_rest), patch("limits.storage.memory.time", at_rest):
        yield


def until_ready(client: httpx.Client, seconds: float = 60.0) -> httpx.Response:
    """What /readyz says, once it is ready: a service takes requests a moment before its supervisor has gone round."""
    deadline = time.monotonic() + seconds
    while (said := client.get("/readyz")).status_code == 503 and time.monotonic() < deadline:
        time.sleep(0.05)
    return said


def make_keys(settings: Settings) -> dict[Role, str]:
    """A key of each role: its text."""
    keys = Keys(settings.state_folder)
    return {role: keys.create(f"{role}-key", role)[1] for role in ROLES}


def bearer(key: str) -> dict[str, str]:
    """The header that shows a key."""
    return {"Authorization": f"Bearer {key}"}


@dataclass
class Served:
    """A process of `winnow serve`. out, err: what it has said so far."""

    process: subprocess.Popen[str]
    address: str = ""
    out: list[str] = field(default_factory=list)
    err: list[str] = field(default_factory=list)

    def client(self, **options: Any) -> httpx.Client:
        """A client of it."""
        return httpx.Client(base_url=self.address, timeout=30, **options)

    def end(self, with_signal: signal.Signals = signal.SIGTERM, seconds: float = 40.0) -> int:
        """Send a signal and wait for the exit code."""
        self.process.send_signal(with_signal)
        return self.process.wait(seconds)


@contextlib.contextmanager
def served(
    workspace: Path, *options: str, environment: dict[str, str] | None = None, cwd: Path | None = None
) -> Iterator[Served]:
    """`winnow serve` on a free port, once it takes requests; killed at the end if it still runs."""
    root = Path(__file__).parents[1]
    env = (
        {k: v for k, v in os.environ.items() if not k.startswith("WINNOW_LIMIT_")}
        | {"PYTHONPATH": str(root)}
        | (environment or {})
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline.cli", "serve", "--workspace", str(workspace), "--port", "0", *options],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env, cwd=cwd or workspace.parent,
    )  # fmt: skip
    found = Served(process)
    ready = threading.Event()
    threads = [
        threading.Thread(target=_read, args=(process.stdout, found.out, ready), daemon=True),
        threading.Thread(target=_read, args=(process.stderr, found.err, threading.Event()), daemon=True),
    ]
    for thread in threads:
        thread.start()
    try:
        if not ready.wait(START_S) or process.poll() is not None:
            raise AssertionError(f"the service did not start: {found.out} {found.err}")
        match = re.search(r"https?://\S+", "".join(found.out))
        assert match is not None
        found.address = match[0]
        yield found
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        for thread in threads:
            thread.join(5)


def _read(stream: Any, lines: list[str], ready: threading.Event) -> None:
    for line in stream:
        lines.append(line)
        if "/docs" in line:
            ready.set()
    ready.set()
