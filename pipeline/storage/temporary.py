"""Private files of attempts: named by host and process, so that those of processes that are gone can be swept."""

from __future__ import annotations

import contextlib
import os
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path

from pipeline.execution.processes import alive


@contextlib.contextmanager
def temporary_file(folder: Path, suffix: str) -> Iterator[Path]:
    """A path in the folder that nothing else writes to; what lies there at the end goes."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{socket.gethostname()}~{os.getpid()}~{uuid.uuid4().hex}{suffix}"
    try:
        yield path
    finally:
        with contextlib.suppress(OSError):
            path.unlink()


def swept(folder: Path) -> int:
    """Remove files of this host's dead processes; returns how many."""
    found = 0
    for name in sorted(os.listdir(folder)) if folder.is_dir() else []:
        host, _, rest = name.partition("~")
        pid = rest.partition("~")[0]
        if host == socket.gethostname() and pid.isdigit() and not alive(int(pid)):
            with contextlib.suppress(OSError):
                os.unlink(folder / name)
                found += 1
    return found
