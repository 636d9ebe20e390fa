"""One clerk's process: started, asked line by line, read within its time, ended."""

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
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.errors import (
    ClerkLost,
    ClerkOutOfMemory,
    ClerkTimeout,
    Place,
    UsageError,
    WinnowError,
    by_code,
)
from pipeline.sandbox import process
from pipeline.sources.confined import VARIABLE as CONFINED_TO

QUESTION_BYTES_MAX = 8 << 20
ANSWER_BYTES_MAX = 128 << 20
READ_BYTES = 1 << 20
LOOK_S = 0.5
"""How often whoever waits for an answer looks whether the clerk was ended meanwhile."""
HOME = ("HOME", "XDG_CACHE_HOME", "WINNOW_MODELS", "NUMBA_CACHE_DIR", CONFINED_TO)
"""Where models and compiled kernels lie, and where input may."""


@dataclass(frozen=True)
class Answer:
    """A line as it came: a value, or an error to raise."""

    said: dict[str, Any]

    def value(self) -> Any:
        """The value, as JSON has it; raises the error where it is one."""
        error = self.said.get("error")
        if error is None:
            return self.said["value"]
        kind = by_code().get(error["code"], WinnowError)
        if issubclass(kind, UsageError):
            raise kind(error["message"], [Place(*place) for place in error["places"]])
        raise kind(error["message"])


def question_of(verb: str, arguments: Mapping[str, Any]) -> bytes:
    """A question as a line. UsageError where it cannot be said in JSON, or is too long."""
    try:
        question = json.dumps([verb, dict(arguments)]).encode() + b"\n"
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"the arguments of {verb!r} are no JSON ({type(error).__name__})") from None
    if len(question) > QUESTION_BYTES_MAX:
        raise UsageError(f"the question is over {QUESTION_BYTES_MAX:,} bytes; ask for less at once")
    return question


class Clerk:
    """A process that answers one question after another. Used by one thread at a time, ended by any.

    usable: it may be asked again; answered: how many questions it has answered.
    """

    def __init__(self, workspace: str, memory_bytes: int, threads: int) -> None:
        self.memory_bytes = memory_bytes
        self.usable = True
        self.answered = 0
        self.idle_since = 0.0
        self._ending = threading.Lock()
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-P", "-m", "pipeline.clerk.serve", "--workspace", workspace, "--memory-bytes", str(memory_bytes),
             "--threads", str(threads)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd="/",
            env=process.environment(remote=True, more=HOME), start_new_session=True,
        )  # fmt: skip

    @property
    def pid(self) -> int:
        return self._process.pid

    def alive(self) -> bool:
        return self._process.poll() is None

    def end(self) -> None:
        """End it, whatever it is doing."""
        with self._ending:
            self.usable = False
            process.end(self._process)

    def ask(self, question: bytes, deadline: float, seconds: float) -> Answer:
        """Put one question (see `question_of`) and read its answer. Raises ClerkTimeout, ClerkLost, ClerkOutOfMemory: it has to
        be ended then."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(b"%.3f " % max(deadline - time.monotonic(), 0.001) + question)
            self._process.stdin.flush()
        except (OSError, ValueError):  # it is gone, or its pipes were closed by end()
            raise self._ended(seconds) from None
        said = self._read(deadline, seconds)
        self.answered += 1
        answer = json.loads(said)
        self.usable = self.usable and not answer.get("last")
        return Answer(answer)

    def _read(self, deadline: float, seconds: float) -> bytes:
        """One line of its answers."""
        assert self._process.stdout is not None
        chunks: list[bytes] = []
        size = 0
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(self._process.stdout, selectors.EVENT_READ)
                while True:
                    left = deadline - time.monotonic()
                    if left <= 0:
                        raise ClerkTimeout(f"no answer within {seconds:g} s; ask for less, or for more time")
                    if not selector.select(min(left, LOOK_S)):
                        if self.usable:
                            continue
                        raise self._ended(seconds)  # end() closed the pipe, of which nobody who waits at it hears
                    chunk = os.read(self._process.stdout.fileno(), READ_BYTES)
                    if not chunk:
                        raise self._ended(seconds)
                    chunks.append(chunk)
                    size += len(chunk)
                    if chunk.endswith(b"\n"):
                        return b"".join(chunks)
                    if size > ANSWER_BYTES_MAX:
                        raise ClerkLost(f"the answer is over {ANSWER_BYTES_MAX:,} bytes; ask for less at once")
        except (OSError, ValueError):
            raise self._ended(seconds) from None

    def _ended(self, seconds: float) -> WinnowError:
        """Why it ended without a word."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)
        code = self._process.poll()
        if code == -signal.SIGALRM:
            return ClerkTimeout(f"no answer within {seconds:g} s; ask for less, or for more time")
        if code in (-signal.SIGSEGV, -signal.SIGABRT):
            return ClerkOutOfMemory(
                f"the question needs more than {self.memory_bytes >> 20:,} MiB; ask for less at once"
            )
        name = "it does not end" if code is None else signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return ClerkLost(f"the clerk ended without an answer ({name}); nothing is lost, ask again")
