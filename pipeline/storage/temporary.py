"""Private files of attempts: named by host and process, so that those of processes that are gone can be swept."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TypeVar

from pipeline.execution.processes import alive

Made = TypeVar("Made")


@contextlib.contextmanager
def temporary_file(folder: Path, suffix: str) -> Iterator[Path]:
    """An empty file in the folder that nothing else writes to; what lies there at the end goes."""
    path = _named(folder, suffix)
    _made(path, path.touch)
    try:
        yield path
    finally:
        with contextlib.suppress(OSError):
            path.unlink()


@contextlib.contextmanager
def temporary_folder(folder: Path) -> Iterator[Path]:
    """An empty folder in the folder; it goes at the end with all that lies in it."""
    path = _named(folder, "")
    _made(path, path.mkdir)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def nameless_file(folder: Path) -> IO[bytes]:
    """An empty file on the folder's disk that goes with whoever has it open or mapped."""
    return _made(folder / "any", lambda: tempfile.TemporaryFile(dir=folder))


def _named(folder: Path, suffix: str) -> Path:
    return folder / f"{socket.gethostname()}~{os.getpid()}~{uuid.uuid4().hex}{suffix}"


def _made(path: Path, make: Callable[[], Made]) -> Made:
    """At once, so that another process does not tidy the folder away before there is something in it."""
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):  # tidied away between these two
            return make()


def swept(folder: Path) -> int:
    """Remove files and folders of this host's dead processes; returns how many."""
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
                (shutil.rmtree if (folder / name).is_dir() else os.unlink)(folder / name)
                found += 1
    return found
