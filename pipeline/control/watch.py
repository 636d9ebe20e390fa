"""The runner's second thread: it says that the attempt lives and how far it is, and listens to what is wanted."""

from __future__ import annotations

import json
import os
import sys
import threading
import time

import psutil

from pipeline.control.lease import Beat, write_beat
from pipeline.control.wish import wanted
from pipeline.errors import Fenced
from pipeline.execution.halt import Halt
from pipeline.progress import Progress
from pipeline.storage.store import Store

BEAT_S, LISTEN_S = 1.0, 0.3
REMOTE_BEAT_S, REMOTE_LISTEN_S = 3.0, 2.0
"""Every beat and every look at a wish is a request to the bucket."""
WEIGH_EVERY = 5
"""Beats from one measurement of memory to the next: it looks at every child."""
FENCED_EXIT = 75


class Counted:
    """Shows progress as another does, and counts it."""

    def __init__(self, shown: Progress) -> None:
        self._shown = shown
        self.stage = ""
        self.units = self.units_done = self.bytes = self.bytes_done = self.committed = 0

    def start(self, stage: str, units: int, units_done: int, work_bytes: int) -> None:
        self.stage, self.units, self.units_done = stage, units + units_done, units_done
        self.bytes, self.bytes_done = work_bytes, 0
        self._shown.start(stage, units, units_done, work_bytes)

    def advance(self, done_bytes: int) -> None:
        self.units_done += 1
        self.committed += 1
        self.bytes_done += done_bytes
        self._shown.advance(done_bytes)

    def finish(self, seconds: float) -> None:
        self._shown.finish(seconds)

    def warn(self, message: str) -> None:
        self._shown.warn(message)

    def close(self) -> None:
        self._shown.close()


class Watch(threading.Thread):
    """Beats and obeys until the process ends. An attempt that was given up ends at once."""

    def __init__(self, store: Store, job_id: str, attempt: int, counted: Counted, halt: Halt) -> None:
        super().__init__(name="watch", daemon=True)
        self._store, self._job_id, self._attempt = store, job_id, attempt
        self._counted, self._halt = counted, halt
        self._beats = self._rss_bytes = 0
        self._beat_s, self._listen_s = (REMOTE_BEAT_S, REMOTE_LISTEN_S) if store.remote else (BEAT_S, LISTEN_S)
        self._said = ""

    def run(self) -> None:
        next_beat_s = time.monotonic()
        while True:
            try:
                if time.monotonic() >= next_beat_s:
                    next_beat_s = time.monotonic() + self._beat_s
                    self.beat()
                self._obey()
            except Fenced:
                if self._halt.decided:
                    return  # by the job itself, which is saying how it ended; were it another's doing, it would find that
                os._exit(FENCED_EXIT)  # workers go with it, and nothing more is to be written
            except Exception as error:  # a full disk, a bucket out of reach: it may pass, and the work goes on
                self._tell(f"{type(error).__name__}: {error}")
            time.sleep(self._listen_s)

    def beat(self) -> None:
        if self._beats % WEIGH_EVERY == 0:
            self._rss_bytes = rss_bytes()
        self._beats += 1
        c = self._counted
        beat = Beat(
            self._beats, c.stage, c.units_done, c.units, c.bytes_done, c.bytes, c.committed, self._rss_bytes
        )  # fmt: skip
        write_beat(self._store, self._job_id, self._attempt, beat)

    def _obey(self) -> None:
        wish = wanted(self._store, self._job_id)
        if wish == "cancel":
            self._halt.stop("cancelled")
        elif wish == "pause":
            self._halt.rest()
            if self._halt.overdue:
                self._halt.stop("paused")
        else:
            self._halt.go_on()

    def _tell(self, what: str) -> None:
        if what != self._said:
            self._said = what
            print(json.dumps({"verb": "warning", "message": f"beat or wish: {what}"}), file=sys.stderr, flush=True)  # noqa: T201 - the log


def rss_bytes() -> int:
    """Memory of this process and all below it; shared pages count each time."""
    total = 0
    me = psutil.Process()
    for process in [me, *me.children(recursive=True)]:
        try:
            total += process.memory_info().rss
        except psutil.Error:
            continue
    return total
