"""`winnow serve` as a process on one port, which can be killed and started again; its runners end with the test."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

from tests.ports import free_port
from winnow.client import Client

ROOT = Path(__file__).parent.parent
START_S = 60.0


@dataclass
class ServiceProcess:
    """A service for one workspace; inputs and outputs lie in `folder`. settings: WINNOW_* of its environment."""

    folder: Path
    options: Sequence[str] = ()
    port: int = 0
    settings: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def workspace(self) -> Path:
        return self.folder / "workspace"

    @property
    def log(self) -> Path:
        return self.folder / "service.log"

    def start(self, wait: bool = True) -> None:
        """Start it, and wait until it answers."""
        if not self.port:
            self.port = free_port()
        command = [sys.executable, "-m", "pipeline.cli", "serve", "--workspace", str(self.workspace), "--port", str(self.port),
                   "--root", str(self.folder), "--executor", "local", *self.options]  # fmt: skip
        kept = {k: v for k, v in os.environ.items() if not k.startswith("WINNOW_")}
        environment = {**kept, **self.settings, "PYTHONPATH": str(ROOT)}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, env=environment)
        if wait:
            self.wait_ready()

    def wait_ready(self) -> None:
        """Until it answers. Fails with what it said."""
        assert self.process is not None
        give_up = time.monotonic() + START_S
        while time.monotonic() < give_up and self.process.poll() is None:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/readyz", trust_env=False).status_code == 200:
                    return
            time.sleep(0.1)
        raise AssertionError(f"the service did not start: {self.log.read_text()[-3000:]}")

    def kill(self) -> None:
        """kill -9, as a crash."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM -> exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(40)

    def runners(self) -> list[psutil.Process]:
        """The runner processes of its workspace."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                command = process.cmdline()
                if "pipeline.control.runner" in command and str(self.workspace) in command:
                    found.append(process)
        return found

    def client(self, key: str = "", patience_s: float = 60.0) -> Client:
        return Client(self.url, key, patience_s=patience_s)

    def close(self) -> None:
        """Nothing of it is left running."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for runner in self.runners():
            below: list[psutil.Process] = []
            with contextlib.suppress(psutil.Error):
                below = runner.children(recursive=True)
            for process in (runner, *below):
                with contextlib.suppress(psutil.Error):  # it ended meanwhile
                    process.kill()


@contextlib.contextmanager
def service_process(folder: Path, *options: str) -> Iterator[ServiceProcess]:
    """A service that answers."""
    service = ServiceProcess(folder, options)
    try:
        service.start()
        yield service
    finally:
        service.close()
