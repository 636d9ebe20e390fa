"""Reads over a catalog with a million shard rows: while a job works on both cores; and while others ask SQL bombs."""

from __future__ import annotations

import contextlib
import itertools
import random
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import httpx

from benchmarks.data import CORPUS
from benchmarks.service.figures import Figure, percentile, spread, under
from benchmarks.service.serving import LIFTED, Options, asked, client_of, end_jobs, service, submit
from tests.control import until
from tests.serving import Served
from tests.sql_bombs import BOMBS

READS = 300
PAUSE_S = 0.01
GOAL_S = 0.05
JOBS = 60
BOMBERS = 4
PHASES = 4
BOMB_BYTES_MAX = 200_000
STATES = ("completed", "failed", "cancelled")
Reads = Mapping[str, Callable[[], float]]


@contextlib.contextmanager
def million(options: Options) -> Iterator[tuple[Served, httpx.Client]]:
    """The service over a million shard rows."""
    settings = {**LIFTED, "WINNOW_LIMIT_SQL_AT_ONCE_PER_KEY": str(BOMBERS)}
    with service(options.million / "ws", settings=settings) as found, client_of(found) as client:
        yield found, client


def reads_of(client: httpx.Client) -> Reads:
    """What clients look at, each time somewhere else -> seconds."""
    pick = random.Random(5)
    ids = [job["id"] for job in client.get("/v1/jobs", params={"page_size": 200, "name": "recipe-3"}).json()["items"]]
    pages = [_tokens(client, f"/v1/jobs/{job_id}/shards", 20, page_size=200) for job_id in ids[:8]]
    jobs = _tokens(client, "/v1/jobs", 3)
    parts = [
        (i, p["part"])
        for i in ids[:8]
        for p in client.get(f"/v1/jobs/{i}/shards", params={"stage": "notes"}).json()["items"]
    ]

    def shards_anywhere() -> float:
        n = pick.randrange(len(pages))
        return asked(client, f"/v1/jobs/{ids[n]}/shards", params={"page_token": pick.choice(pages[n])})

    def one_shard() -> float:
        job_id, part = pick.choice(parts)
        return asked(client, f"/v1/jobs/{job_id}/shards/{part}")

    return {
        "GET /v1/jobs, 50 of a state": lambda: asked(client, "/v1/jobs", params={"state": pick.choice(STATES)}),
        "GET /v1/jobs, a later page": lambda: asked(client, "/v1/jobs", params={"page_token": pick.choice(jobs)}),
        "GET /v1/jobs/{id}": lambda: asked(client, f"/v1/jobs/{pick.choice(ids)}"),
        "shards, 50 anywhere": shards_anywhere,
        "shards, 50 of a stage": lambda: asked(client, f"/v1/jobs/{pick.choice(ids)}/shards", params={"stage": "mix"}),
        "shards/{part}, with its columns": one_shard,
        "stages": lambda: asked(client, f"/v1/jobs/{pick.choice(ids)}/stages"),
        "funnel": lambda: asked(client, f"/v1/jobs/{pick.choice(ids)}/funnel"),
        "GET /healthz, a yardstick": lambda: asked(client, "/healthz"),
    }  # fmt: skip


def _tokens(client: httpx.Client, path: str, pages: int, **query: int) -> list[str]:
    """Tokens of pages that follow one another, which hold for other sizes of page too."""
    found: list[str] = []
    for _ in range(pages):
        params = {**query, **({"page_token": found[-1]} if found else {})}
        token = client.get(path, params=params).json()["next_page_token"]
        if token is None:
            break
        found.append(token)
    return found


def routes(options: Options) -> Iterator[Figure]:
    """Every read in turn, while jobs of the recipe fineweb work on both cores in the same workspace, one after the other."""
    found: dict[str, list[float]] = {}
    with million(options) as (served, client):
        reads = reads_of(client)
        with working(served, client, options.million / "ws"):
            for _ in range(options.times(READS)):
                for name, read in reads.items():
                    found.setdefault(name, []).append(read())
                    time.sleep(PAUSE_S)
            assert client.get("/v1/jobs", params={"state": "running"}).json()["items"], "the jobs ended too early"
    for name, seconds in found.items():
        yield under(f"{name}; a job on both cores", seconds, GOAL_S)


@contextlib.contextmanager
def working(served: Served, client: httpx.Client, workspace: Path) -> Iterator[None]:
    """Jobs, one at a time and another after it, on both cores; nothing of them is left in the workspace."""
    submitted = [
        submit(client, recipe="fineweb", inputs=[str(CORPUS)], corpus=f"load-{n}", workers=2) for n in range(JOBS)
    ]
    try:
        until(lambda: client.get("/v1/jobs", params={"state": "running"}).json()["items"])
        time.sleep(4)
        yield
    finally:
        end_jobs(served.address)
        for job_id in submitted:
            client.delete(f"/v1/jobs/{job_id}")
        for left in (workspace / "corpora").glob("load-*"):
            shutil.rmtree(left)


def bombs(options: Options) -> Iterator[Figure]:
    """The same reads with nothing else going on, and while four callers ask one bomb after the other; by turns."""
    quiet: dict[str, list[float]] = {}
    loud: dict[str, list[float]] = {}
    with million(options) as (served, client):
        reads = reads_of(client)
        for phase in range(PHASES):
            with bombing(served.address) if phase % 2 else contextlib.nullcontext():
                for _ in range(options.times(READS) // PHASES + 1):
                    for name, read in reads.items():
                        (loud if phase % 2 else quiet).setdefault(name, []).append(read())
                        time.sleep(PAUSE_S)
    for name in quiet:
        before, during = percentile(quiet[name], 0.95), percentile(loud[name], 0.95)
        said = f"p95 {1e3 * before:.1f} ms, under bombs {1e3 * during:.1f} ms: {during / before:.2f} times"
        yield Figure(f"{name}; SQL bombs", said, "at most doubled", during <= 2 * before)
    everything = [s for times in loud.values() for s in times]
    yield Figure("all of these under bombs", spread(everything))


@contextlib.contextmanager
def bombing(address: str) -> Iterator[None]:
    """Statements that never end or take all memory, from four callers, without a pause."""
    over = threading.Event()
    statements = [sql for sql in BOMBS.values() if "documents" not in sql and len(sql) < BOMB_BYTES_MAX]
    following = itertools.cycle(random.Random(1).sample(statements, len(statements)))

    def ask() -> None:
        with httpx.Client(base_url=address, timeout=90, trust_env=False) as client:
            while not over.is_set():
                client.post("/v1/sql", json={"query": next(following), "timeout_seconds": 10})

    threads = [threading.Thread(target=ask) for _ in range(BOMBERS)]
    for thread in threads:
        thread.start()
    time.sleep(3)
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()
