"""Files under another name, without writing them again."""

from __future__ import annotations

import contextlib
import os
import uuid
from pathlib import Path

from pipeline.storage.durable import make_folder
from pipeline.storage.store import Store


def replace(store: Store, path: str, by: str) -> None:
    """Move a file over another."""
    _check_fence(store)
    if store.remote:
        store.fs.mv(store.full(path), store.full(by))
    else:
        os.replace(store.full(path), store.full(by))


def link(store: Store, path: str, name: str) -> None:
    """Let a file stand under a second name where nothing is yet; nothing happens where there is no such file."""
    _check_fence(store)
    if not store.exists(path) or store.exists(name):
        return
    with contextlib.suppress(FileNotFoundError, FileExistsError):  # by another process, since it was asked
        if store.remote:
            store.fs.copy(store.full(path), store.full(name))
        else:
            make_folder(Path(store.full(name)).parent)
            os.link(store.full(path), store.full(name))


def set_aside(store: Store, path: str) -> None:
    """Move a damaged file out of the way, so that its unit is done again; it is kept for inspection. What another process
    set aside meanwhile is."""
    with contextlib.suppress(FileNotFoundError):
        replace(store, path, damaged_name(path))


def damaged_name(path: str) -> str:
    """Beside its place, and nothing else has it."""
    return f"{path}.damaged-{uuid.uuid4().hex[:8]}"


def _check_fence(store: Store) -> None:
    if store.fence is not None:
        store.fence.check()
