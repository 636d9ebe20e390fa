"""One service a workspace: locks on its state folder and on the workspace, held as long as the process lives, and gone with it."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from api.errors import AlreadyServed
from pipeline.storage.files import is_remote, local_path, told

OWN_STATE = "service"
"""Where the state of a workspace in a folder lies, unless it is put elsewhere."""


@contextlib.contextmanager
def only_service(state_folder: Path, workspace: str) -> Iterator[None]:
    """Hold the workspace for this process. A workspace in a folder is locked itself, too: another `--state` is no way around.

    Raises AlreadyServed where another service has it.
    """
    folders = [state_folder] if is_remote(workspace) else [state_folder, local_path(workspace).absolute() / OWN_STATE]
    with contextlib.ExitStack() as stack:
        for folder in dict.fromkeys(folders):
            stack.enter_context(_locked(folder, workspace))
        yield


@contextlib.contextmanager
def _locked(state_folder: Path, workspace: str) -> Iterator[None]:
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
