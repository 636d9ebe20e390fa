"""A Ray cluster on one machine, as docs/cluster.md starts one on several."""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.ports import free_port

RAY = [str(Path(sys.executable).parent / "ray"), "start", "--block", "--object-store-memory=80000000"]
START_LIMIT_S = 90.0
UP = b"Ray runtime started"
LOG_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Nodes:
    """address: of the head; environment: its token; pids: of what was started."""

    address: str
    environment: dict[str, str]
    pids: tuple[int, ...]


@contextlib.contextmanager
def nodes(count: int, cores: int = 1) -> Iterator[Nodes]:
    """A head without cores and `count` nodes of so many cores, once all of them are up. Raises TimeoutError where one is not."""
    port = free_port()
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
            for command in (head, *([*RAY, f"--address={address}", f"--num-cpus={cores}"] for _ in range(count))):
                started.append(
                    subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
                )
                # one after the other: two that start at once on a machine may take the same socket, and both end
                _wait_for(log.fileno(), len(started))
            yield Nodes(address, token, tuple(p.pid for p in started))
        finally:
            for one in reversed(started):
                one.terminate()
            for one in reversed(started):
                one.wait(timeout=60)


def _wait_for(log: int, count: int) -> None:
    """Until so many nodes have said that they are up."""
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        if os.pread(log, LOG_BYTES, 0).count(UP) >= count:
            return
        time.sleep(0.2)
    raise TimeoutError(
        f"Ray node {count} is not up after {START_LIMIT_S:.0f} s: {os.pread(log, LOG_BYTES, 0).decode()}"
    )
