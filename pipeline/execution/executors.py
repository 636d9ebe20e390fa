"""Where units run: in this process, in worker processes, or on Ray (pipeline/execution/on_ray.py).

All executors share one contract and give byte-identical output, because a unit's part depends on the unit alone.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from pipeline.errors import UnitFailed, WinnowError
from pipeline.execution import pool
from pipeline.execution.halt import Halt
from pipeline.execution.memory import give_back
from pipeline.execution.on_ray import OnRay
from pipeline.execution.pool import Outcome, Pool
from pipeline.storage.files import noted
from pipeline.unit import ATTEMPTS

SMALL_JOB_BYTES = 16_000_000
"""Below this a job runs in the driver: starting two workers costs about as long as scoring 20 MB."""
ALONE_BYTES = 300_000_000
"""Above this one worker, too, is a process beside the driver: its memory stays as it is however large the corpus, a stuck or dead one
costs its unit one attempt and not the job, and starting it is a fiftieth of the run."""
RAY_PAYS_BYTES = 8_000_000_000
"""Above this `auto` starts an embedded Ray (6 to 12 s): its memory monitor and dashboard are worth the start-up."""

Name = Literal["auto", "local", "ray"]


@dataclass(frozen=True, slots=True)
class Done:
    """A unit that is done, or failed for good (error). seconds: its last attempt; attempts: how many it took."""

    index: int
    value: Any
    error: WinnowError | None
    seconds: float
    worker: str
    attempts: int


class Executor(Protocol):
    """Runs units. `attempt` tries each once; `run` (below) bounds the attempts, the same for all executors."""

    name: str
    workers: int

    @property
    def started(self) -> bool:
        """Whether workers are there already, so that even cheap units are worth handing out."""
        ...

    def attempt(
        self, task: Callable[[Any], Any], units: Sequence[Any], limits_s: Sequence[float], halt: Halt
    ) -> Iterator[Outcome]:
        """Once it is to rest, units that were not begun have no outcome."""
        ...

    def close(self) -> None: ...


def run(
    executor: Executor,
    task: Callable[[Any], Any],
    units: Sequence[Any],
    names: Sequence[str],
    limits_s: Sequence[float],
    halt: Halt | None = None,
) -> Iterator[Done]:
    """Every unit to its end: what says so itself (a WinnowError) is final, a lost worker or an unexpected error is
    tried again, ATTEMPTS times in all. Once it is to rest, units that were not begun are left."""
    halt = halt or Halt()
    attempts = [0] * len(units)
    pending = list(range(len(units)))
    while pending and not halt.resting:
        left = set(pending)
        for outcome in executor.attempt(task, [units[i] for i in pending], [limits_s[i] for i in pending], halt):
            index = pending[outcome.index]
            attempts[index] += 1
            error = _final_error(outcome, names[index], attempts[index])
            if error is None and (outcome.error is not None or outcome.lost is not None):
                continue
            left.remove(index)
            yield Done(index, outcome.value, error, outcome.seconds, outcome.worker, attempts[index])
        pending = sorted(left)


def _final_error(outcome: Outcome, name: str, attempts: int) -> WinnowError | None:
    if isinstance(outcome.error, WinnowError):
        return outcome.error
    if (outcome.error is None and outcome.lost is None) or attempts < ATTEMPTS:
        return None
    said = [f"{type(outcome.error).__name__}: {outcome.error}", *getattr(outcome.error, "__notes__", ())]
    reason = outcome.lost or "; ".join(said)
    error = UnitFailed(
        f"unit {name} failed {attempts} times, last because {reason}. Other units are kept: run the same command to go on"
    )
    error.__cause__ = outcome.error
    return error


class InProcess:
    """One unit after the other in this process. arrow_threads: what Arrow may use meanwhile; None leaves it as it is."""

    name = "local"
    workers = 1
    started = False

    def __init__(self, arrow_threads: int | None = None) -> None:
        self._before = _arrow_threads(arrow_threads)

    def attempt(
        self, task: Callable[[Any], Any], units: Sequence[Any], limits_s: Sequence[float], halt: Halt
    ) -> Iterator[Outcome]:
        give_back()
        for index, unit in enumerate(units):
            if halt.resting:
                return
            started = time.monotonic()
            value, error = None, None
            try:
                value = task(unit)
            except Exception as raised:
                error = noted(raised)
            yield Outcome(index, value, error, None, time.monotonic() - started, str(os.getpid()))

    def close(self) -> None:
        """Arrow's threads as they were."""
        _arrow_threads(self._before)


def _arrow_threads(wanted: int | None) -> int:
    """Set how many threads Arrow may use in this process; returns how many it might before."""
    import pyarrow as pa  # here, because the fork server is started before anything heavy is imported

    before: int = pa.cpu_count()
    if wanted is not None:
        pa.set_cpu_count(wanted)
    return before


class LocalPool:
    """Worker processes of this machine."""

    name = "local"

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._pool = Pool(workers)

    @property
    def started(self) -> bool:
        return self._pool.started

    def attempt(
        self, task: Callable[[Any], Any], units: Sequence[Any], limits_s: Sequence[float], halt: Halt
    ) -> Iterator[Outcome]:
        yield from self._pool.run(task, units, limits_s, halt)

    def close(self) -> None:
        self._pool.close()


def prepare(name: Name, workers: int | None, address: str | None, warm: Mapping[str, Any]) -> None:
    """Where worker processes are likely, begin to start them, with the scorers that `warm` tells (pipeline/execution/warm.py)."""
    if name != "ray" and not (address or os.environ.get("RAY_ADDRESS")) and (workers or os.cpu_count() or 1) > 1:
        pool.prepare(warm)


def choose(name: Name, workers: int | None, address: str | None, input_bytes: int) -> Executor:
    """The executor for a job: `auto` takes a named cluster, stays in process for small jobs, and starts an embedded
    Ray only where its start-up is noise."""
    address = address or os.environ.get("RAY_ADDRESS")
    if name == "ray" or (name == "auto" and (address or input_bytes >= RAY_PAYS_BYTES)):
        return OnRay(workers, address)
    wanted = workers or os.cpu_count() or 1
    if wanted == 1 and input_bytes < ALONE_BYTES:
        return InProcess(arrow_threads=1)
    if workers is None and input_bytes < SMALL_JOB_BYTES:
        return InProcess()
    return LocalPool(wanted)
