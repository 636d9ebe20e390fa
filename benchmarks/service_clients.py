"""Clients that use a service all the time while it is killed: some submit, each the same twice, and watch what they
submitted; one lists; one steers."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import WinnowError
from tests.control import RECIPE
from tests.service_process import ServiceProcess
from winnow.client import Client
from winnow.client.errors import WrongState

SUBMITTERS = 4
PATIENCE_S = 300.0
LIST_EVERY_S = 0.2
STEER_EVERY_S = 1.0
CANCELLED_FRAC = 0.15
"""Of what is steered; the others are paused and resumed."""


@dataclass
class Sent:
    """A submission: the ids that came back (one, if all is well), and what its watcher heard: ids of events, those of
    finished units left out."""

    corpus: str
    output: Path
    ids: set[str] = field(default_factory=set)
    heard: list[int] = field(default_factory=list)
    cancelled: bool = False

    @property
    def job_id(self) -> str:
        return min(self.ids)


class Clients:
    """Threads over one service. sent: what was submitted; faults: answers that no client should get."""

    def __init__(self, service: ServiceProcess, paths: Sequence[str], seed: int) -> None:
        self.sent: list[Sent] = []
        self.faults: list[str] = []
        self._service, self._paths, self._seed = service, paths, seed
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._open: dict[str, Sent] = {}

    @contextlib.contextmanager
    def working(self) -> Iterator[Clients]:
        """At work until the block ends; then those who watch do so to the end of their jobs."""
        work: list[Callable[[Client], None]] = [self._list, self._steer, *([self._submit] * SUBMITTERS)]
        threads = [threading.Thread(target=self._guarded, args=(one,), daemon=True) for one in work]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            for thread in threads:
                thread.join(PATIENCE_S)
        self.faults += [f"{thread.name} did not come to its end" for thread in threads if thread.is_alive()]

    def _guarded(self, work: Callable[[Client], None]) -> None:
        """One turn after another; what goes wrong in one is kept."""
        with self._service.client(patience_s=PATIENCE_S) as client:
            while not self._stop.is_set():
                try:
                    work(client)
                except WinnowError as error:
                    self.faults.append(f"{work.__name__}: {type(error).__name__}: {error}")

    def _submit(self, client: Client) -> None:
        """Submit, submit the same again, and watch to the end."""
        with self._lock:
            number = len(self.sent)
            one = Sent(f"c{number}", self._service.folder / "out" / str(number))
            self.sent.append(one)
        for _ in range(2):
            job = client.submit(
                RECIPE, self._paths, idempotency_key=f"key-{number}", corpus=one.corpus, output=one.output,
                workers=1 + number % 2,
            )  # fmt: skip
            one.ids.add(job.id)
        with self._lock:
            self._open[one.job_id] = one
        one.heard = [
            event.id for event in job.events() if event.id is not None and event.kind not in ("progress", "done")
        ]
        with self._lock:
            del self._open[one.job_id]

    def _list(self, client: Client) -> None:
        time.sleep(LIST_EVERY_S)
        for job in client.jobs(limit=5):
            list(job.shards(limit=50))
            job.refresh()

    def _steer(self, client: Client) -> None:
        """Pause and resume one of the jobs that are watched, or cancel it."""
        pick = random.Random(f"{self._seed}/{len(self.sent)}/{time.monotonic_ns()}")
        time.sleep(pick.uniform(0, 2 * STEER_EVERY_S))
        with self._lock:
            one = pick.choice(list(self._open.values())) if self._open else None
        if one is None:
            return
        job = client.job(one.job_id)
        with contextlib.suppress(WrongState):  # it is over, or somebody resumed it
            if pick.random() < CANCELLED_FRAC:
                one.cancelled = True
                job.cancel()
                return
            job.pause()
            time.sleep(pick.uniform(0, STEER_EVERY_S))
        with contextlib.suppress(WrongState):
            job.resume()
