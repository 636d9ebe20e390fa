"""From the request to cancel a job to its end; and from what happens in a job to whoever listens."""

from __future__ import annotations

import datetime
import random
import shutil
import time
from collections.abc import Iterator

from benchmarks.data import CORPUS
from benchmarks.service.figures import Figure, spread, under
from benchmarks.service.serving import Options, client_of, empty_service, submit
from pipeline.control.state import TERMINAL
from winnow.client import Client

CANCELS = 32
WITHIN_S = 8.0
ASK_EVERY_S = 0.01
GOAL_S = 10.0
WATCHED_JOBS = 4


def cancel(options: Options) -> Iterator[Figure]:
    """Jobs of the recipe fineweb over the corpus, cancelled at random moments of their first seconds."""
    pick, took_s, waited = random.Random(3), list[float](), 0
    with empty_service() as (found, folder), client_of(found) as client:
        for n in range(options.times(CANCELS)):
            job_id = submit(client, recipe="fineweb", inputs=[str(CORPUS)], corpus=f"c{n}", workers=2)
            time.sleep(pick.uniform(0, WITHIN_S))
            began = time.perf_counter()
            answer = client.post(f"/v1/jobs/{job_id}/cancel")
            if answer.status_code == 409:  # it was over before
                continue
            assert answer.status_code == 202, answer.text
            while (state := client.get(f"/v1/jobs/{job_id}").json()["state"]) not in TERMINAL:
                time.sleep(ASK_EVERY_S)
            took_s.append(time.perf_counter() - began)
            waited += state == "cancelled"
            shutil.rmtree(folder / "ws" / "corpora" / f"c{n}", ignore_errors=True)
    yield under(f"cancel to terminal, {len(took_s)} at random moments ({waited} cancelled)", took_s, GOAL_S)


def events(options: Options) -> Iterator[Figure]:
    """How old an event is when it is heard: of those that happened while somebody listened; progress, which is told at most
    once a second, left out."""
    late_s = list[float]()
    with empty_service() as (found, folder), Client(found.address) as client:
        for n in range(options.times(WATCHED_JOBS)):
            job = client.submit("minimal", str(CORPUS), corpus=f"c{n}", output=folder / "out" / str(n))
            since = datetime.datetime.now(datetime.UTC)
            for event in job.events():
                heard = datetime.datetime.now(datetime.UTC)
                if event.kind in ("progress", "done"):
                    continue
                happened = datetime.datetime.fromisoformat(event.fields["at"])
                if happened > since:
                    late_s.append((heard - happened).total_seconds())
    yield Figure("SSE: from an event in a job to its listener", spread(late_s))
