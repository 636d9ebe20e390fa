"""Many clients at once: the same key from all of them; and more submissions than anybody should send."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psutil

from benchmarks.service.figures import Figure
from benchmarks.service.serving import LIFTED, Options, empty_service
from tests.control import RECIPE, crawl

CLIENTS = 64
FLOOD = 10_000
GROWTH_BYTES = 100 << 20
LOOK_S = 0.02


def one_key(_options: Options) -> Iterator[Figure]:
    """64 clients, each with a connection of its own, send one submission at the same moment."""
    with empty_service() as (found, folder):
        body = {"recipe": RECIPE, "inputs": crawl(folder, 240, 4)}
        start = threading.Barrier(CLIENTS)

        def send(client: httpx.Client) -> httpx.Response:
            client.get("/healthz")
            start.wait()
            return client.post("/v1/jobs", json=body, headers={"Idempotency-Key": "one"})

        began = time.perf_counter()
        answers = _at_once(found.address, [send] * CLIENTS)
        took_s = time.perf_counter() - began
        with httpx.Client(base_url=found.address, trust_env=False) as client:
            jobs = client.get("/v1/jobs").json()["items"]
        ids = {a.json().get("id") for a in answers}
        statuses = dict(Counter(a.status_code for a in answers))
        replays = sum("idempotent-replayed" in a.headers for a in answers)
        said = f"{len(jobs)} job; {_told(statuses)}, {replays} of them replays; {took_s:.1f} s for all"
        yield Figure(
            f"one key from {CLIENTS} clients at once", said, "1 job", len(jobs) == 1 and ids == {jobs[0]["id"]}
        )


def flood(options: Options) -> Iterator[Figure]:
    """10,000 submissions, each with a key of its own, with the limits as they are and without the one of requests a minute."""
    for what, settings in (("limits as they are", {}), ("requests a minute unlimited", LIFTED)):
        yield _flood(what, settings, 400 if options.quick else FLOOD)


def _flood(what: str, settings: Mapping[str, str], posts: int) -> Figure:
    with empty_service(settings=settings) as (found, folder):
        inputs = crawl(folder, 240, 4)
        process = psutil.Process(found.process.pid)

        def send(n: int) -> Callable[[httpx.Client], Counter[int]]:
            def work(client: httpx.Client) -> Counter[int]:
                said: Counter[int] = Counter()
                for i in range(n, posts, CLIENTS):
                    body = {"recipe": RECIPE, "inputs": inputs, "corpus": f"c{i}"}
                    said[client.post("/v1/jobs", json=body, headers={"Idempotency-Key": str(i)}).status_code] += 1
                return said

            return work

        time.sleep(2)
        before = process.memory_info().rss
        began = time.perf_counter()
        with _Peak(process) as peak:
            statuses = sum(_at_once(found.address, [send(n) for n in range(CLIENTS)]), Counter[int]())
        took_s = time.perf_counter() - began
        grown = peak.rss - before
        said = f"{_told(statuses)}; RSS {before / 2**20:.0f} MiB, at most {grown / 2**20:.0f} more; {posts / took_s:.0f} a second"
        fine = grown <= GROWTH_BYTES and max(statuses) < 500
        return Figure(
            f"{posts:,} submissions from {CLIENTS} clients, {what}", said, "no 5xx, RSS at most 100 MB more", fine
        )


class _Peak:
    """The largest resident memory of a process while the block lasts."""

    def __init__(self, process: psutil.Process) -> None:
        self.rss = 0
        self._process, self._over = process, threading.Event()
        self._thread = threading.Thread(target=self._look)

    def _look(self) -> None:
        while not self._over.wait(LOOK_S):
            self.rss = max(self.rss, self._process.memory_info().rss)

    def __enter__(self) -> _Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def _at_once(address: str, work: list[Callable[[httpx.Client], Any]]) -> list[Any]:
    """What each gives, in a thread and with connections of its own."""

    def alone(one: Callable[[httpx.Client], Any]) -> Any:
        with httpx.Client(base_url=address, timeout=180, trust_env=False) as client:
            return one(client)

    with ThreadPoolExecutor(len(work)) as threads:
        return list(threads.map(alone, work))


def _told(statuses: Mapping[int, int]) -> str:
    return ", ".join(f"{n:,} × {status}" for status, n in sorted(statuses.items()))
