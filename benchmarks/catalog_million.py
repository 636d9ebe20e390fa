"""The catalog with a million shard rows: rebuilding, refreshing, pages while a job runs, copies, questions in SQL, and
what measuring statistics costs beside scoring.

python -m benchmarks.catalog_million [shards of each table] [folder with the workspace of a run before]
"""

from __future__ import annotations

import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from benchmarks.data import corpus_files
from benchmarks.measuring import WINNOW, batches, best_s, machine, texts
from pipeline.catalog import read
from pipeline.catalog.database import Catalog, rebuild
from pipeline.catalog.read import JobFilter
from pipeline.recipe_file import load_recipe
from pipeline.sandbox.ask import ask
from pipeline.sandbox.process import Spares
from pipeline.scoring import measure, notes_schema, specs_of
from pipeline.stages.score import ROW_GROUP_ROWS
from pipeline.storage.store import Store
from pipeline.totals.statistics import Statistics
from tests.catalogs import Size, make_workspace

SHARDS = 2084
READS = 300
GROUPS = (
    "select stage, count(*) as n, sum(rows) as rows, avg(seconds) as s, max(bytes) as most from shards group by stage",
    "select stage, worker, count(*) as n, sum(kept) as kept, sum(removed) as removed from shards group by all order by all",
    "select reason, sum(rows) as n from removals group by 1 order by 2 desc",
    'select "column", sum(rows) as n, min(min) as least, max(max) as most from shard_columns group by 1 order by 1',
)


def timed(run: Callable[[], object]) -> tuple[float, float]:
    """(wall, CPU) seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - wall, time.process_time() - cpu


def told(name: str, seconds: list[tuple[float, float]]) -> None:
    """The CPU is that of the whole process, with what is taken in meanwhile: it says what wall time a free core needs."""
    wall, cpu = (sorted(1000 * s for s in one) for one in zip(*seconds, strict=True))
    at = min(len(wall) - 1, int(0.99 * len(wall)))
    print(f"  {name:32} p50 {statistics.median(wall):6.1f} ms, p99 {wall[at]:6.1f} ms of wall; "
          f"{statistics.median(cpu):6.1f} and {cpu[at]:6.1f} ms of CPU; {len(wall)} reads")  # fmt: skip


def reads(catalog: Catalog, ids: list[str], pick: random.Random) -> dict[str, Callable[[], object]]:
    """What routes ask for, each with arguments of its own every time."""
    parts = {job: [s["part"] for s in read.shards_page(catalog, job, "notes", None, 50).items] for job in ids[::10]}

    def one_shard() -> object:
        job = pick.choice(list(parts))
        return read.shard(catalog, job, pick.choice(parts[job]))

    states = ("completed", "failed", "cancelled")
    return {
        "jobs, 50 of a filter": lambda: read.jobs_page(catalog, JobFilter(states=(pick.choice(states),))),
        "jobs, the next 50": lambda: read.jobs_page(catalog, after=(f"2026-11-21T00:0{pick.randrange(4)}:00Z", "x")),
        "shards, 50 anywhere": lambda: read.shards_page(catalog, pick.choice(ids), None, (pick.randrange(4), pick.randrange(2000))),
        "shards, 1000 of a stage": lambda: read.shards_page(catalog, pick.choice(ids), "mix", None, 1000),
        "stages": lambda: read.stages(catalog, pick.choice(ids)),
        "one shard with its columns": one_shard,
        "columns of a job": lambda: read.column_statistics(catalog, pick.choice(ids)),
        "funnel": lambda: read.became(catalog, pick.choice(ids)),
    }  # fmt: skip


class Busy:
    """`winnow run` on both cores, over and over, each time as a corpus of its own, so that all is measured again."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.jobs = 0
        self._process: subprocess.Popen[bytes] | None = None
        self.go_on()

    def go_on(self) -> None:
        """Start it again where it has ended."""
        if self._process is None or self._process.poll() is not None:
            files = map(str, corpus_files())
            options = ["-w", self.store.root, "-n", "2", "-q", "--corpus", f"live-{time.time_ns()}"]
            command = ["nice", "-n", "5", *WINNOW, "run", "fineweb", *files, *options]
            self.jobs += 1
            self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def end(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()


def while_a_job_runs(catalog: Catalog, store: Store, ids: list[str]) -> None:
    """Every read, in turn, while `winnow run` works on both cores in the same workspace and its log is taken in."""
    stop = threading.Event()
    refreshed: list[tuple[float, float]] = []

    def refresh() -> None:
        while not stop.wait(1.0):
            refreshed.append(timed(catalog.refresh))

    pick, found = random.Random(11), dict[str, list[tuple[float, float]]]()
    wanted = reads(catalog, ids, pick)
    busy = Busy(store)
    keeper = threading.Thread(target=refresh)
    keeper.start()
    try:
        time.sleep(5)
        while len(found.get("funnel", ())) < READS:
            busy.go_on()
            for name, run in wanted.items():
                found.setdefault(name, []).append(timed(run))
            time.sleep(0.01)
        print(f"while jobs run on both cores ({busy.jobs} of them):")
    finally:
        stop.set()
        busy.end()
        keeper.join()
    for name, seconds in found.items():
        told(name, seconds)
    told("refresh of all jobs, each second", refreshed)


def questions(catalog: Catalog, store: Store) -> None:
    wall, cpu = timed(lambda: catalog.snapshot(0.0))
    path = catalog.snapshot(60.0)
    print(f"copy of {path.stat().st_size / 1e6:.0f} MB: {1000 * wall:.0f} ms, CPU {1000 * cpu:.0f} ms")
    with Spares(1) as spares:
        for sql in GROUPS:
            walls, said = [], []
            for _ in range(7):
                time.sleep(3)  # a spare process is ready
                start = time.perf_counter()
                said.append(ask(store, sql, spares=spares, snapshot=str(path)).seconds)
                walls.append(time.perf_counter() - start)
            print(
                f"  {1000 * statistics.median(walls):4.0f} ms, of the statement {1000 * statistics.median(said):4.0f} ms: {sql}"
            )


def cost_of_statistics() -> None:
    """CPU of measuring statistics beside that of scoring, in row groups as the score stage writes them, best of 3."""
    specs = specs_of(load_recipe("fineweb"))
    schema = notes_schema(specs)
    notes, scoring_s = [], 0.0
    for n, batch in enumerate(batches(texts())):
        start = time.process_time()
        structs = [measure(spec, batch) for spec in specs]
        scoring_s += time.process_time() - start if n else 0.0  # the first batch warms up
        notes.append(pa.table([pa.nulls(len(batch), pa.string()), *structs], schema=schema))
    rows = pa.concat_tables(notes)

    def all_groups() -> None:
        for start in range(0, rows.num_rows, ROW_GROUP_ROWS):
            Statistics().add(rows.slice(start, ROW_GROUP_ROWS))

    measuring_s = best_s(all_groups)
    print(
        f"statistics: {measuring_s:.3f} s of CPU beside {scoring_s:.1f} s of scoring (fineweb): {measuring_s / scoring_s:.2%}"
    )


def main() -> None:
    print(machine())
    size = Size(corpora=40, jobs=5, shards=int(sys.argv[1]) if len(sys.argv) > 1 else SHARDS, columns=36)
    folder = Path(sys.argv[2] if len(sys.argv) > 2 else tempfile.mkdtemp(prefix="winnow-million-"))
    store = Store(str(folder / "ws"))
    if not store.names("jobs"):
        print(f"{size.shard_rows:,} shard rows made up in {timed(lambda: make_workspace(store, size))[0]:.0f} s")
    path = folder / "catalog.duckdb"
    wall, cpu = timed(lambda: print(rebuild(store, path)))
    print(f"rebuild: {wall:.1f} s, CPU {cpu:.1f} s, {path.stat().st_size / 1e6:.0f} MB")
    made: list[Catalog] = []
    wall, cpu = timed(lambda: made.append(Catalog(store, path)))
    catalog = made[0]
    print(f"opening, with every block checked: {wall:.1f} s, CPU {cpu:.1f} s")
    ids = [j["id"] for j in catalog.rows("select id from base.jobs order by id")][: size.corpora * size.jobs]
    questions(catalog, store)
    while_a_job_runs(catalog, store, ids)
    catalog.close()
    cost_of_statistics()
    if len(sys.argv) < 3:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
