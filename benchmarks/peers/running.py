"""One task of one peer in a process of its own, on one core with one thread: CPU seconds, memory, answers."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.peers.environments import python_of
from benchmarks.peers.peer import FROM_FILES, Peer, Task

ROOT = Path(__file__).parents[2]
LAUNCH = Path(__file__).with_name("launch.py")
WALL_PER_CPU = 5
"""A process that waits is stopped, too, after so many times its seconds of CPU."""
THREAD_COUNTS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS", "NUMBA_NUM_THREADS",
                 "POLARS_MAX_THREADS", "ARROW_NUM_THREADS", "NUMEXPR_NUM_THREADS")  # fmt: skip
ONE_THREAD = dict.fromkeys(THREAD_COUNTS, "1")
QUIET = {"TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
         "RAY_USAGE_STATS_ENABLED": "0", "PYTHONWARNINGS": "ignore"}  # fmt: skip


class NotRun(Exception):
    """Why there is no figure, in one line."""


@dataclass(frozen=True, slots=True)
class Ran:
    """cpu_s: of the work (tasks on texts) or of the whole process; peak_bytes: the largest process; answers: of tasks on texts;
    output: the folder a task on files wrote."""

    cpu_s: float
    wall_s: float
    peak_bytes: int
    documents: int
    text_bytes: int
    output: Path
    answers: list[Any] = field(default_factory=list)


def run(peer: Peer, task: Task, source: Path, work: Path, megabytes: float, limit_s: float, model: Path | None) -> Ran:
    """Raises NotRun where the process fails or takes more than limit_s of CPU, NotInstalled where there is no environment."""
    python = python_of(peer)
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    environment = {**os.environ, **ONE_THREAD, **QUIET, "PYTHONPATH": str(ROOT), "LID_MODEL": str(model or ""), "HF_HOME": str(work / "hf"),
                   "DATA_JUICER_CACHE_HOME": str(work / "dj")}  # fmt: skip
    if hasattr(adapter_of(peer), f"before_{task}"):
        code = f"from pathlib import Path; from benchmarks.peers.adapters import {peer.name} as a; a.before_{task}(Path({str(source)!r}), Path({str(work)!r}))"
        subprocess.run([str(python), "-c", code], env=environment, check=True, cwd=work)
    arguments = [str(python), "-m", "benchmarks.peers.child", peer.name, task, str(source), str(work), str(megabytes)]
    used = _pinned(arguments, environment, work, limit_s)
    told = json.loads((work / "told.json").read_text())
    if task in FROM_FILES:
        return Ran(used["cpu_s"], used["wall_s"], used["peak_bytes"], 0, 0, work / "kept")
    peak_bytes = int(used["peak_bytes"])
    return Ran(
        told["cpu_s"], used["wall_s"], peak_bytes, told["documents"], told["text_bytes"], work / "kept", told["answers"]
    )


def adapter_of(peer: Peer) -> Any:
    return importlib.import_module(f"benchmarks.peers.adapters.{peer.name}")


def kept_ids(peer: Peer, ran: Ran) -> set[str]:
    """The documents that a task on files left."""
    import pyarrow.parquet as pq

    adapter = adapter_of(peer)
    if hasattr(adapter, "kept_ids"):
        return set(adapter.kept_ids(ran.output))
    files = sorted(ran.output.rglob("*.parquet"))
    column = next(c for c in ("id", "doc_id") if c in pq.read_schema(files[0]).names)
    return {doc_id for path in files for doc_id in pq.read_table(path, columns=[column])[column].to_pylist()}


def _pinned(arguments: list[str], environment: dict[str, str], work: Path, limit_s: float) -> dict[str, Any]:
    """What the process and all it waited for used: cpu_s, peak_bytes, wall_s. Raises NotRun."""
    used = work / "used.json"
    launch = [sys.executable, "-S", str(LAUNCH), str(min(os.sched_getaffinity(0))), str(limit_s), str(used)]
    start = time.monotonic()
    with (work / "stderr").open("wb") as errors:
        process = subprocess.Popen(
            [*launch, *arguments], env=environment, cwd=work, stdout=errors, stderr=errors, start_new_session=True
        )
        try:
            process.wait(WALL_PER_CPU * limit_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise NotRun(f"stopped after {WALL_PER_CPU * limit_s:.0f} s") from None
    told: dict[str, Any] = json.loads(used.read_text())
    if told["status"] and told["cpu_s"] >= limit_s:
        raise NotRun(f"stopped after {limit_s:.0f} s of CPU")
    if told["status"]:
        lines = [x for x in (work / "stderr").read_text(errors="replace").splitlines() if x.strip()]
        raise NotRun(f"failed: {lines[-1][:200] if lines else told['status']}")
    return {**told, "wall_s": time.monotonic() - start}
