"""Processes that answer one question each: started ahead of time, asked, read within limits, ended."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import asdict
from types import TracebackType
from typing import Any

from pipeline.errors import (
    SqlAbandoned,
    SqlError,
    SqlOutOfMemory,
    SqlRefused,
    SqlTimeout,
    SqlTooLarge,
    UsageError,
    WinnowError,
)
from pipeline.execution.processes import variables
from pipeline.sandbox.limits import Answer, Limits

HEAD_BYTES_MAX = 4 << 20
READ_BYTES = 1 << 20
LOOK_S = 0.2
"""How often a question that may be given up is looked after."""
KEPT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT", "TZ", "VIRTUAL_ENV")
BUCKETS = ("AWS_", "GOOGLE_", "HF_", "FSSPEC_", "REQUESTS_CA_", "SSL_CERT_", "HOME")
"""What reading from a bucket needs of the environment; a workspace in a folder needs none of it."""
ERRORS: dict[str, type[WinnowError]] = {
    e.code: e for e in (SqlError, SqlRefused, SqlTimeout, SqlOutOfMemory, SqlTooLarge, UsageError)
}
Process = subprocess.Popen[bytes]


def environment(remote: bool, more: Collection[str] = ()) -> dict[str, str]:
    """What such a process sees of this environment: what it needs (more: by name), and nothing that may be secret."""
    kept = {k: v for k, v in variables().items() if k in KEPT or k in more or (remote and k.startswith(BUCKETS))}
    return kept | {
        "PYTHONPATH": os.pathsep.join(os.path.abspath(p or ".") for p in sys.path),  # it does not start in this folder
        "ARROW_DEFAULT_MEMORY_POOL": "system",  # others reserve far more than they use, and that counts
        "MALLOC_ARENA_MAX": "2",
        "OMP_NUM_THREADS": "1",  # threads from before a process is confined would not be
    }


def start(remote: bool) -> Process:
    """A process that loads its modules and waits for a question."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "pipeline.sandbox.child"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, cwd="/", env=environment(remote), start_new_session=True,
    )  # fmt: skip


def end(process: Process) -> None:
    """End a process, whatever it is doing, and forget it."""
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(BrokenPipeError):  # a question that it did not live to read
                pipe.close()


def put(
    process: Process, question: Mapping[str, Any], limits: Limits, given_up: threading.Event | None = None
) -> Answer:
    """Ask it. The process is gone afterwards. Raises the errors of ask()."""
    assert process.stdin is not None
    deadline = time.monotonic() + limits.seconds
    try:
        try:
            process.stdin.write(json.dumps({**question, "limits": asdict(limits)}).encode() + b"\n")
            process.stdin.flush()
        except BrokenPipeError:
            raise _ended(process, limits) from None
        said = _read(process, deadline, limits, given_up)
        head, newline, body = said.partition(b"\n")
        if not newline:
            raise _ended(process, limits)
        return _answer(head, body)
    finally:
        end(process)


def _read(process: Process, deadline: float, limits: Limits, given_up: threading.Event | None) -> bytes:
    """All it says, within time and size, while somebody waits for it."""
    assert process.stdout is not None
    chunks: list[bytes] = []
    size = 0
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise SqlTimeout(f"no answer within {limits.seconds:g} s: ask for less, or for more time")
            if given_up is not None and given_up.is_set():
                raise SqlAbandoned("whoever asked is gone, so that the question was ended")
            if not selector.select(left if given_up is None else min(left, LOOK_S)):
                continue
            chunk = os.read(process.stdout.fileno(), READ_BYTES)
            if not chunk:
                return b"".join(chunks)
            chunks.append(chunk)
            size += len(chunk)
            if size > limits.answer_bytes + HEAD_BYTES_MAX:
                raise SqlTooLarge(f"the answer is over {limits.answer_bytes:,} bytes")


def _ended(process: Process, limits: Limits) -> WinnowError:
    """Why a process ended without a word."""
    code = process.wait()
    if code in (-signal.SIGALRM, -signal.SIGXCPU):
        return SqlTimeout(f"no answer within {limits.seconds:g} s: ask for less, or for more time")
    if code in (-signal.SIGKILL, -signal.SIGABRT):
        return SqlOutOfMemory(f"the statement needs more than {limits.memory_bytes >> 20:,} MiB; ask for less at once")
    name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return SqlError(f"the engine ended without an answer ({name}); nothing is lost, ask it another way")


def _answer(said: bytes, body: bytes) -> Answer:
    try:
        head = json.loads(said)
        if "error" in head:
            raise ERRORS.get(head["code"], SqlError)(head["error"])
        whole, columns = head.pop("body"), tuple((str(name), str(kind)) for name, kind in head.pop("columns"))
        answer = Answer(**head, columns=columns, body=body)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise SqlError("the engine's answer cannot be understood; ask it another way") from None
    if len(body) != whole:
        raise SqlError(f"the answer broke off after {len(body):,} of {whole:,} bytes; ask again")
    return answer


class Spares:
    """Processes kept ready, so that a question does not wait for one to start; safe between threads.

    remote: of a workspace in a bucket. Close it, or use it in a with statement: its processes are ended.
    """

    def __init__(self, ready: int = 1, remote: bool = False) -> None:
        self.remote = remote
        self._lock = threading.Lock()
        self._wanted = ready
        self._ready = [start(remote) for _ in range(ready)]
        self._closed = False

    def take(self) -> Process:
        """One that is ready, or a new one; another is started in its place."""
        with self._lock:
            if self._closed:
                raise RuntimeError("these spares are closed")
            for dead in [p for p in self._ready if p.poll() is not None]:  # killed while it waited
                self._ready.remove(dead)
                end(dead)
            taken = self._ready.pop(0) if self._ready else start(self.remote)
            self._ready += [start(self.remote) for _ in range(self._wanted - len(self._ready))]
        return taken

    def close(self) -> None:
        """End those that wait."""
        with self._lock:
            self._closed = True
            for process in self._ready:
                end(process)
            self._ready = []

    def __enter__(self) -> Spares:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
