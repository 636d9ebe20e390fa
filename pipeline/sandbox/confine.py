"""The process around a stranger's statement gives up what it can: memory, writing, programs, network, and in the end time.

What the kernel holds needs no trust in DuckDB: its makers call untrusted SQL unsafe by design and say to sandbox the
process. A kernel without Landlock or seccomp leaves the gate, the locked engine and the limits.
"""

from __future__ import annotations

import resource
import signal
import sys
import time
import zoneinfo
from collections.abc import Sequence
from pathlib import Path

from pipeline.execution.processes import step_back
from pipeline.sandbox import landlock, seccomp
from pipeline.sandbox.limits import Limits

OVERHEAD_BYTES = 384 << 20
"""Above the statement's own memory: the answer while it is encoded, stacks, what allocators hold back."""
GRACE_S = 1.0
"""The asking process ends this one at the limit; if that is gone or stopped, the kernel does, this much later."""
NICE = 5


def end_after(seconds: float) -> None:
    """Let the kernel end this process, whatever it is doing then."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds + GRACE_S)


def confine(files: Sequence[str], limits: Limits, remote: bool) -> None:
    """Keep reading of these files, and the limits; give up the rest. remote: the files are in a bucket, and so the
    network stays open, and what reading from it needs."""
    step_back(NICE)
    cpu_s = int(time.process_time() + limits.seconds * limits.threads + GRACE_S) + 1
    for kind, most in (
        (resource.RLIMIT_AS, address_space_bytes() + limits.memory_bytes + OVERHEAD_BYTES),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))
    if remote:
        return
    folders = [p for p in zoneinfo.TZPATH if Path(p).is_dir()]
    landlock.restrict([*files, *folders])
    seccomp.restrict()


def address_space_bytes() -> int:
    """What this process has of it now: its code and what it holds already."""
    if sys.platform != "linux":
        return 1 << 30
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
