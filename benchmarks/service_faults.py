"""Kills of the service at random moments, while clients submit, list, steer and watch and jobs run: is every job that was
accepted there once, ended, with the bytes of an undisturbed run?

python -m benchmarks.service_faults --kills 100 [--runners] [--seed 0]     --runners: a runner is killed with the service
"""

from __future__ import annotations

import argparse
import contextlib
import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

import winnow
from benchmarks.measuring import machine
from benchmarks.service_clients import Clients, Sent
from pipeline.catalog import opening
from pipeline.catalog.database import Catalog, rebuild
from pipeline.control.events import read_events
from pipeline.control.state import TERMINAL, job_state
from pipeline.storage.store import Store
from tests.catalogs import everything
from tests.control import RECIPE, crawl, processes_of, until
from tests.integration.test_run import digests
from tests.service_process import ServiceProcess

JOBS_AT_ONCE = 2
SPAN_STARTS = 3.0
"""A kill strikes within so many times the seconds that starting takes, so that one in three meets a service that starts."""
END_S = 600.0


@dataclass
class Figures:
    """What became of it. lost: accepted and not there; doubled: submissions that became several jobs; unasked: jobs that
    nobody submitted; differing: outputs that are not an undisturbed run's; unlike: watchers that were told other events
    than the log has; set_aside: catalog files found damaged."""

    kills: int = 0
    runner_kills: int = 0
    accepted: int = 0
    lost: int = 0
    doubled: int = 0
    unasked: int = 0
    completed: int = 0
    cancelled: int = 0
    otherwise: int = 0
    differing: int = 0
    unlike: int = 0
    faults: int = 0
    processes_left: int = 0
    catalog_differs: int = 0
    set_aside: int = 0

    def told(self) -> str:
        return (
            f"{self.kills} kills of the service, {self.runner_kills} of runners with it: {self.accepted} jobs accepted, {self.lost} lost, "
            f"{self.doubled} doubled, {self.unasked} that nobody submitted; {self.completed} completed, {self.cancelled} cancelled by clients, "
            f"{self.otherwise} otherwise; {self.differing} with other bytes; {self.unlike} watchers with other events; {self.faults} faults "
            f"told to clients; {self.processes_left} processes left; {self.catalog_differs} tables of the catalog unlike a rebuild, "
            f"{self.set_aside} files of it set aside"
        )


def measure(
    kills: int, paths: Sequence[str], folder: Path, seed: int, runners: bool = False, loud: bool = False
) -> Figures:
    """One service over one workspace, killed so often; then everything is looked at."""
    pick, figures, started = random.Random(seed), Figures(), set[psutil.Process]()
    service = ServiceProcess(folder, ("--jobs-at-once", str(JOBS_AT_ONCE)))
    began = time.monotonic()
    try:
        service.start()
        span_s = SPAN_STARTS * (time.monotonic() - began)
        with Clients(service, paths, seed).working() as clients:
            for n in range(kills):
                strike(service, pick.uniform(0, span_s), pick if runners else None, started, figures)
                if loud and n % 10 == 9:
                    print(f"  {figures.kills} kills, {len(clients.sent)} submissions", flush=True)
            service.wait_ready()
        end_all(service)
        exit_code = service.stop()
        assert exit_code == 0, f"the service ended with {exit_code} on SIGTERM: {service.log.read_text()[-2000:]}"
        sent = [one for one in clients.sent if one.ids]
        look_at_jobs(Store(str(service.workspace)), sent, paths, folder, figures)
        figures.faults = len(clients.faults)
        figures.processes_left = left_of(started, [one.job_id for one in sent])
        look_at_catalog(Store(str(service.workspace)), service.workspace / "service", figures)
        for fault in clients.faults:
            print("  ", fault, flush=True)
    finally:
        service.close()
    return figures


def strike(
    service: ServiceProcess,
    after_s: float,
    runners: random.Random | None,
    started: set[psutil.Process],
    figures: Figures,
) -> None:
    """Kill the service so long after it was last started, one of its runners with it, and start it again."""
    time.sleep(after_s)
    assert service.process is not None
    there = service.runners() if runners is not None else []
    with contextlib.suppress(psutil.Error):
        started.update(psutil.Process(service.process.pid).children(recursive=True))
    assert service.process.poll() is None, f"the service ended by itself: {service.log.read_text()[-2000:]}"
    service.kill()
    figures.kills += 1
    if runners is not None and there:
        with contextlib.suppress(psutil.Error):
            runners.choice(there).kill()
            figures.runner_kills += 1
    service.start(wait=False)


def end_all(service: ServiceProcess) -> None:
    """Nobody steers any more: what rests goes on, and everything comes to its end."""
    client = service.client()

    def ended() -> bool:
        open_jobs = [job for job in client.jobs() if not job.is_ended]
        for job in open_jobs:
            if job.refresh().state == "paused":
                job.resume()
        return not open_jobs

    until(ended, END_S)
    until(lambda: not service.runners(), 60)


def look_at_jobs(store: Store, sent: Sequence[Sent], paths: Sequence[str], folder: Path, figures: Figures) -> None:
    """Every submission is one job, at its end, with what an undisturbed run makes; its watcher was told its log."""
    ids = Counter(job_id for one in sent for job_id in one.ids)
    there = set(store.names("jobs"))
    figures.accepted, figures.lost, figures.unasked = len(sent), len(ids.keys() - there), len(there - ids.keys())
    figures.doubled = sum(len(one.ids) > 1 for one in sent)
    for one in sent:
        state = job_state(store, one.job_id)["state"]
        figures.completed += state == "completed"
        figures.cancelled += state == "cancelled" and one.cancelled
        figures.otherwise += state not in TERMINAL or state == "failed" or (state == "cancelled" and not one.cancelled)
        figures.unlike += one.heard != log_of(store, one.job_id)
        if state == "completed":
            clean = folder / "clean"
            winnow.run(
                RECIPE,
                list(paths),
                workspace=str(clean),
                output=str(folder / "clean-out"),
                corpus=one.corpus,
                workers=1,
            )
            figures.differing += made(store, one.corpus, one.output) != made(
                Store(str(clean)), one.corpus, folder / "clean-out"
            )
            shutil.rmtree(clean)
            shutil.rmtree(folder / "clean-out")


def log_of(store: Store, job_id: str) -> list[int]:
    """Ids of a job's events; of finished units how many are told depends on the moment."""
    events, _ = read_events(store, job_id, limit=1_000_000)
    return [event.id for event in events if event.verb != "unit_done"]


def made(store: Store, corpus: str, output: Path) -> dict[str, str]:
    """Digests of a job's tables and output."""
    return {**digests(Path(store.full(f"corpora/{corpus}"))), **digests(output)}


def left_of(started: set[psutil.Process], job_ids: Sequence[str]) -> int:
    """Processes that services and runners started and that are still there a while later."""

    def left() -> set[psutil.Process]:
        found = {process for job_id in job_ids for process in processes_of(job_id)}
        for process in started:
            with contextlib.suppress(psutil.Error):
                if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                    found.add(process)
        return found

    with contextlib.suppress(AssertionError):
        until(lambda: not left(), 10)
    return len(left())


def look_at_catalog(store: Store, state: Path, figures: Figures) -> None:
    """What the service kept up through all kills, and what the files alone give."""
    with contextlib.closing(Catalog(store, state / "catalog.duckdb")) as kept:
        live = everything(kept)
    rebuild(store, state / "rebuilt.duckdb")
    with contextlib.closing(Catalog(store, state / "rebuilt.duckdb")) as anew:
        fresh = everything(anew)
    figures.catalog_differs = sum(live[name] != fresh[name] for name in fresh)
    assert len(fresh["jobs"]) == figures.accepted, "the catalog has not the jobs that were accepted"
    figures.set_aside = len(list(state.glob(f"{opening.wal(state / 'catalog.duckdb').stem}*.aside-*")))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--runners", action="store_true", help="kill a runner together with the service")
    parser.add_argument("--seed", type=int, default=0)
    told = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="winnow-service-faults-"))
    try:
        print(machine(), flush=True)
        print(measure(told.kills, crawl(folder, 800, 12), folder, told.seed, told.runners, loud=True).told())
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
