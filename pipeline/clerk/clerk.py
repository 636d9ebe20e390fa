"""Clerks as the service sees them: processes that are started when first needed, kept warm, and ended when idle.

Nothing heavy is imported here: what a question needs, its process imports.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from pipeline.clerk.process import Clerk, question_of
from pipeline.errors import ClerkLost, ClerksBusy

MEMORY_BYTES = 2 << 30


class Clerks:
    """Up to n processes over one workspace, one question each at a time; safe between threads.

    idle_s: how long one without a question is kept; memory_bytes: what each may take above its code.
    Close it, or use it in a with statement: its processes are ended.
    """

    def __init__(
        self, workspace: str, n: int = 2, idle_s: float = 120.0, memory_bytes: int = MEMORY_BYTES, threads: int = 2
    ) -> None:
        self.workspace = workspace
        self._most, self._idle_s = n, idle_s
        self._memory_bytes, self._threads = memory_bytes, threads
        self._changed = threading.Condition()
        self._idle: list[Clerk] = []
        self._all: set[Clerk] = set()
        self._starting = 0
        self._timer: threading.Timer | None = None
        self._closed = False

    def ask(self, verb: str, arguments: Mapping[str, Any], seconds: float) -> Any:
        """The answer to one question, as JSON values. seconds: from here to the answer, waiting for a clerk included.

        Raises the WinnowError that its verb raised, by its code; ClerksBusy; ClerkTimeout; ClerkLost; ClerkOutOfMemory.
        """
        deadline, question, again = time.monotonic() + seconds, question_of(verb, arguments), False
        while True:
            clerk = self._take(deadline, seconds)
            try:
                answer = clerk.ask(question, deadline, seconds)
            except ClerkLost:
                self._drop(clerk)
                if clerk.answered == 0 or again:
                    raise
                again = True  # it may have died while it waited for a question; every verb only reads
                continue
            except BaseException:
                self._drop(clerk)
                raise
            if clerk.usable:
                self._give_back(clerk)
            else:
                self._drop(clerk)
            return answer.value()

    def pids(self) -> list[int]:
        """Of the processes there are."""
        with self._changed:
            return [clerk.pid for clerk in self._all]

    def close(self) -> None:
        """End all of them; questions under way get ClerkLost."""
        with self._changed:
            self._closed = True
            ended, self._all, self._idle = list(self._all), set(), []
            if self._timer is not None:
                self._timer.cancel()
            self._changed.notify_all()
        for clerk in ended:
            clerk.end()

    def __enter__(self) -> Clerks:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _take(self, deadline: float, seconds: float) -> Clerk:
        """A clerk without a question, for this thread alone."""
        with self._changed:
            while True:
                if self._closed:
                    raise ClerkLost("the clerks are closed: the service is stopping; ask again when it is back")
                while self._idle:
                    clerk = self._idle.pop()  # the one that answered last: its caches are warm, and others may end
                    if clerk.alive():
                        return clerk
                    self._forget(clerk)
                if len(self._all) + self._starting < self._most:
                    self._starting += 1
                    break
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    raise ClerksBusy(
                        f"all {self._most} clerks are busy, none was free within {seconds:g} s; ask again later"
                    )
        return self._start()

    def _start(self) -> Clerk:
        clerk: Clerk | None = None
        try:
            clerk = Clerk(self.workspace, self._memory_bytes, self._threads)
        finally:
            with self._changed:
                self._starting -= 1
                if clerk is not None and not self._closed:
                    self._all.add(clerk)
                self._changed.notify_all()
        if self._closed:
            clerk.end()
        return clerk

    def _give_back(self, clerk: Clerk) -> None:
        with self._changed:
            clerk.idle_since = time.monotonic()
            if self._closed:
                return  # close() ended it
            self._idle.append(clerk)
            self._watch()
            self._changed.notify()

    def _drop(self, clerk: Clerk) -> None:
        with self._changed:
            self._forget(clerk)
            self._changed.notify()

    def _forget(self, clerk: Clerk) -> None:
        self._all.discard(clerk)
        clerk.end()

    def _watch(self) -> None:
        """See to it that idle ones are ended in time. Called with the lock."""
        if self._timer is None and self._idle:
            self._timer = threading.Timer(self._idle_s, self._end_idle)
            self._timer.daemon = True
            self._timer.start()

    def _end_idle(self) -> None:
        with self._changed:
            self._timer = None
            now = time.monotonic()
            for clerk in [c for c in self._idle if now - c.idle_since >= self._idle_s]:
                self._idle.remove(clerk)
                self._forget(clerk)
            self._watch()
