"""Several Ray nodes on one machine, each with a core of its own, as docs/cluster.md starts them on several."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

RAY = [str(Path(sys.executable).parent / "ray"), "start", "--block", "--object-store-memory=80000000"]
START_LIMIT_S = 90.0


@dataclass(frozen=True, slots=True)
class Nodes:
    """address: of the head; environment: its token; pids: of what was started."""

    address: str
    environment: dict[str, str]
    pids: tuple[int, ...]


@contextlib.contextmanager
def nodes(count: int) -> Iterator[Nodes]:
    """A head without cores and `count` nodes of one core. Raises TimeoutError where the head does not come up."""
    port = _free_port()
    address = f"127.0.0.1:{port}"
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32), "RAY_USAGE_STATS_ENABLED": "0"}
    environment = {**os.environ, **token}
    environment.pop("RAY_ADDRESS", None)
    head = [
        *RAY,
        "--head",
        f"--port={port}",
        "--num-cpus=0",
        "--include-dashboard=false",
        "--node-ip-address=127.0.0.1",
    ]
    started: list[subprocess.Popen[bytes]] = []
    with tempfile.TemporaryFile() as log:
        try:
            for command in (head, *([*RAY, f"--address={address}", "--num-cpus=1"] for _ in range(count))):
                started.append(
                    subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
                )
                _wait_for(port)
            yield Nodes(address, token, tuple(p.pid for p in started))
        finally:
            for one in reversed(started):
                one.terminate()
            for one in reversed(started):
                one.wait(timeout=60)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise TimeoutError(f"no Ray head on port {port} after {START_LIMIT_S:.0f} s")
