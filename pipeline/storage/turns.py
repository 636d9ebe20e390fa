"""Work that two processes must not do at once.

In a folder the kernel's lock on a file says who is within, and the file goes with its holder. In a bucket turns are numbered, and a
number is taken by whoever creates its record first; its holder gives signs of life beside it, and one that gives none for LEASE_S
has lost its turn.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.errors import Fenced
from pipeline.storage.durable import make_folder
from pipeline.storage.records import find_record
from pipeline.storage.store import Store

LEASE_S, BEAT_S, LOOK_S = 20.0, 2.0, 0.5

Check = Callable[[], None]
"""To be called before each write: raises Fenced once another has the turn, because this process was silent too long."""


@contextlib.contextmanager
def in_turn(store: Store, name: str, waits: Callable[[], None] = lambda: None) -> Iterator[Check]:
    """Wait until no other process is within the same name. A process that ends, however it ends, gives its turn up. waits: called
    once where another is within."""
    if store.remote:
        turn = _Turn(store, f"{name}.turns")
        turn.begin(waits)
        try:
            yield turn.check
        finally:
            turn.end()
        return
    path = Path(store.full(f"{name}.lock"))
    lock = _locked(path, waits)
    try:
        yield lambda: None
    finally:
        path.unlink(missing_ok=True)
        fcntl.flock(lock, fcntl.LOCK_UN)  # a process forked meanwhile has the file open, too
        os.close(lock)


def _locked(path: Path, waits: Callable[[], None]) -> int:
    """An open file that has the lock of what lies at the path: the one before may have taken it away meanwhile."""
    told = False
    while True:
        make_folder(path.parent)
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if not told:
                    told = True
                    waits()
                fcntl.flock(lock, fcntl.LOCK_EX)
            if _lies_at(path, lock):
                return lock
        except BaseException:
            os.close(lock)
            raise
        os.close(lock)


def _lies_at(path: Path, file: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(file))
    except FileNotFoundError:
        return False


@dataclass
class _Turn:
    """One number of a folder of turns: NNNNNN.json is its claim, NNNNNN.beat its signs of life and its end."""

    store: Store
    folder: str
    number: int = 0
    _over: threading.Event = field(default_factory=threading.Event)
    _pulse: threading.Thread | None = None

    def begin(self, waits: Callable[[], None]) -> None:
        """Wait for the turn before to end, or to fall silent by this process's own clock; then take the next number."""
        seen: tuple[int, Any] | None = None
        told = False
        since = time.monotonic()
        while self.number == 0:
            latest = max(self._numbers(), default=0)
            said = find_record(self.store, self._path(latest, "beat")) if latest else None
            if (latest, said) != seen:
                seen, since = (latest, said), time.monotonic()
            if latest == 0 or (said or {}).get("ended") or time.monotonic() - since > LEASE_S:
                self._claim(latest + 1)
            else:
                if not told:
                    told = True
                    waits()
                time.sleep(LOOK_S)
        self._pulse = threading.Thread(target=self._beat, daemon=True)
        self._pulse.start()

    def check(self) -> None:
        # any later one: the next may have come, ended, and been cleared away by the one after it
        if max(self._numbers(), default=0) > self.number:
            raise Fenced(
                f"{self.store.full(self.folder)}: turn {self.number} was silent for {LEASE_S:g} s, and another goes on; "
                "give the same command again"
            )

    def end(self) -> None:
        """Say so; what is known of turns before goes."""
        self._over.set()
        if self._pulse is not None:
            self._pulse.join()
        self.store.put_json(self._path(self.number, "beat"), {"ended": True})
        for name in self.store.names(self.folder):
            if int(name.partition(".")[0]) < self.number:
                self.store.remove(f"{self.folder}/{name}")

    def _claim(self, number: int) -> None:
        mine = {"host": socket.gethostname(), "token": secrets.token_hex(8)}
        self.store.commit_json(self._path(number, "json"), mine)
        if find_record(self.store, self._path(number, "json")) == mine:
            self.number = number

    def _beat(self) -> None:
        beats = 0
        while not self._over.wait(BEAT_S):
            beats += 1
            with contextlib.suppress(Exception):  # the next one may come through; silence is what others go by
                self.store.put_json(self._path(self.number, "beat"), {"beats": beats, "ended": False})

    def _numbers(self) -> list[int]:
        return [int(name[:-5]) for name in self.store.names(self.folder) if name.endswith(".json")]

    def _path(self, number: int, kind: str) -> str:
        return f"{self.folder}/{number:06d}.{kind}"
