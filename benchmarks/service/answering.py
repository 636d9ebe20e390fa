"""Answers that need more than a read: SQL over a million shard rows, and previews over a million documents."""

from __future__ import annotations

import contextlib
import statistics
import tempfile
import time
from collections.abc import Iterator
from typing import Any

import httpx

from benchmarks.catalog_million import GROUPS
from benchmarks.preview_speed import CHANGES, workspace
from benchmarks.service.figures import Figure
from benchmarks.service.reading import million
from benchmarks.service.serving import Options, client_of, service

QUESTIONS = 7
SPARE_S = 2.0
"""So long until another process waits for a question."""
SQL_GOAL_S, PREVIEW_GOAL_S = 0.3, 1.0


def sql(options: Options) -> Iterator[Figure]:
    """Group-bys over all shard rows, one at a time."""
    with million(options) as (_, client):
        client.post("/v1/sql", json={"query": "select 1"})
        for query in GROUPS:
            walls, own = list[float](), list[float]()
            for _ in range(options.times(QUESTIONS)):
                time.sleep(SPARE_S)
                took_s, answer = _posted(client, "/v1/sql", {"query": query})
                walls.append(took_s)
                own.append(answer["seconds"])
            median = statistics.median(walls)
            said = f"{1e3 * median:.0f} ms (most {1e3 * max(walls):.0f}), of it the statement {1e3 * statistics.median(own):.0f}"
            yield Figure(f"SQL over HTTP: `{query}`", said, "< 300 ms", median < SQL_GOAL_S)


def preview(options: Options) -> Iterator[Figure]:
    """Other rules over a million documents: asked of a service whose clerk is not started yet; of one whose clerk has answered
    something else, but knows nothing of the job's columns; and then again and again."""
    for ready in (False, True):
        with _service(options) as (client, job_id):
            if ready:
                assert client.get(f"/v1/jobs/{job_id}/clusters").status_code == 200
                time.sleep(SPARE_S)
            for number, (what, changes) in enumerate(CHANGES if ready else CHANGES[:1]):
                path = f"/v1/jobs/{job_id}/preview"
                first_s, answer = _posted(client, path, {"changes": changes})
                again_s, _ = _posted(client, path, {"changes": changes})
                told = f"{first_s:.2f} s, again {again_s:.2f} s; {answer['documents']:,} documents"
                which = " (the first of the job)" if number == 0 else ""
                if ready:
                    yield Figure(f"preview: {what}{which}", told, "< 1 s", first_s < PREVIEW_GOAL_S)
                else:
                    yield Figure(f"preview: {what} (the first question of all: a clerk is started)", told)


@contextlib.contextmanager
def _service(options: Options) -> Iterator[tuple[httpx.Client, str]]:
    """A client of a service over a million documents, and the id of their job."""
    root = workspace(options.documents)
    with contextlib.ExitStack() as stack:
        state = stack.enter_context(tempfile.TemporaryDirectory(prefix="winnow-state-"))
        client = stack.enter_context(client_of(stack.enter_context(service(root, "--state", state))))
        yield client, client.get("/v1/jobs").json()["items"][0]["id"]


def _posted(client: httpx.Client, path: str, body: Any, statuses: tuple[int, ...] = (200,)) -> tuple[float, Any]:
    """Seconds, and the answer."""
    began = time.perf_counter()
    answer = client.post(path, json=body)
    took_s = time.perf_counter() - began
    assert answer.status_code in statuses, answer.text[:500]
    return took_s, answer.json()
