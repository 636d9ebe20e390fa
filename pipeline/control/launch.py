"""Runners as processes of this host: starting one, whether it is there, ending it and all it started."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import psutil

from pipeline.execution.attempts import Claim
from pipeline.execution.processes import KEEPING, started, variables
from pipeline.storage.store import Store

MARK = "WINNOW_RUNNER"
"""In the environment of a runner, and so of every process it starts, whatever session that moves to."""
TAIL_BYTES = 2_000
KILL_ROUNDS, KILL_ROUND_S = 4, 0.05


class Launcher(Protocol):
    """What the supervisor needs of runners."""

    def start(self, job_id: str, attempt: int) -> None: ...

    def running(self, job_id: str, attempt: int, claim: Claim | None) -> bool | None:
        """Whether its process is there; None where that cannot be known from here."""
        ...

    def reason(self, job_id: str, attempt: int, claim: Claim | None) -> str:
        """Why it is gone, in words."""
        ...

    def kill(self, job_id: str, attempt: int, claim: Claim | None) -> bool:
        """End it and all it started; True once nothing of it is left. To be called until then."""
        ...

    def forget(self, job_id: str) -> None: ...


def log_path(store: Store, job_id: str, log_folder: Path) -> Path:
    """Where the runners of a job write their log: beside the job, or in the service's folder where that is a bucket."""
    return log_folder / f"{job_id}.log" if store.remote else Path(store.full(f"{Store.job(job_id)}/runner.log"))


@dataclass
class Processes:
    """Runners of this host, each in a session of its own, so that they outlive the service."""

    store: Store
    log_folder: Path
    executor: str = "auto"
    ray_address: str | None = None
    nice: int = 0
    pause_grace_s: float = 15.0
    _children: dict[str, tuple[int, subprocess.Popen[bytes]]] = field(default_factory=dict)

    def start(self, job_id: str, attempt: int) -> None:
        """Raises OSError where this host starts no process."""
        log = log_path(self.store, job_id, self.log_folder)
        log.parent.mkdir(parents=True, exist_ok=True)
        command = [
            sys.executable, "-P", "-m", "pipeline.control.runner", "--workspace", self.store.root, "--job", job_id,
            "--attempt", str(attempt), "--executor", self.executor, "--nice", str(self.nice),
            "--pause-grace-s", str(self.pause_grace_s),
        ]  # fmt: skip
        if self.ray_address is not None:
            command += ["--ray-address", self.ray_address]
        path = os.pathsep.join(os.path.abspath(p or ".") for p in sys.path)  # it must find what this process found
        with log.open("ab") as stderr:
            child = subprocess.Popen(  # noqa: S603 - our own command
                command, stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr, start_new_session=True,
                env=KEEPING | variables() | {MARK: f"{job_id}/{attempt}", "PYTHONPATH": path},
            )  # fmt: skip
        self._children[job_id] = (attempt, child)

    def running(self, job_id: str, attempt: int, claim: Claim | None) -> bool | None:
        child = self._child(job_id, attempt)
        if child is not None and child.poll() is None:
            return True
        if claim is None:
            return False
        if claim.host != socket.gethostname():
            return None
        return started(claim.pid) == claim.pid_started

    def reason(self, job_id: str, attempt: int, claim: Claim | None) -> str:
        child = self._child(job_id, attempt)
        if child is None or child.returncode is None or (claim is not None and claim.pid != child.pid):
            return "its process is gone"
        if child.returncode < 0:
            return f"signal {-child.returncode} ({signal.Signals(-child.returncode).name})"
        return f"exit code {child.returncode}: {self._last_line(job_id)}"

    def kill(self, job_id: str, attempt: int, claim: Claim | None) -> bool:
        if claim is not None and claim.host != socket.gethostname():
            return True  # out of reach: the fence keeps it from writing
        for _ in range(KILL_ROUNDS):
            left = self._left(job_id, attempt, claim)
            if not left:
                return True
            for process in left:
                with contextlib.suppress(psutil.Error):
                    process.kill()
            time.sleep(KILL_ROUND_S)
        return False

    def _left(self, job_id: str, attempt: int, claim: Claim | None) -> list[psutil.Process]:
        """What is there of an attempt: what descends from its runner, and what has its mark."""
        child = self._child(job_id, attempt)
        found = set()
        if claim is not None and started(claim.pid) == claim.pid_started:
            found |= _below(claim.pid)
        if child is not None and child.poll() is None:
            found |= _below(child.pid)
        mark = f"{job_id}/{attempt}"
        found |= {p for p in psutil.process_iter() if _has(p, mark)}
        return [p for p in found if p.is_running() and not _is_zombie(p)]

    def forget(self, job_id: str) -> None:
        self._children.pop(job_id, None)

    def _child(self, job_id: str, attempt: int) -> subprocess.Popen[bytes] | None:
        number, child = self._children.get(job_id, (0, None))
        return child if number == attempt else None

    def _last_line(self, job_id: str) -> str:
        path = log_path(self.store, job_id, self.log_folder)
        try:
            with path.open("rb") as log:
                log.seek(max(0, path.stat().st_size - TAIL_BYTES))
                lines = log.read().decode("utf-8", "replace").strip().splitlines()
        except OSError:
            return "it left no log"
        return lines[-1][:500] if lines else "it said nothing"


def _below(root: int) -> set[psutil.Process]:
    """A process and all that descend from it."""
    try:
        top = psutil.Process(root)
        return {top, *top.children(recursive=True)}
    except psutil.Error:
        return set()


def _has(process: psutil.Process, mark: str) -> bool:
    try:
        return process.environ().get(MARK) == mark
    except (psutil.Error, OSError):
        return False


def _is_zombie(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return True
