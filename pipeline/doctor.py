"""The health of this machine, as far as a job depends on it."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline.storage.files import is_remote, local_path

PACKAGES = ("pyarrow", "duckdb", "numba", "numpy", "ray")
LOW_DISK_BYTES = 5_000_000_000
LOW_MEMORY_BYTES = 2_000_000_000
LOW_FILES = 1_024


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    what: str
    state: Literal["good", "look", "bad"]
    found: str
    advice: str = ""

    def as_dict(self) -> dict[str, str]:
        return dataclasses.asdict(self)


def examine(workspace: str) -> list[Check]:
    """Look at everything, change nothing."""
    checks = [_python(), *(_package(p) for p in PACKAGES), _cores(), _memory(), _files()]
    checks += [_allowed("kernel cache", _cache), _allowed("language model", _model)]
    if not is_remote(workspace):
        checks.append(_allowed("workspace", lambda: _disk(local_path(workspace))))
    return checks


def _allowed(what: str, look: Callable[[], Check]) -> Check:
    """What a look finds, or that this user may not look."""
    try:
        return look()
    except OSError as error:
        advice = "change its permissions, or choose another folder" if isinstance(error, PermissionError) else ""
        return Check(what, "bad", str(error), advice)


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    good = (3, 11) <= sys.version_info[:2] <= (3, 13)
    return Check("python", "good" if good else "bad", version, "" if good else "Winnow needs Python 3.11 to 3.13")


def _package(name: str) -> Check:
    try:
        return Check(name, "good", importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return Check(name, "bad", "missing", "install the project again: make setup")


def _cores() -> Check:
    return Check("cores", "good", str(os.cpu_count()))


def _memory() -> Check:
    found = {}
    info = Path("/proc/meminfo")
    if not info.exists():
        return Check("memory", "look", "unknown", "about 1.2 GB a worker is needed")
    for line in info.read_text(encoding="ascii").splitlines():
        name, _, rest = line.partition(":")
        found[name] = int(rest.split()[0]) * 1024
    free = found.get("MemAvailable", 0)
    state: Literal["good", "look"] = "good" if free > LOW_MEMORY_BYTES else "look"
    return Check("memory", state, f"{free / 1e9:.1f} GB available", "" if state == "good" else "use --workers 1")


def _files() -> Check:
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    state: Literal["good", "look"] = "good" if soft >= LOW_FILES else "look"
    return Check("open files", state, str(soft), "" if state == "good" else "raise it: ulimit -n 4096")


def _cache() -> Check:
    from scorers.kernels.jit import cache_home

    folder = cache_home()
    nearest = next(place for place in (folder, *folder.parents) if place.exists())
    good = os.access(nearest, os.W_OK | os.X_OK)
    advice = "" if good else "no kernel can be compiled; set NUMBA_CACHE_DIR to a folder you may write"
    return Check("kernel cache", "good" if good else "bad", str(folder), advice)


def _model() -> Check:
    from scorers import models
    from scorers.models.card import ModelError

    try:
        return Check("language model", "good", str(models.find("lid.176").path))
    except ModelError as error:
        return Check("language model", "look", "missing", str(error))


def _disk(folder: Path) -> Check:
    there = folder.absolute()
    while not there.exists():
        there = there.parent
    if not os.access(there, os.W_OK):
        return Check("workspace", "bad", f"{there} cannot be written", "choose another --workspace")
    free = shutil.disk_usage(there).free
    state: Literal["good", "look"] = "good" if free > LOW_DISK_BYTES else "look"
    return Check(
        "workspace",
        state,
        f"{folder}: {free / 1e9:.1f} GB free",
        "" if state == "good" else "notes and export need about half the input's size",
    )
