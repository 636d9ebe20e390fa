"""Where units run: in this process, in worker processes, or on Ray. The only file that imports ray.

All executors share one contract and give byte-identical output, because a unit's part depends on the unit alone.
Ray runs plain tasks over paths: Ray Data's writers are reported to hold 2 to 5 times the data in hidden memory,
to hang on a dead actor and to write duplicates after a crash.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from pipeline.errors import UnitFailed, UsageError, WinnowError
from pipeline.execution import pool
from pipeline.execution.halt import Halt
from pipeline.execution.memory import give_back
from pipeline.execution.pool import Outcome, Pool
from pipeline.unit import ATTEMPTS

SMALL_JOB_BYTES = 16_000_000
"""Below this a job runs in the driver: starting two workers costs about as long as scoring 20 MB."""
RAY_PAYS_BYTES = 8_000_000_000
"""Above this `auto` starts an embedded Ray (6 to 12 s): its memory monitor and dashboard are worth the start-up."""
OBJECT_STORE_BYTES = 128_000_000
"""Tasks get paths and return records, so that Ray's object store stays nearly empty."""

REACHABLE_S = 10.0
ABANDON_S = 3.0
FIRST_CORE_S = 180.0
"""So long a cluster without cores may take to have one: longer than a node takes to join, or to be started."""

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
    reason = outcome.lost or f"{type(outcome.error).__name__}: {outcome.error}"
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
                error = raised
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


class OnRay:
    """Plain Ray tasks, one CPU each, on an embedded or a running cluster."""

    name = "ray"
    started = True

    def __init__(self, workers: int | None, address: str | None) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        if address is None:
            # an unauthenticated cluster runs anybody's code: even the embedded one gets a token of its own
            os.environ.setdefault("RAY_AUTH_MODE", "token")
            if os.environ["RAY_AUTH_MODE"] == "token" and "RAY_AUTH_TOKEN_PATH" not in os.environ:
                os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
        if address is not None:
            _check_reachable(address)
        import ray

        self._ray: Any = ray
        self._running: dict[Any, tuple[int, float]] = {}
        try:
            if address is None:
                ray.init(
                    address="local",
                    num_cpus=workers or os.cpu_count(),
                    include_dashboard=False,
                    object_store_memory=OBJECT_STORE_BYTES,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                )
            else:
                ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise UsageError(
                f"Ray at {address or 'local'!r} cannot be reached: {error}. Is the head running, and RAY_AUTH_TOKEN set?"
            ) from error
        cluster_cpus = self._cores() or self._first_cores(address)
        self.workers = min(workers or cluster_cpus, cluster_cpus)
        self._remote = self._ray.remote(num_cpus=1, max_retries=0)(_remote_attempt)

    def _cores(self) -> int:
        return int(self._ray.cluster_resources().get("CPU", 0))

    def _first_cores(self, address: str | None) -> int:
        """Cores of a cluster that had none: a node may be joining it, or be started because a core is asked for. Raises
        UsageError where none comes, because units would wait for it without a word."""
        asked = self._ray.remote(num_cpus=1)(_where).remote()
        ready, _ = self._ray.wait([asked], timeout=FIRST_CORE_S)
        if not ready:
            self._ray.shutdown()
            raise UsageError(
                f"Ray at {address or 'local'!r} has no cores, and none has joined within {FIRST_CORE_S:.0f} s; "
                f"start a node: ray start --address={address}, and look into its log where it ends at once"
            )
        return self._cores() or 1

    def attempt(
        self, task: Callable[[Any], Any], units: Sequence[Any], limits_s: Sequence[float], halt: Halt
    ) -> Iterator[Outcome]:
        shared = self._ray.put(task)
        waiting = list(range(len(units)))[::-1]
        running: dict[Any, tuple[int, float]] = {}
        self._running = running
        stopped: dict[Any, str] = {}
        try:
            while (waiting and not halt.resting) or running:
                while waiting and not halt.resting and len(running) < self.workers:
                    index = waiting.pop()
                    running[self._remote.remote(shared, units[index])] = (index, time.monotonic())
                ready, _ = self._ray.wait(list(running), num_returns=1, timeout=0.5)
                for reference in ready:
                    index, since = running.pop(reference)
                    yield self._outcome(reference, index, time.monotonic() - since, stopped.pop(reference, None))
                for reference, (index, since) in running.items():
                    if time.monotonic() - since > limits_s[index] and reference not in stopped:
                        stopped[reference] = f"it made no end within {limits_s[index]:.0f} s and was stopped"
                        self._ray.cancel(reference, force=True)
                if halt.overdue:
                    return
        finally:
            self._abandon()

    def _abandon(self) -> None:
        """Stop tasks nobody waits for any more, wherever they are: nothing is to be written once a job has ended."""
        left = list(self._running)
        self._running = {}
        for reference in left:
            self._ray.cancel(reference, force=True)
        if left:
            self._ray.wait(left, num_returns=len(left), timeout=ABANDON_S)

    def _outcome(self, reference: Any, index: int, seconds: float, stopped: str | None) -> Outcome:
        try:
            value, error, worker = self._ray.get(reference)
        except self._ray.exceptions.RayError as lost:
            told = str(lost).strip().splitlines()
            reason = (
                stopped or f"its Ray worker was lost ({type(lost).__name__}: {told[-1] if told else 'no reason given'})"
            )
            return Outcome(index, None, None, reason, seconds, "")
        return Outcome(index, value, error, None, seconds, worker)

    def close(self) -> None:
        self._abandon()
        self._ray.shutdown()


def _check_reachable(address: str) -> None:
    """Ray waits minutes for a head that is not there, and says so in many lines."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        return
    try:
        socket.create_connection((host.removeprefix("ray://"), int(port)), timeout=REACHABLE_S).close()
    except OSError as error:
        raise UsageError(
            f"Ray at {address!r} cannot be reached: {error}. Is the head running, and its port open?"
        ) from error


def _where() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def _remote_attempt(task: Callable[[Any], Any], unit: Any) -> tuple[Any, Exception | None, str]:
    worker = _where()
    _arrow_threads(1)
    try:
        return task(unit), None, worker
    except Exception as error:
        return None, error, worker


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
    if wanted == 1:
        return InProcess(arrow_threads=1)
    if workers is None and input_bytes < SMALL_JOB_BYTES:
        return InProcess()
    return LocalPool(wanted)
