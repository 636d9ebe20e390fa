"""Processes of this host: whether one is there, whether it is still the same one, and how ours see to their memory."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

GARBAGE_AFTER = 20_000
KEEPING = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "MALLOC_MMAP_THRESHOLD_": "16777216",
    "MALLOC_TRIM_THRESHOLD_": "134217728",
    "MALLOC_ARENA_MAX": "1",
}
"""Environment of processes that take text in and write it out, where the user's has nothing else: what Arrow and numpy free goes
back to one malloc, which keeps it for the next batch until it is asked to give it back (see pipeline/execution/memory.py). Else every
batch is given back and asked for again, page by page: a tenth of what a run costs. Arrow's own pools kept as much again beside it."""
MALLOPT = {"MALLOC_MMAP_THRESHOLD_": -3, "MALLOC_TRIM_THRESHOLD_": -1, "MALLOC_ARENA_MAX": -8}
"""The same by the numbers of glibc's malloc.h, for a process that runs already."""


def collect_rarely() -> None:
    """Look for reference cycles after 20,000 new objects instead of 700, in this process and those forked from it: looking
    through all modules again and again while more were imported was a tenth of what a run costs that has nothing to do."""
    gc.set_threshold(GARBAGE_AFTER)


def variables() -> dict[str, str]:
    """The environment as it is now. os.environ.items() fails where another thread removes a variable meanwhile."""
    return {name: value for name in os.environ if (value := os.environ.get(name)) is not None}


def forgo_dateutil() -> None:
    """Where python-dateutil is not installed, let pyarrow see that at once, in this process and those forked from it: at each Python
    value whose type it infers it looks for it again, along the whole path: 0.12 ms, 417 times in deduplicating 100 MB."""
    if "dateutil" not in sys.modules and find_spec("dateutil") is None:
        sys.modules["dateutil"] = None  # type: ignore[assignment]  # an import of it fails without a search


def keep_memory() -> None:
    """As KEEPING says, in this process and those it starts. Before Arrow is imported: it asks once."""
    malloc = ctypes.CDLL(None)
    for name, value in KEEPING.items():
        if name not in os.environ:
            os.environ[name] = value
            if name in MALLOPT and hasattr(malloc, "mallopt"):  # glibc's
                malloc.mallopt(MALLOPT[name], int(value))


def alive(pid: int) -> bool:
    """Whether a process of this host is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def step_back(nice: int) -> None:
    """Let others have the cores first: `nice` more, for this process and what it starts. Linux may share cores out by
    session (autogroups), and then a process's own niceness counts among those of its session alone: the session's is set
    too, where this process leads it."""
    os.nice(nice)
    if os.getsid(0) == os.getpid():
        with contextlib.suppress(OSError):  # no Linux, or one without them
            Path("/proc/self/autogroup").write_text(str(nice), encoding="ascii")


def started(pid: int) -> str | None:
    """What tells a process from a later one of the same pid: the boot and the clock ticks since it. None where no such
    process runs (a zombie does not). Not psutil's create_time, which moves when the wall clock is set."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None if Path("/proc/self/stat").exists() else _started_elsewhere(pid)
    fields = stat.rpartition(")")[2].split()  # the name before it may hold anything
    return None if fields[0] in ("Z", "X") else f"{_boot()}:{fields[19]}"


def _started_elsewhere(pid: int) -> str | None:
    """Without /proc."""
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.2f}"
    except psutil.Error:
        return None


@cache
def _boot() -> str:
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text().strip() if path.exists() else ""
