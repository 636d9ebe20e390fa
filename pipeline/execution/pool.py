"""A pool of worker processes that survives them: a dead or stuck worker costs its own unit one attempt, no other's.

concurrent.futures breaks the whole pool when one worker dies and cannot stop a stuck task; each worker here has its
own pipe, so that the driver always knows which unit was where.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import connection, forkserver, get_context, resource_tracker
from multiprocessing.connection import Connection
from typing import Any

from pipeline.execution.halt import Halt
from pipeline.execution.memory import KEPT_BYTES, give_back, own_bytes
from pipeline.execution.processes import KEEPING, variables
from pipeline.storage.files import noted

PRELOAD = (
    "pipeline.execution.warm",
    "pipeline.stages.score",
    "pipeline.stages.export",
    "pipeline.stages.documents.bands",
    "pipeline.stages.documents.candidates",
    "pipeline.stages.documents.shingles",
    "pipeline.stages.documents.pairs",
    "pipeline.stages.documents.digests",
    "pipeline.stages.documents.equals",
    "pipeline.stages.judge",
    "pipeline.stages.mix",
    "pipeline.stages.documents.dedup",
    "pipeline.stages.ingest",
)
"""Imported once in the fork server, so that a worker starts in milliseconds."""
UNITS_A_WORKER = 8
"""A stage of more has workers of its own: units of another size in what earlier stages left free, in pieces, come to hold twice
what they hold in a new process, and forking one takes 10 ms."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt at unit `index`. lost: the worker died or was stopped (reason says how)."""

    index: int
    value: Any
    error: BaseException | None
    lost: str | None
    seconds: float
    worker: str


@dataclass(slots=True, eq=False)
class _Worker:
    process: Any
    pipe: Connection
    lifeline: Connection
    index: int | None = None
    since: float = 0.0
    task: Callable[[Any], Any] | None = None


def prepare(warm: Mapping[str, Any]) -> None:
    """Start the fork server now: it imports, and loads the scorers that `warm` tells (see pipeline/execution/warm.py), on another
    core while the driver still imports and plans."""
    get_context("forkserver").set_forkserver_preload(list(PRELOAD))
    told = {"WINNOW_WARM": json.dumps(warm), **{n: v for n, v in KEEPING.items() if n not in os.environ}}
    os.environ.update(told)
    atexit.unregister(_end_fork_server)
    atexit.register(_end_fork_server, os.getpid())
    try:
        with _unheard():
            forkserver.ensure_running()
    finally:
        for name in told:
            del os.environ[name]


def _end_fork_server(driver: int) -> None:
    """By itself it ends when it next looks, which is after its imports: a minute, where kernels are compiled. driver: who started it, and
    no fork of that process."""
    pid: int | None = getattr(getattr(forkserver, "_forkserver", None), "_forkserver_pid", None)
    if pid is not None and os.getpid() == driver:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


class Pool:
    """`workers` processes, started on first use and kept from stage to stage, unless one has many units."""

    def __init__(self, workers: int) -> None:
        self._context = get_context("forkserver")
        self._wanted = workers
        self._workers: list[_Worker] = []

    def run(
        self, task: Callable[[Any], Any], units: Sequence[Any], limits_s: Sequence[float], halt: Halt
    ) -> Iterator[Outcome]:
        """Attempt every unit once; outcomes come as they finish. The caller decides what is attempted again. To rest: no
        further unit begins; those in flight are stopped when they are overdue."""
        if len(units) > UNITS_A_WORKER * self._wanted:
            self._end([w for w in self._workers if w.task not in (None, task)])
        waiting = list(range(len(units)))[::-1]
        running = 0
        while (waiting and not halt.resting) or running:
            while waiting and not halt.resting and (worker := self._idle()) is not None:
                index = waiting.pop()
                try:
                    worker.pipe.send((worker.task not in (None, task), task, units[index]))
                except OSError:  # it died while it had nothing to do: another takes the unit
                    waiting.append(index)
                    self._end([worker])
                    continue
                worker.index, worker.since, worker.task = index, time.monotonic(), task
                running += 1
            for outcome in self._collect(limits_s):
                running -= 1
                yield outcome
            if halt.overdue:
                self.close()
                return

    @property
    def started(self) -> bool:
        return bool(self._workers)

    def close(self) -> None:
        """Stop every worker now; a unit in flight is simply not committed."""
        self._end(self._workers)

    def _end(self, workers: Sequence[_Worker]) -> None:
        for worker in workers:
            worker.process.kill()  # all before one is waited for: each takes 10 ms to give its memory back
        for worker in workers:
            worker.process.join(timeout=5)
            worker.pipe.close()
            worker.lifeline.close()
        self._workers = [w for w in self._workers if w not in workers]

    def _idle(self) -> _Worker | None:
        for worker in self._workers:
            if worker.index is None:
                return worker
        if len(self._workers) < self._wanted:
            self._workers.append(self._start())
            return self._workers[-1]
        return None

    def _start(self) -> _Worker:
        prepare({"score": []})
        ours, theirs = self._context.Pipe()
        lifeline_ours, lifeline_theirs = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(theirs, lifeline_theirs, variables()), daemon=True)
        with _without_main(), _unheard():
            process.start()
        theirs.close()
        lifeline_theirs.close()
        return _Worker(process, ours, lifeline_ours)

    def _collect(self, limits_s: Sequence[float]) -> Iterator[Outcome]:
        busy = [w for w in self._workers if w.index is not None]
        ready = connection.wait([w.pipe for w in busy], timeout=0.5)
        for worker in busy:
            index = worker.index
            assert index is not None
            elapsed = time.monotonic() - worker.since
            if worker.pipe in ready:
                try:
                    value, error = worker.pipe.recv()
                except (EOFError, OSError):
                    worker.process.join(timeout=5)
                    yield self._lose(worker, f"its worker died ({_exit(worker.process.exitcode)})", elapsed)
                    continue
                except Exception as broken:  # an error class that does not unpickle
                    value, error = (
                        None,
                        RuntimeError(f"its answer could not be read: {type(broken).__name__}: {broken}"),
                    )
                worker.index = None
                yield Outcome(index, value, error, None, elapsed, str(worker.process.pid))
            elif elapsed > limits_s[index]:
                yield self._lose(worker, f"it made no end within {limits_s[index]:.0f} s and was stopped", elapsed)

    def _lose(self, worker: _Worker, reason: str, elapsed: float) -> Outcome:
        index = worker.index
        assert index is not None
        pid = str(worker.process.pid)
        self._end([worker])
        return Outcome(index, None, None, reason, elapsed, pid)


@contextlib.contextmanager
def _unheard() -> Iterator[None]:
    """Processes started within never hear Ctrl-C, which a terminal sends to all of a command's processes: the driver decides what
    it means. One that ignored it in its first line would have printed a traceback while it still imported."""
    resource_tracker.ensure_running()  # which the fork server asks for, and which ends by hearing it again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _without_main() -> Iterator[None]:
    """A new process would import the caller's script again, and run it where it has no __main__ guard. Workers need
    nothing from it."""
    caller = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = caller


def _exit(code: int | None) -> str:
    if code is not None and code < 0:
        return f"signal {-code}" + (", perhaps out of memory" if code == -9 else "")
    return f"exit code {code}"


def _serve(pipe: Connection, lifeline: Connection, environment: Mapping[str, str]) -> None:
    import pyarrow as pa

    os.environ.clear()  # the fork server's is that of the first job of the driver's process
    os.environ.update(environment)
    # a worker is one core: the executor shares them out, and more threads only got in each other's way
    pa.set_cpu_count(1)
    threading.Thread(target=_die_with_driver, args=(lifeline,), daemon=True).start()
    while True:
        try:
            other_task, task, unit = pipe.recv()
        except EOFError:
            return
        if other_task or own_bytes() > KEPT_BYTES:
            give_back()
        answer: tuple[Any, Exception | None]
        try:
            answer = (task(unit), None)
        except Exception as error:
            answer = (None, noted(error))
        try:
            pipe.send(answer)
        except BrokenPipeError:
            return
        except Exception as error:  # an answer or an error that does not pickle
            pipe.send((None, RuntimeError(f"{type(error).__name__}: {error}; answer was {answer[1]!r}")))


def _die_with_driver(lifeline: Connection) -> None:
    try:
        lifeline.recv()
    except (EOFError, OSError):
        os._exit(1)
