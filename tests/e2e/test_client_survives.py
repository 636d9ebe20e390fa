"""kill -9 of the service while clients submit and watch: every job once, every event once."""

from __future__ import annotations

import collections
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.corpora import write_parquet
from tests.service_process import ServiceProcess, service_process
from winnow.client import Event

TREE = {"name": "quick", "score": ["exact"], "rules": {}}
KILLS = 3
SUBMISSIONS = 12


@pytest.fixture
def service(tmp_path: Path) -> Iterator[ServiceProcess]:
    write_parquet(tmp_path / "crawl", count=400, files=8)
    with service_process(tmp_path) as started:
        yield started


def events_of(service: ServiceProcess, job_id: str) -> list[tuple[int, str]]:
    """The log as the service tells it page by page, progress left out: how much of it is told depends on the moment."""
    found: list[tuple[int, str]] = []
    after, done = 0, False
    while not done:
        page = httpx.get(
            f"{service.url}/v1/jobs/{job_id}/events",
            params={"after": after},
            headers={"accept": "application/json"},
            trust_env=False,
        ).json()
        found += [(e["id"], e["event"]) for e in page["items"] if e["event"] != "progress"]
        after, done = page["next"], page["done"]
    return found


def test_the_service_is_killed_while_clients_submit_and_watch(service: ServiceProcess) -> None:
    seen: list[Event] = []
    first = service.client().submit(
        {**TREE, "score": ["exact", "gopher", "minhash"]}, service.folder / "crawl", output=service.folder / "out"
    )

    def watch() -> None:
        seen.extend(service.client().job(first.id).events())

    def submit(number: int) -> str:
        time.sleep(0.7 * number)  # spread over the kills
        client = service.client(patience_s=120.0)
        return client.submit(
            TREE, service.folder / "crawl", corpus="other", until="ingest", labels={"n": str(number)}
        ).id

    watcher = threading.Thread(target=watch)
    watcher.start()
    with ThreadPoolExecutor(SUBMISSIONS) as threads:
        ids = [threads.submit(submit, n) for n in range(SUBMISSIONS)]
        for _ in range(KILLS):
            time.sleep(1.5)
            service.kill()
            service.start()
        submitted = [i.result(timeout=240) for i in ids]
    watcher.join(240)
    assert not watcher.is_alive()
    client = service.client()
    for job_id in submitted:
        client.job(job_id).wait(timeout_s=240)

    listed = list(client.jobs())
    assert collections.Counter(j.id for j in listed) == collections.Counter([first.id, *submitted])
    assert sorted(int(j.labels["n"]) for j in listed if j.labels) == list(range(SUBMISSIONS))
    told = [(e.id, e.kind) for e in seen if e.kind not in ("progress", "done")]
    assert told == events_of(service, first.id)
    assert [e.kind for e in seen].count("done") == 1
    assert seen[-1].fields["state"] == "completed"
    assert [e.id for e in seen if e.id is not None] == sorted(e.id for e in seen if e.id is not None)
