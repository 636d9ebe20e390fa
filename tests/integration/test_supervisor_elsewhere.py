"""Jobs of the service on Ray, and in a bucket."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

import winnow
from pipeline.control.care import Limits
from pipeline.control.events import read_events
from pipeline.control.state import delete_job, job_state
from pipeline.control.submission import Submission, accept, finish_claims
from pipeline.control.wish import want
from pipeline.errors import Fenced, KeyReused
from pipeline.execution import attempts
from pipeline.storage.store import Store
from tests.control import (
    assert_done_once,
    crawl,
    processes_of,
    slow_recipe,
    submission,
    supervising,
    until,
    until_ended,
)
from tests.control import until_scoring as scoring
from tests.fixtures_pace import SLOW_S, Pace, pace
from tests.integration.test_ingest_s3 import bucket, server
from tests.integration.test_run import digests

__all__ = ["bucket", "pace", "server"]
UNITS = 8


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return crawl(tmp_path_factory.mktemp("corpus"), 80, UNITS)


def test_a_runner_on_ray_is_resumed_and_leaves_nothing(corpus: list[str], tmp_path: Path, pace: Pace) -> None:
    recipe = slow_recipe(corpus)
    pace.free()
    winnow.run({k: v for k, v in recipe.items() if k != "input"}, corpus, workspace=str(tmp_path / "clean"), workers=1)
    pace.set(SLOW_S)
    store = Store(str(tmp_path / "ws"))
    with supervising(store) as supervisor:
        job_id = supervisor.submit(Submission(recipe=recipe, workers=2, executor="ray")).job_id
        claim = scoring(store, job_id, 2)
        family = [p.pid for p in processes_of(job_id)]
        assert len(family) > 4, "Ray's processes carry the mark of the runner that started them"
        os.kill(claim.pid, signal.SIGKILL)
        pace.free()
        until(lambda: attempts.highest(store, job_id) == 2)
        assert [p.pid for p in processes_of(job_id) if p.pid in family] == []
        record = until_ended(store, job_id)
        until(lambda: not supervisor.running())
        assert processes_of(job_id) == []
    assert (record["state"], record["attempts_failed"]) == ("completed", 1)
    assert digests(tmp_path / "ws" / "corpora") == digests(tmp_path / "clean" / "corpora")


def test_a_job_on_ray_is_cancelled_in_seconds(corpus: list[str], tmp_path: Path, pace: Pace) -> None:
    store = Store(str(tmp_path / "ws"))
    with supervising(store) as supervisor:
        asked = Submission(recipe=slow_recipe(corpus), workers=2, executor="ray")
        job_id = supervisor.submit(asked).job_id
        scoring(store, job_id)
        pace.set(60.0)
        want(store, job_id, "cancel", "ada")
        assert until_ended(store, job_id, 10)["state"] == "cancelled"
        parts = sorted((tmp_path / "ws" / "corpora").rglob("*.parquet"))
        until(lambda: not supervisor.running())
        time.sleep(1.5)
        assert sorted((tmp_path / "ws" / "corpora").rglob("*.parquet")) == parts


def test_accepting_in_a_bucket_is_as_on_a_disk(bucket: str) -> None:
    store = Store(f"{bucket}/ws")
    job_id = accept(store, submission(), "k").job_id
    assert accept(store, submission(), "k").job_id == job_id
    with pytest.raises(KeyReused):
        accept(store, submission(workers=3), "k")
    assert store.names("jobs") == [job_id]
    store.remove(f"{Store.job(job_id)}/job.json")
    assert finish_claims(store) == 1
    assert want(store, job_id, "pause", "ada")["state"] == "paused"


def test_a_log_in_a_bucket_is_read_from_any_offset(bucket: str) -> None:
    store = Store(f"{bucket}/ws")
    assert read_events(store, "job_1") == ([], 0)
    for verb in ("a", "b", "c"):
        store.append("jobs/job_1/events.jsonl", f'{{"at": "x", "verb": "{verb}"}}')
    events, behind = read_events(store, "job_1")
    assert [e.verb for e in events] == ["a", "b", "c"]
    assert [e.verb for e in read_events(store, "job_1", events[0].id)[0]] == ["b", "c"]
    assert read_events(store, "job_1", behind) == ([], behind)
    assert read_events(store, "job_1", behind + 9) == ([], behind + 9)


def test_a_fence_holds_in_a_bucket(bucket: str) -> None:
    store = Store(f"{bucket}/ws")
    assert attempts.claim(store, "job_1", 1, "runner", "x") is not None
    fenced = store.fenced("job_1", 1)
    fenced.put("a.txt", "a")
    assert attempts.claim(store, "job_1", 2, "supervisor", "x") is not None
    with pytest.raises(Fenced):
        fenced.commit_json("b.json", {})
    assert not store.exists("b.json")


def test_a_job_in_a_bucket_is_killed_resumed_paused_and_deleted(
    bucket: str, corpus: list[str], tmp_path: Path, pace: Pace
) -> None:
    store = Store(f"{bucket}/ws")
    with supervising(store, Limits(nice=0), log_folder=tmp_path) as supervisor:
        job_id = supervisor.submit(Submission(recipe=slow_recipe(corpus), workers=1)).job_id
        os.kill(scoring(store, job_id, 2).pid, signal.SIGKILL)
        until(lambda: attempts.highest(store, job_id) == 2)
        scoring(store, job_id, 3)
        pace.set(3.0)  # no two units between two looks at what is wanted
        want(store, job_id, "pause", "ada")
        until(lambda: job_state(store, job_id)["state"] == "paused")
        pace.free()
        want(store, job_id, "run", "ada")
        supervisor.wake(job_id)
        record = until_ended(store, job_id)
        until(lambda: not supervisor.running())
    assert (record["state"], record["attempts_failed"], record["rows"]) == ("completed", 1, 80)
    assert_done_once(store, job_id, UNITS)
    assert (tmp_path / f"{job_id}.log").exists()
    delete_job(store, job_id)
    assert store.names("jobs") == []
