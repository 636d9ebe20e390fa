"""Asking a job that runs to rest or to stop: from another thread, and without losing what it is about to say."""

from __future__ import annotations

import os
import signal
import threading
import time
from types import FrameType
from typing import Literal

INTERRUPTED = 130

Outcome = Literal["paused", "cancelled"]


class Halt:
    """rest: no further unit is handed out, those in flight may finish for grace_s. stop: the main thread is interrupted.

    A job that is about to say how it ended calls `decide` first: after that it is not interrupted any more. decided: whether it did.
    """

    def __init__(self, grace_s: float = 15.0) -> None:
        self.grace_s = grace_s
        self.outcome: Outcome = "cancelled"
        self.decided = False
        self._rest_since: float | None = None
        self._lock = threading.Lock()
        self._deaf = self._stopping = False

    def rest(self) -> None:
        """Come to rest between units."""
        if self._rest_since is None:
            self._rest_since = time.monotonic()

    def go_on(self) -> None:
        """Take `rest` back; too late once the job has rested."""
        self._rest_since = None

    @property
    def resting(self) -> bool:
        return self._rest_since is not None

    @property
    def overdue(self) -> bool:
        """Whether units in flight have had their time."""
        since = self._rest_since
        return since is not None and time.monotonic() - since > self.grace_s

    def stop(self, outcome: Outcome) -> None:
        """Interrupt the main thread, once, unless it has decided how it ends. outcome: what the job then is."""
        with self._lock:
            if self._deaf or self._stopping:
                return
            self._stopping, self.outcome = True, outcome
        main = threading.main_thread().ident
        assert main is not None
        signal.pthread_kill(main, signal.SIGINT)

    def decide(self) -> None:
        """The job says how it ended from here on; a stop comes too late."""
        with self._lock:
            self.decided = self._deaf = True

    def listen(self) -> None:
        """In a process whose only wishes come by `stop`: one interrupt for one stop, and any other SIGINT ends it."""
        signal.signal(signal.SIGINT, self._interrupted)

    def _interrupted(self, _signal: int, _frame: FrameType | None) -> None:
        if not self._stopping:
            os._exit(INTERRUPTED)
        if not self._deaf:
            self._deaf = True
            raise KeyboardInterrupt
