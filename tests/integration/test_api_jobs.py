"""Jobs over HTTP, for real: submitted, watched, steered, asked about, deleted; with a runner of their own each."""

from __future__ import annotations

import base64
import concurrent.futures
from pathlib import Path
from typing import Any

import pytest

from api.pages import _check
from api.routes import answers
from api.service import Service
from pipeline.control.state import delete_job
from tests.corpora import write_parquet
from tests.fixtures_jobs import finished, root, service
from tests.fixtures_sql import RECIPE
from tests.hosting import Hosted, hosted, problem
from tests.listening import Ear

__all__ = ["finished", "root", "service"]  # fixtures


def test_a_submitted_job_runs_to_its_end(finished: dict[str, Any]) -> None:
    assert finished["state"] == "completed", finished
    assert finished["funnel"]["kept"] > 100
    assert sum(finished["funnel"].values()) == finished["rows"] == 240
    assert (finished["labels"], finished["supervised"], finished["attempt"]) == ({"team": "tests"}, True, 1)


def test_its_events_tell_every_stage_and_end_with_done(service: Hosted, finished: dict[str, Any]) -> None:
    ear = Ear(service.url, finished["id"])
    assert ear.listen()
    finished_stages = [d["stage"] for _, e, d in ear.heard if e == "stage" and d["verb"] == "stage_finished"]
    assert finished_stages == [
        *("text", "notes", "verdict", "bands", "candidates", "asked", "shingles", "pairs", "s_curve"),
        *("digests", "equals", "dedup", "effects", "guards", "mix", "export"),
    ]
    assert ear.heard[-1][1] == "done"
    assert ear.heard[-1][2]["state"] == "completed"
    progress = [d for _, e, d in ear.heard if e == "progress"]
    assert progress
    assert all(d["units_done"] <= d["units"] for d in progress)


def test_the_same_answer_is_not_sent_twice(service: Hosted, finished: dict[str, Any]) -> None:
    first = service.get(f"/v1/jobs/{finished['id']}")
    again = service.get(f"/v1/jobs/{finished['id']}", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = service.get(f"/v1/jobs/{finished['id']}", headers={"If-None-Match": '"another"'})
    assert other.json() == first.json()


def test_sixty_four_clients_with_one_key_make_one_job(service: Hosted, root: Path) -> None:
    body = {"recipe": RECIPE | {"name": "once"}, "inputs": [str(root / "in")], "until": "ingest"}

    def submit(_: int) -> tuple[int, str, str | None]:
        answer = service.post("/v1/jobs", body, headers={"Idempotency-Key": "one for all"})
        return answer.status_code, answer.json()["id"], answer.headers.get("idempotent-replayed")

    with concurrent.futures.ThreadPoolExecutor(64) as clients:
        told = list(clients.map(submit, range(64)))
    assert {status for status, _, _ in told} == {202}
    assert len({job for _, job, _ in told}) == 1
    assert [replayed for _, _, replayed in told].count(None) == 1
    listed = service.get("/v1/jobs", params={"name": "once"}).json()
    assert [job["id"] for job in listed["items"]] == [told[0][1]]
    service.wait(told[0][1])


def test_a_key_with_another_body_is_refused(service: Hosted, root: Path, finished: dict[str, Any]) -> None:
    body = {"recipe": RECIPE, "inputs": [str(root / "in")], "labels": {"team": "others"}}
    answer = service.post("/v1/jobs", body, headers={"Idempotency-Key": "the first"})
    said = problem(answer, 422, "idempotency_key_reused")
    assert finished["id"] in said["detail"]


def test_a_request_repeated_while_its_job_is_deleted_makes_a_job(
    service: Hosted, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"recipe": RECIPE | {"name": "again"}, "inputs": [str(root / "in")], "until": "ingest"}
    key, take_in = {"Idempotency-Key": "deleted meanwhile"}, answers.take_in
    first = service.post("/v1/jobs", body, headers=key).json()["id"]
    service.wait(first)

    def deleted_first(of: Service, job_id: str) -> None:
        if job_id == first:
            delete_job(of.store, first)
        take_in(of, job_id)

    monkeypatch.setattr(answers, "take_in", deleted_first)
    answer = service.post("/v1/jobs", body, headers=key)
    assert answer.status_code == 202, answer.text
    assert answer.json()["id"] != first
    assert "idempotent-replayed" not in answer.headers
    service.wait(answer.json()["id"])


def test_a_recipe_in_yaml_is_taken(service: Hosted, root: Path) -> None:
    text = f"extends: minimal\nname: from-yaml\ninput: {{paths: ['{root}/in']}}\n"
    answer = service.client.post("/v1/jobs", content=text, headers={"Content-Type": "application/yaml"})
    assert answer.status_code == 202, answer.text
    assert service.wait(answer.json()["id"])["name"] == "from-yaml"
    recipe = service.get(f"/v1/jobs/{answer.json()['id']}/recipe").json()
    assert recipe["input"]["paths"] == [str(root / "in")]


def test_a_plan_says_what_would_be_done_and_does_nothing(service: Hosted, root: Path) -> None:
    before = service.get("/v1/jobs", params={"page_size": 1}).json()["items"][0]["id"]
    told = service.post("/v1/plans", {"recipe": RECIPE, "inputs": [str(root / "in")], "workers": 2}).json()
    assert told["input"]["files"] == 4
    assert told["stages"] == ["ingest", "score", "judge", "pairs", "dedup", "mix", "export"]
    assert told["forecast"]["workers"] == 2
    assert service.get("/v1/jobs", params={"page_size": 1}).json()["items"][0]["id"] == before


def test_a_plan_says_what_goes_of_documents_that_stay(service: Hosted, root: Path) -> None:
    recipe = RECIPE | {"dedup": {"lines": {}, "substrings": {"min_bytes": 100}}}
    told = service.post("/v1/plans", {"recipe": recipe, "inputs": [str(root / "in")]}).json()
    assert (
        told["lines"][0] == "of each line that the corpus holds more than once (by occurrences), the first copy stays"
    )
    assert (
        told["substrings"][0]
        == "of passages of at least 100 bytes that the corpus holds elsewhere, the first copy stays"
    )
    assert (told["fuzzy"], told["against"]) == ([], [])


def test_pages_stay_as_they_are_while_jobs_come(service: Hosted, root: Path, finished: dict[str, Any]) -> None:
    def submit(n: int) -> str:
        body = {
            "recipe": RECIPE | {"name": "paged"},
            "inputs": [str(root / "in")],
            "until": "ingest",
            "labels": {"n": str(n)},
        }
        return str(service.post("/v1/jobs", body).json()["id"])

    first = [submit(n) for n in range(5)]
    page = service.get("/v1/jobs", params={"name": "paged", "page_size": 2}).json()
    seen = [job["id"] for job in page["items"]]
    late = [submit(n) for n in range(5, 8)]
    while page["next_page_token"]:
        page = service.get(
            "/v1/jobs", params={"name": "paged", "page_size": 2, "page_token": page["next_page_token"]}
        ).json()
        seen += [job["id"] for job in page["items"]]
    assert seen == first[::-1]
    by_label = service.get("/v1/jobs", params={"name": "paged", "label": "n:6"}).json()["items"]
    assert [job["id"] for job in by_label] == [late[1]]
    for job in first + late:
        service.wait(job)


@pytest.mark.parametrize("token", ["x", "AAAA", "../..", "e30", "%00", "é", "a" * 3000])
def test_a_page_token_that_is_none_is_refused(service: Hosted, finished: dict[str, Any], token: str) -> None:
    answer = service.get("/v1/jobs", params={"page_token": token})
    assert answer.status_code == 422 if len(token) > 2000 else problem(answer, 400, "bad_page_token")


def test_a_page_token_of_half_a_character_is_refused(service: Hosted) -> None:
    question = {
        "path": "/v1/jobs", "state": [], "name": None, "label": [], "owner": None, "created_after": None,
        "created_before": None, "order_by": "-created_at",
    }  # fmt: skip
    body = rb'["\ud800","x"]'
    token = base64.urlsafe_b64encode(_check(body, question) + body).decode().rstrip("=")
    problem(service.get("/v1/jobs", params={"page_token": token}), 400, "bad_page_token")


def test_a_page_token_of_another_question_is_refused(service: Hosted, finished: dict[str, Any]) -> None:
    token = service.get(f"/v1/jobs/{finished['id']}/shards", params={"page_size": 1}).json()["next_page_token"]
    problem(service.get("/v1/jobs", params={"page_token": token}), 400, "bad_page_token")
    problem(
        service.get(f"/v1/jobs/{finished['id']}/shards", params={"stage": "mix", "page_token": token}),
        400,
        "bad_page_token",
    )


def test_stages_and_shards_add_up(service: Hosted, finished: dict[str, Any]) -> None:
    stages = service.get(f"/v1/jobs/{finished['id']}/stages").json()["items"]
    assert next(s["rows"] for s in stages if s["stage"] == "mix") == finished["rows"]
    shards, token = [], None
    while True:
        params = {"page_size": 3} | ({"page_token": token} if token else {})
        page = service.get(f"/v1/jobs/{finished['id']}/shards", params=params).json()
        shards += page["items"]
        token = page["next_page_token"]
        if token is None:
            break
    assert sum(s["rows"] for s in shards if s["stage"] == "notes") == finished["rows"]
    one = next(s for s in shards if s["stage"] == "notes")
    told = service.get(f"/v1/jobs/{finished['id']}/shards/{one['part']}").json()
    assert (told["sha256"], told["rows"]) == (one["sha256"], one["rows"])
    words = next(c for c in told["columns"] if c["name"] == "gopher.word_count")
    assert (words["rows"], sum(rows for _, _, rows in words["histogram"])) == (
        one["rows"],
        one["rows"] - words["nulls"],
    )
    problem(service.get(f"/v1/jobs/{finished['id']}/shards/none"), 404, "not_found")


def test_a_job_that_has_ended_takes_no_more_orders(service: Hosted, finished: dict[str, Any]) -> None:
    for order in ("cancel", "pause", "resume", "retry"):
        problem(service.post(f"/v1/jobs/{finished['id']}/{order}"), 409, "wrong_state")
    said = problem(service.post("/v1/jobs/job_none/cancel"), 404, "job_not_found")
    assert service.service.store.root not in said["detail"]


def test_a_job_is_paused_resumed_cancelled_and_tried_again(service: Hosted, root: Path) -> None:
    write_parquet(root / "more", count=6000, files=12)
    body = {
        "recipe": RECIPE | {"name": "steered"},
        "inputs": [str(root / "more")],
        "output": str(root / "steered"),
        "workers": 1,
    }
    job = service.post("/v1/jobs", body).json()["id"]
    waiting = service.post("/v1/jobs", {**body, "output": str(root / "other")}).json()["id"]
    service.wait(job, "running")
    assert service.post(f"/v1/jobs/{job}/pause").status_code == 202
    assert service.wait(job, "paused")["wanted"] == "pause"
    problem(service.client.delete(f"/v1/jobs/{job}"), 409, "wrong_state")
    assert service.post(f"/v1/jobs/{waiting}/cancel").json()["state"] in ("cancelling", "cancelled")
    assert service.wait(waiting)["state"] == "cancelled"
    assert service.post(f"/v1/jobs/{job}/resume").json()["state"] in ("queued", "running")
    assert service.wait(job)["state"] == "completed"
    again = service.post(f"/v1/jobs/{waiting}/retry", headers={"Idempotency-Key": "again"})
    assert (again.status_code, again.json()["retry_of"]) == (202, waiting)
    replayed = service.post(f"/v1/jobs/{waiting}/retry", headers={"Idempotency-Key": "again"})
    assert (replayed.json()["id"], replayed.headers["idempotent-replayed"]) == (again.json()["id"], "true")
    ended = service.wait(again.json()["id"])
    assert ended["state"] == "completed"
    assert (root / "steered" / "manifest.json").read_bytes() == (root / "other" / "manifest.json").read_bytes()
    assert service.client.delete(f"/v1/jobs/{waiting}").status_code == 204
    problem(service.get(f"/v1/jobs/{waiting}"), 404, "job_not_found")
    assert waiting not in [j["id"] for j in service.get("/v1/jobs", params={"name": "steered"}).json()["items"]]


def test_a_full_queue_says_when_to_come_again(root: Path) -> None:
    body = {"recipe": RECIPE, "inputs": [str(root / "in")], "until": "ingest"}
    with hosted(root / "full", roots=(str(root),), queue=2) as service:
        service.service.supervisor.stop()
        kept = [service.post("/v1/jobs", body, headers={"Idempotency-Key": f"k{n}"}) for n in range(2)]
        assert [a.status_code for a in kept] == [202, 202]
        full = service.post("/v1/jobs", body)
        problem(full, 429, "queue_full")
        assert int(full.headers["retry-after"]) >= 1
        problem(service.post("/v1/jobs", body, headers={"Idempotency-Key": "k3"}), 429, "queue_full")
        replay = service.post("/v1/jobs", body, headers={"Idempotency-Key": "k0"})
        assert (replay.status_code, replay.json()["id"]) == (202, kept[0].json()["id"])
        waiting = kept[0].json()["id"]
        for path in (
            "funnel",
            "samples",
            "clusters",
            "clusters/x",
            "histograms/text_bytes",
            "documents/x",
            "report",
            f"compare/{waiting}",
        ):
            problem(service.get(f"/v1/jobs/{waiting}/{path}"), 409, "not_ready_yet")
        problem(service.post(f"/v1/jobs/{waiting}/preview", {"changes": ["name=x"]}), 409, "not_ready_yet")
        problem(service.get("/v1/schema", params={"job": waiting}), 409, "not_ready_yet")
        assert service.get(f"/v1/jobs/{waiting}/stages").json() == {"items": []}
        assert service.get(f"/v1/jobs/{waiting}/artifacts").json()["items"] == []
        problem(service.post("/v1/sql", {"query": "select 1 from documents", "job": waiting}), 422, "usage")
        for answer in kept:
            service.post(f"/v1/jobs/{answer.json()['id']}/cancel")
