"""Copies of the catalog for questions in SQL: made when asked for, and shared."""

from __future__ import annotations

import contextlib
import os
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

KEPT = 2
"""The newest, and the one before: a process that was just told its name may not have opened it yet."""
REST = 20.0
"""Copying takes at most one part in so many of the time, however large the catalog has become."""


class Snapshots:
    """Published copies in a folder of their own. Safe between threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._kept: list[Path] = []
        self._stands_for = -1
        self._made_at = 0.0
        self._took_s = 0.0
        self._sweep()

    def newest(self, max_age_s: float, generation: Callable[[], int], copy: Callable[[Path], None]) -> Path:
        """The newest copy, if nothing changed since or it is young enough; else a new one. generation: a number that
        changes with the content; copy: writes one."""
        with self._lock:
            now, stands_for = time.monotonic(), generation()
            young = now - self._made_at < max(max_age_s, REST * self._took_s)
            if self._kept and self._kept[-1].exists() and (self._stands_for == stands_for or young):
                return self._kept[-1]
            self.folder.mkdir(parents=True, exist_ok=True)
            name = uuid.uuid4().hex[:12]
            temporary, path = self.folder / f"{name}.part", self.folder / f"catalog-{name}.duckdb"
            copy(temporary)
            os.replace(temporary, path)
            self._kept.append(path)
            self._stands_for, self._made_at, self._took_s = stands_for, now, time.monotonic() - now
            for old in self._kept[:-KEPT]:
                old.unlink(missing_ok=True)
            self._kept = self._kept[-KEPT:]
            return path

    def close(self) -> None:
        """Remove all of them."""
        with self._lock:
            self._kept = []
            self._sweep()

    def _sweep(self) -> None:
        for path in self.folder.glob("*") if self.folder.is_dir() else ():
            with contextlib.suppress(OSError):
                path.unlink()
