"""Units on Ray: a cluster by its address, or one of this machine's own. The only file that imports ray.

Plain tasks over paths: Ray Data's writers are reported to hold 2 to 5 times the data in hidden memory, to hang on a dead actor
and to write duplicates after a crash.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pipeline.errors import UsageError
from pipeline.execution.halt import Halt
from pipeline.execution.pool import Outcome
from pipeline.execution.processes import forgo_dateutil
from pipeline.storage.files import noted

OBJECT_STORE_BYTES = 128_000_000
"""Tasks get paths and return records, so that Ray's object store stays nearly empty."""

REACHABLE_S = 10.0
ABANDON_S = 3.0
FIRST_CORE_S = 180.0
"""So long a cluster without cores may take to have one: longer than a node takes to join, or to be started."""


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
    import pyarrow as pa

    worker = _where()
    pa.set_cpu_count(1)
    forgo_dateutil()
    try:
        return task(unit), None, worker
    except Exception as error:
        return None, noted(error), worker
