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
    """An empty file in the folder that nothing else writes to; what lies there at the end goes."""
    path = folder / f"{socket.gethostname()}~{os.getpid()}~{uuid.uuid4().hex}{suffix}"
    _make(path)
    try:
        yield path
    finally:
        with contextlib.suppress(OSError):
            path.unlink()


def _make(path: Path) -> None:
    """At once, so that another process does not tidy the folder away before it is written to."""
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):  # tidied away between these two
            path.touch()
            return


def swept(folder: Path) -> int:
    """Remove files of this host's dead processes; returns how many."""
    found = 0
    try:
        names = sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return 0
    for name in names:
        host, _, rest = name.partition("~")
        pid = rest.partition("~")[0]
        if host == socket.gethostname() and pid.isdigit() and not alive(int(pid)):
            with contextlib.suppress(OSError):
                os.unlink(folder / name)
                found += 1
    return found
