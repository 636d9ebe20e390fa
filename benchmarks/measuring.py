"""What the benchmarks share: where the data is, process time, and a process watched from outside."""

from __future__ import annotations

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

from scorers.text import TextBatch

DATA = Path(os.environ.get("WINNOW_TEST_DATA") or Path(__file__).parents[2] / "shared" / "data")
CORPUS = DATA / "corpus"
WINNOW = [sys.executable, "-m", "pipeline.cli"]
BATCH_BYTES = 8_000_000


def texts() -> pa.Array:
    """All documents of the corpus, as one large_string array."""
    parts = [pq.read_table(p, columns=["text"]).column("text") for p in sorted(CORPUS.glob("*.parquet"))]
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
    """A finished command: wall seconds, CPU seconds of it and its workers, and the largest resident memory of the
    driver and of any one worker, in bytes."""

    wall_s: float
    cpu_s: float
    driver_bytes: int
    worker_bytes: int


def watch(arguments: Sequence[str]) -> Watched:
    """Run `winnow` with these arguments, looking at it and its descendants every 50 ms."""
    start = time.monotonic()
    process = subprocess.Popen([*WINNOW, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    driver = psutil.Process(process.pid)
    cpu: dict[int, float] = {}
    peak: dict[int, int] = {}
    while process.poll() is None:
        for one in _family(driver):
            try:
                cpu[one.pid] = sum(one.cpu_times()[:2])
                peak[one.pid] = max(peak.get(one.pid, 0), one.memory_info().rss)
            except psutil.Error:
                continue
        time.sleep(0.05)
    wall_s = time.monotonic() - start
    if process.returncode:
        raise RuntimeError(f"winnow {' '.join(arguments)}: {process.stderr.read() if process.stderr else ''}")
    workers = [n for pid, n in peak.items() if pid != process.pid]
    return Watched(wall_s, sum(cpu.values()), peak.get(process.pid, 0), max(workers, default=0))


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
