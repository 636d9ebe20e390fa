"""One job's damaged record is a problem of that job alone: every route says so, the others answer, and it can be deleted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import winnow
from pipeline.control.state import delete_job
from pipeline.control.submission import accept, finish_claims
from pipeline.errors import WrongState
from pipeline.execution import attempts
from pipeline.job import now
from pipeline.storage.store import Store
from tests.control import RECIPE, submission
from tests.corpora import write_parquet
from tests.hosting import Hosted, hosted, problem

BAD = "job_000000000001badbadba"
RECORDS = ['{"state": "compl', '["completed"]', "", '{"state": "completed", "tables": [1]}']
GIVEN = {
    "{column}": "gopher.word_count", "{part}": "0a1b2c3d", "{doc_id}": "doc-00001", "{cluster}": "0", "{name}": "README.md",
    "{other}": BAD,
}  # fmt: skip


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosted]:
    folder = tmp_path_factory.mktemp("damaged")
    crawl = write_parquet(folder / "crawl", count=60, files=1)
    winnow.run(
        RECIPE, [str(crawl)], workspace=str(folder / "ws"), output=str(folder / "out"), executor="local", workers=1
    )
    with hosted(folder / "ws", roots=(str(folder),), executor="local") as running:
        yield running


def damage(service: Hosted, content: str) -> Path:
    """A job's folder with this in its record, beside a sound recipe and log."""
    folder = Path(service.service.store.full(Store.job(BAD)))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.json").write_text(json.dumps(RECIPE))
    (folder / "events.jsonl").write_text('{"at": "2026-01-01T00:00:00.000Z", "verb": "state", "state": "running"}\n')
    (folder / "job.json").write_text(content)
    return folder


def routes_of_jobs(service: Hosted, method: str) -> list[str]:
    """Paths of every route of one job, with values that are well formed."""
    found = []
    for path, methods in service.get("/openapi.json").json()["paths"].items():
        if "{job_id}" in path and method in methods:
            told = path.replace("{job_id}", BAD)
            for name, value in GIVEN.items():
                told = told.replace(name, value)
            assert "{" not in told, path
            found.append(told)
    return sorted(found)


@pytest.mark.parametrize("content", RECORDS)
def test_every_route_of_the_job_names_the_file(service: Hosted, content: str) -> None:
    damage(service, content)
    paths = routes_of_jobs(service, "get")
    assert len(paths) > 10
    for path in paths:
        body = problem(service.get(path), 409, "record_damaged")
        assert f"<workspace>/jobs/{BAD}/job.json: not a record" in body["detail"], path
        assert "delete the job" in body["detail"]


def test_steering_it_names_the_file(service: Hosted) -> None:
    damage(service, RECORDS[0])
    for verb in ("cancel", "pause", "resume", "retry"):
        assert "job.json" in problem(service.post(f"/v1/jobs/{BAD}/{verb}"), 409, "record_damaged")["detail"]


def test_asking_in_sql_of_it_names_the_file(service: Hosted) -> None:
    damage(service, RECORDS[0])
    answer = service.post("/v1/sql", {"query": "select count(*) from documents", "job": BAD})
    assert "job.json" in problem(answer, 409, "record_damaged")["detail"]


@pytest.mark.parametrize("content", RECORDS)
def test_the_others_are_listed_and_answer(service: Hosted, content: str) -> None:
    damage(service, content)
    (sound,) = [job["id"] for job in service.get("/v1/jobs").json()["items"]]
    assert service.get(f"/v1/jobs/{sound}/funnel").json()["items"][0]["documents"] == 60
    for path in ("/v1/schema", "/v1/corpora", "/v1/scorers", "/readyz"):
        assert service.get(path).status_code == 200, path
    told = service.post("/v1/sql", {"query": "select count(*) as n from documents"})
    assert (told.status_code, told.json()["rows"]) == (200, [{"n": 60}])
    every = service.post("/v1/sql", {"query": "select id from jobs"})
    assert every.json()["rows"] == [{"id": sound}]


@pytest.mark.parametrize("content", RECORDS)
def test_it_can_be_deleted(service: Hosted, content: str) -> None:
    folder = damage(service, content)
    assert service.client.delete(f"/v1/jobs/{BAD}").status_code == 204
    assert not folder.exists()
    problem(service.get(f"/v1/jobs/{BAD}"), 404, "job_not_found")


def test_a_folder_in_place_of_the_record_can_be_deleted(service: Hosted) -> None:
    folder = damage(service, "")
    (folder / "job.json").unlink()
    (folder / "job.json").mkdir()
    problem(service.get(f"/v1/jobs/{BAD}"), 409, "record_damaged")
    assert service.client.delete(f"/v1/jobs/{BAD}").status_code == 204
    assert not folder.exists()


def test_a_torn_recipe_names_its_file(service: Hosted) -> None:
    record: dict[str, Any] = {"state": "failed", "name": "x", "created_at": "2026-01-01T00:00:00.000Z"}
    folder = damage(service, json.dumps(record))
    (folder / "recipe.json").write_text('{"name": "sm')
    assert "recipe.json" in problem(service.get(f"/v1/jobs/{BAD}/recipe"), 409, "record_damaged")["detail"]
    assert service.client.delete(f"/v1/jobs/{BAD}").status_code == 204


def test_a_job_that_a_process_works_on_is_not_deleted_for_a_damaged_record(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "ws"))
    store.put(f"jobs/{BAD}/job.json", "{")
    assert attempts.claim(store, BAD, 1, "runner", now()) is not None  # by this very process
    with pytest.raises(WrongState, match="is running: cancel it first"):
        delete_job(store, BAD)
    gone = json.loads(Path(store.full(store.attempt(BAD, 1))).read_text()) | {"pid_started": "another"}
    store.put_json(store.attempt(BAD, 1), gone)
    delete_job(store, BAD)
    assert not store.exists(f"jobs/{BAD}")


def test_a_deleted_job_whose_submission_is_damaged_is_not_made_again(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "ws"))
    kept = accept(store, submission(), "another key").job_id
    job_id = accept(store, submission(), "a key").job_id
    for name in ("job.json", "submission.json"):
        store.put(f"jobs/{job_id}/{name}", "{")
    delete_job(store, job_id)
    assert finish_claims(store) == 0
    assert store.names("jobs") == [kept]
