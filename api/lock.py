"""One service a workspace: a lock on its state folder, held as long as the process lives, and gone with it."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from api.errors import AlreadyServed
from pipeline.storage.files import told


@contextlib.contextmanager
def only_service(state_folder: Path, workspace: str) -> Iterator[None]:
    """Hold the workspace for this process. Raises AlreadyServed where another one has it."""
    path = state_folder / "lock"
    with told(str(path)):
        state_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            raise AlreadyServed(
                f"workspace {workspace}: another service works on it (process {holder}); stop that one, or choose another --workspace"
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
