"""Kills of a job's runner at random moments: is every job finished, once, with the bytes of an undisturbed run?

python -m benchmarks.fault_runner --kills 100 [--corpus FOLDER] [--seed 0]
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import winnow
from pipeline.control.care import Limits
from pipeline.control.state import TERMINAL, job_state
from pipeline.control.submission import Submission
from pipeline.control.wish import want
from pipeline.errors import WrongState
from pipeline.execution import attempts
from pipeline.storage.store import Store
from tests.control import RECIPE, crawl, events_of, processes_of, supervising, until
from tests.integration.test_run import digests

KILLS_A_JOB = 8
CANCEL_WITHIN_S = 8.0
LIMITS = Limits(nice=0, attempts_without_progress=1_000)


@dataclass
class Figures:
    """What became of the jobs. differing: outputs that are not the undisturbed run's; resumed_s: from a kill to the next
    attempt at work."""

    kills: int = 0
    jobs: int = 0
    completed: int = 0
    differing: int = 0
    repeated_ends: int = 0
    repeated_units: int = 0
    processes_left: int = 0
    files_left: int = 0
    resumed_s: list[float] = field(default_factory=list)

    def told(self) -> str:
        resumed = sorted(self.resumed_s) or [0.0]
        return (
            f"{self.kills} kills over {self.jobs} jobs: {self.completed} completed, {self.differing} with other bytes, "
            f"{self.repeated_ends} ended twice, {self.repeated_units} units done twice, {self.processes_left} processes and "
            f"{self.files_left} temporary files left; resumed after {statistics.median(resumed):.2f} s (median), "
            f"{resumed[-1]:.2f} s (worst)"
        )


def made(folder: Path) -> dict[str, str]:
    """Digests of tables and output."""
    return {**digests(folder / "ws" / "corpora"), **digests(folder / "out")}


def measure(kills: int, paths: Sequence[str], folder: Path, seed: int, loud: bool = False) -> Figures:
    """Jobs over the same input, each in a workspace of its own, until so many kills have struck."""
    pick, figures = random.Random(seed), Figures()
    clean = folder / "clean"
    winnow.run(RECIPE, list(paths), workspace=str(clean / "ws"), output=str(clean / "out"), workers=1)
    asked, span_s = {**RECIPE, "input": {"paths": list(paths)}}, 0.0
    while figures.kills < kills:
        job_folder = folder / f"job-{figures.jobs}"
        most = (
            min(KILLS_A_JOB, kills - figures.kills) if span_s else 0
        )  # the first is left alone, to see how long one takes
        took_s = one_job(Submission(recipe=asked, workers=pick.choice([1, 2])), job_folder, most, span_s, pick, figures)
        span_s = min(span_s, took_s) if span_s else took_s
        figures.differing += made(job_folder) != made(clean)
        shutil.rmtree(job_folder)
        if loud:
            print(figures.told(), flush=True)
    return figures


def one_job(asked: Submission, folder: Path, kills: int, span_s: float, pick: random.Random, figures: Figures) -> float:
    """A job whose runner is killed at `kills` moments, each within span_s of an attempt's begin. Returns its seconds."""
    store = Store(str(folder / "ws"))
    recipe_and_more = Submission(recipe=asked.recipe, workers=asked.workers, output=str(folder / "out"))
    since = time.monotonic()
    with supervising(store, LIMITS) as supervisor:
        job_id = supervisor.submit(recipe_and_more).job_id
        number = 1
        for _ in range(kills):
            if not strike(store, job_id, number, pick.uniform(0, span_s), figures):
                break
            number += 1
        until(lambda: job_state(store, job_id)["state"] in TERMINAL, 600)
        took_s = time.monotonic() - since
        until(lambda: not supervisor.running())
        figures.processes_left += len(processes_of(job_id))
    figures.jobs += 1
    figures.completed += job_state(store, job_id)["state"] == "completed"
    figures.files_left += len(store.names("tmp"))
    ends = [e for e in events_of(store, job_id, "state") if e.fields["state"] in TERMINAL]
    figures.repeated_ends += len(ends) - 1
    parts = [e.fields["part"] for e in events_of(store, job_id, "unit_done")]
    figures.repeated_units += len(parts) - len(set(parts))
    return took_s


def strike(store: Store, job_id: str, number: int, after_s: float, figures: Figures) -> bool:
    """Kill the runner of an attempt so long after it began; False where the job was over by then."""

    def begun() -> attempts.Claim | str | None:
        state: str = job_state(store, job_id)["state"]
        return state if state in TERMINAL else attempts.read(store, job_id, number)

    claim = until(begun, 600)
    deadline = time.monotonic() + after_s
    while time.monotonic() < deadline and job_state(store, job_id)["state"] not in TERMINAL:
        time.sleep(min(0.05, max(0.0, deadline - time.monotonic())))
    if isinstance(claim, str) or job_state(store, job_id)["state"] in TERMINAL:
        return False
    try:
        os.kill(claim.pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    figures.kills += 1
    struck = time.monotonic()
    until(lambda: job_state(store, job_id)["state"] in TERMINAL or attempts.read(store, job_id, number + 1), 600)
    figures.resumed_s.append(time.monotonic() - struck)
    return True


def cancel(times: int, paths: Sequence[str], folder: Path, seed: int) -> str:
    """Jobs that are cancelled at random moments of their first seconds."""
    pick, took_s, written, left = random.Random(seed), [], 0, 0
    asked = {**RECIPE, "input": {"paths": list(paths)}}
    for n in range(times):
        store = Store(str(folder / f"cancelled-{n}" / "ws"))
        with supervising(store, LIMITS) as supervisor:
            job_id = supervisor.submit(Submission(recipe=asked, workers=pick.choice([1, 2]))).job_id
            time.sleep(pick.uniform(0, CANCEL_WITHIN_S))
            since = time.monotonic()
            try:
                want(store, job_id, "cancel", "benchmark")
            except WrongState:  # it was over before
                continue
            supervisor.wake(job_id)
            until(lambda store=store, job_id=job_id: job_state(store, job_id)["state"] in TERMINAL, 600)
            took_s.append(time.monotonic() - since)
            there = parts_of(store)
            until(lambda supervisor=supervisor: not supervisor.running())
            left += len(processes_of(job_id))
            time.sleep(0.5)
            written += parts_of(store) != there
        shutil.rmtree(Path(store.root).parent)
    took_s.sort()
    return (
        f"{len(took_s)} cancels: median {statistics.median(took_s):.2f} s, worst {took_s[-1]:.2f} s; "
        f"{written} jobs wrote a part or a manifest afterwards, {left} processes left"
    )


def parts_of(store: Store) -> list[tuple[str, int]]:
    """Parts and manifests of a workspace, with when they were written."""
    found = [p for p in Path(store.root).glob("corpora/**/*") if p.is_file()]
    return sorted((str(p), p.stat().st_mtime_ns) for p in found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--cancels", type=int, default=0, help="cancel so many jobs instead")
    parser.add_argument("--corpus", help="a folder of Parquet or JSONL; without it a made-up corpus of 800 documents")
    parser.add_argument("--seed", type=int, default=0)
    told = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="winnow-faults-"))
    try:
        paths = [told.corpus] if told.corpus else crawl(folder, 800, 12)
        if told.cancels:
            print(cancel(told.cancels, paths, folder, told.seed))
        else:
            measure(told.kills, paths, folder, told.seed, loud=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
