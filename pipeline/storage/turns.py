"""Work that two processes must not do at once."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from pipeline.storage.durable import make_folder
from pipeline.storage.store import Store


@contextlib.contextmanager
def in_turn(store: Store, name: str) -> Iterator[None]:
    """Wait until no other process is within the same name. A process that ends, however it ends, gives its turn up. In a
    bucket nothing is waited for."""
    if store.remote:
        yield
        return
    path = Path(store.full(f"{name}.lock"))
    make_folder(path.parent)
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
