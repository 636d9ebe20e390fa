"""Copies of a file that DuckDB holds in this process, without letting go of it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


class Copier:
    """Reads one file through a descriptor that stays open. On POSIX, closing *any* descriptor of a file ends every lock that
    the process has on it: a copy that opened and closed the catalog would let a second writer in."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")

    def copy(self, to: Path) -> None:
        """Write what the file holds now to another."""
        with to.open("wb") as copied:
            self._file.seek(0)
            shutil.copyfileobj(self._file, copied, 1 << 20)

    def is_of(self, path: Path) -> bool:
        """Whether this is still the file of that name."""
        held = os.fstat(self._file.fileno())
        now = path.stat()
        return (held.st_dev, held.st_ino) == (now.st_dev, now.st_ino)

    def close(self) -> None:
        """Only once DuckDB has let go of the file."""
        self._file.close()
