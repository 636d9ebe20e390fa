"""What the benchmarks share: where the data is, process time, and a process watched from outside."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.data import corpus_files
from scorers.text import TextBatch

WINNOW = [sys.executable, "-m", "pipeline.cli"]
BATCH_BYTES = 8_000_000


def texts() -> pa.Array:
    """All documents of the corpus, as one large_string array."""
    parts = [pq.read_table(p, columns=["text"]).column("text") for p in corpus_files()]
    return pa.concat_arrays([c.cast(pa.large_string()) for part in parts for c in part.chunks])


def batches(documents: pa.Array) -> Iterator[TextBatch]:
    """The documents in batches of about BATCH_BYTES, as a worker reads them."""
    whole = TextBatch.from_arrow(documents)
    rows = max(1, BATCH_BYTES * len(whole) // max(1, whole.text_bytes))
    for start in range(0, len(documents), rows):
        yield TextBatch.from_arrow(documents.slice(start, rows))


def best_s(run: Callable[[], object], times: int = 3) -> float:
    """Least process time of `times` runs."""
    found = []
    for _ in range(times):
        start = time.process_time()
        run()
        found.append(time.process_time() - start)
    return min(found)


@dataclass(frozen=True, slots=True)
class Watched:
    """A finished command: wall seconds, CPU seconds of it and its workers, the largest resident memory of the driver and of any
    one worker, in bytes, and the most that lay in the folder watched."""

    wall_s: float
    cpu_s: float
    driver_bytes: int
    worker_bytes: int
    disk_bytes: int = 0


LOOK_S, DISK_EVERY = 0.05, 20


def watch(
    arguments: Sequence[str], folder: Path | None = None, beside: Sequence[int] = (), **environment: str
) -> Watched:
    """Run `winnow` with these arguments, looking at it and its descendants every 50 ms.

    folder: whose size is looked at every second; beside: processes whose descendants are its workers as well (nodes of a cluster),
    with the CPU seconds they use meanwhile; environment: added to this process's.
    """
    start, looks, disk = time.monotonic(), 0, 0
    process = subprocess.Popen(
        [*WINNOW, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**_as_installed(), **environment},
    )
    driver, nodes = psutil.Process(process.pid), [psutil.Process(pid) for pid in beside]
    before = {one.pid: sum(one.cpu_times()[:2]) for node in nodes for one in _family(node)}
    cpu: dict[int, float] = {}
    peak: dict[int, int] = {}
    while process.poll() is None:
        for one in (p for root in (driver, *nodes) for p in _family(root)):
            try:
                cpu[one.pid] = sum(one.cpu_times()[:2]) - before.get(one.pid, 0.0)
                peak[one.pid] = max(peak.get(one.pid, 0), one.memory_info().rss)
            except psutil.Error:
                continue
        if folder is not None and looks % DISK_EVERY == 0:
            disk = max(disk, bytes_in(folder))
        looks += 1
        time.sleep(LOOK_S)
    wall_s = time.monotonic() - start
    if process.returncode:
        raise RuntimeError(f"winnow {' '.join(arguments)}: {process.stderr.read() if process.stderr else ''}")
    workers = [n for pid, n in peak.items() if pid != process.pid]
    disk = max(disk, bytes_in(folder)) if folder is not None else 0
    return Watched(wall_s, sum(cpu.values()), peak.get(process.pid, 0), max(workers, default=0), disk)


def _as_installed() -> dict[str, str]:
    """This process's environment, where Python may keep what it compiles, as an installed Winnow has it: without, the sources
    are compiled at every start, for 0.3 s."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def bytes_in(folder: Path) -> int:
    """Bytes of all files below; those that go while one looks are left out."""
    found = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                found += os.stat(os.path.join(path, name)).st_size
    return found


def _family(driver: psutil.Process) -> list[psutil.Process]:
    try:
        return [driver, *driver.children(recursive=True)]
    except psutil.Error:
        return []


def machine() -> str:
    """One line on what this ran on."""
    model = next(
        (x.split(":")[1].strip() for x in Path("/proc/cpuinfo").read_text().splitlines() if x.startswith("model name")),
        "?",
    )
    return f"{model}, {os.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB, Python {sys.version.split()[0]}, load {os.getloadavg()[0]:.1f}"
