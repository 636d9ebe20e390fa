"""Writing to a local disk so that what was said to be there is there after a power cut."""

from __future__ import annotations

import os
from pathlib import Path


def write_text(path: Path, text: str) -> None:
    """UTF-8; a lone surrogate (a file name that is no UTF-8) becomes its JSON escape."""
    path.write_bytes(text.encode("utf-8", "backslashreplace"))


def sync(path: Path) -> None:
    """Wait until a file's content, or a folder's list of names, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path, durable: bool = True) -> None:
    """A folder and what it lies in; the names of those that are new are synced, too."""
    missing = []
    at = folder
    while not at.exists():
        missing.append(at)
        at = at.parent
    folder.mkdir(parents=True, exist_ok=True)
    if durable:
        for made in missing:
            sync(made.parent)


def append_line(path: Path, line: str) -> None:
    """One write for the whole line, so that no other's comes between; a last line torn by a crash is ended first."""
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        size = os.fstat(descriptor).st_size
        torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        whole = (b"\n" if torn else b"") + line.encode("utf-8", "backslashreplace") + b"\n"
        if os.write(descriptor, whole) != len(whole):
            raise OSError(28, os.strerror(28), str(path))
    finally:
        os.close(descriptor)
