"""What came out of a job, over HTTP: decisions, documents, questions in SQL; and what there is."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import winnow
from tests.control import until
from tests.corpora import write_parquet
from tests.fixtures_sql import RECIPE
from tests.hosting import Hosted, hosted, problem
from tests.serving import bearer, make_keys, settings_of

STRICT: dict[str, Any] = RECIPE["rules"] | {"long": {"column": "gopher.word_count", "min": 165}}  # type: ignore[operator]
JOB: dict[str, Any] = {}
"""The two finished jobs that these tests look at, by name."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosted]:
    root = tmp_path_factory.mktemp("api-results")
    workspace = str(root / "ws")
    paths = [str(write_parquet(root / "in"))]
    for name, changes in (("loose", {}), ("strict", {"rules": STRICT})):
        recipe = RECIPE | {"name": name} | changes
        JOB[name] = winnow.run(
            recipe, paths, workspace=workspace, output=str(root / name), executor="local", workers=1
        ).job_id
    with hosted(root / "ws", roots=(str(root),)) as running:
        yield running


def at(name: str, path: str) -> str:
    return f"/v1/jobs/{JOB[name]}/{path}"


def got(service: Hosted, path: str, **params: Any) -> Any:
    answer = service.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_funnel_adds_up(service: Hosted) -> None:
    funnel = got(service, at("loose", "funnel"))
    assert funnel["items"][0]["documents"] == 240
    assert sum(end["documents"] for end in funnel["ends"]) == 240
    taken = sum(step["documents"] for step in funnel["items"][1:-1])
    assert funnel["items"][-1]["documents"] == 240 - taken
    assert funnel["items"][-1]["documents"] == got(service, f"/v1/jobs/{JOB['loose']}")["funnel"]["kept"]


def test_a_histogram_counts_every_document_once(service: Hosted) -> None:
    told = got(service, at("loose", "histograms/gopher.word_count"), bins=10)
    assert sum(told["kept"]) + sum(told["removed"]) == 240
    assert len(told["edges"]) == len(told["kept"]) + 1
    assert [(c["rule"], c["at"], c["documents"]) for c in told["cuts"]] == [("word_count", 50.0, 24)]
    said = problem(service.get(at("loose", "histograms/gopher.word_cuont")), 404, "column_not_found")
    assert "gopher.word_count" in said["detail"]
    problem(service.get(at("loose", "histograms/a;drop")), 422, "invalid")


def test_samples_are_the_same_for_the_same_seed(service: Hosted) -> None:
    first = got(service, at("loose", "samples"), outcome="removed", reason="word_count", size=5, seed=1)
    assert first["documents"] == 24
    assert [d["text"] for d in first["items"]] == ["Too short."] * 5
    assert {d["failed"][0]["rule"] for d in first["items"]} == {"word_count"}
    assert got(service, at("loose", "samples"), outcome="removed", reason="word_count", size=5, seed=1) == first
    other = got(service, at("loose", "samples"), outcome="removed", reason="word_count", size=5, seed=2)
    assert [d["doc_id"] for d in other["items"]] != [d["doc_id"] for d in first["items"]]
    kept = got(service, at("loose", "samples"), size=3, text_chars=10)["items"]
    assert [(len(d["text"]), d["text_cut"], d["outcome"]) for d in kept] == [(10, True, "kept")] * 3


def test_clusters_are_paged_and_looked_into(service: Hosted) -> None:
    seen, token = [], None
    while True:
        page = got(service, at("loose", "clusters"), page_size=7, **({"page_token": token} if token else {}))
        seen += page["items"]
        token = page["next_page_token"]
        if token is None:
            break
    assert len({c["cluster"] for c in seen}) == len(seen) == 48
    assert [c["cluster_size"] for c in seen] == sorted((c["cluster_size"] for c in seen), reverse=True)
    one = got(service, at("loose", f"clusters/{seen[0]['cluster']}"))
    assert one["cluster_size"] == len(one["members"]) == seen[0]["cluster_size"]
    assert [m["keep"] for m in one["members"]] == [True] + [False] * (one["cluster_size"] - 1)
    problem(service.get(at("loose", "clusters/none")), 404, "cluster_not_found")


def test_a_document_is_explained(service: Hosted) -> None:
    (short,) = got(service, at("loose", "documents/doc-00009"))["items"]
    assert short["outcome"] == "removed by judge"
    assert (short["failed"][0]["rule"], short["failed"][0]["value"]) == ("word_count", "2")
    assert short["measured"]["gopher"]["word_count"] == 2
    said = problem(service.get(at("loose", "documents/doc-000099")), 404, "document_not_found")
    assert "doc-00009" in said["detail"]
    problem(service.get(at("loose", "documents/..%2F..%2Fetc%2Fpasswd%00")), 404, "document_not_found")
    for other in ("doc-00009%0A", "doc-00009%0Ax"):  # a line break is part of an id, and its document another
        problem(service.get(at("loose", f"documents/{other}")), 404, "document_not_found")


def test_two_jobs_are_compared_document_by_document(service: Hosted) -> None:
    told = got(service, at("loose", f"compare/{JOB['strict']}"))
    assert told["same_corpus"] is True
    kept = {who: counts["documents"] for who, counts in told["documents"]["kept_by"].items()}
    assert sum(kept.values()) == 240
    assert kept["only_other"] == 0
    assert kept["only_this"] > 0
    assert "rules.long.min" in [d["path"] for d in told["differences"]]
    problem(service.get(at("loose", "compare/job_none")), 404, "job_not_found")


def test_a_preview_keeps_what_a_run_of_the_same_rules_kept(service: Hosted) -> None:
    strict = got(service, at("strict", "funnel"))
    by_rules = 240 - next(end["documents"] for end in strict["ends"] if end["mark"] == "judge")
    for body in ({"changes": ["rules.long={column: gopher.word_count, min: 165}"]}, {"rules": STRICT}):
        told = service.post(at("loose", "preview"), body).json()
        assert told["proposed"]["kept"]["documents"] == by_rules
        assert told["documents"] == 240
    problem(service.post(at("loose", "preview"), {}), 422, "invalid")
    said = problem(
        service.post(at("loose", "preview"), {"rules": {"x": {"column": "gopher.no", "min": 1}}}), 422, "plan"
    )
    assert said["errors"][0]["pointer"] == "/rules/x"


def test_the_report_is_a_page_that_can_do_nothing(service: Hosted) -> None:
    answer = service.get(at("loose", "report"))
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert "<script" not in answer.text
    assert "Winnow report" in answer.text


def test_what_there_is_can_be_listed(service: Hosted) -> None:
    assert "gopher" in [s["scorer"] for s in got(service, "/v1/scorers")["items"]]
    assert "fineweb" in [r["recipe"] for r in got(service, "/v1/recipes")["items"]]
    assert got(service, "/v1/recipes/fineweb")["recipe"]["rules"]["word_count"]["min"] == 50
    problem(service.get("/v1/recipes/finewep"), 404, "not_found")
    assert "quality-en" in [m["model"] for m in got(service, "/v1/models")["items"]]
    (corpus,) = got(service, "/v1/corpora")["items"]
    assert {t["kind"] for t in corpus["tables"]} >= {"text", "notes", "verdict", "mix"}
    views = {
        v["view"]: [c["name"] for c in v["columns"]] for v in got(service, "/v1/schema", job=JOB["loose"])["views"]
    }
    assert "gopher.word_count" in views["documents"]
    assert "reason" in views["documents"]


def ask(service: Hosted, query: str, **more: Any) -> Any:
    return service.post("/v1/sql", {"query": query, **more})


def test_a_question_in_sql_is_answered(service: Hosted) -> None:
    told = ask(
        service,
        "select reason, count(*) as documents from documents where copies = 0 group by 1 order by 2 desc, 1",
        job=JOB["loose"],
    ).json()
    assert told["columns"] == [{"name": "reason", "type": "VARCHAR"}, {"name": "documents", "type": "BIGINT"}]
    assert {r["reason"]: r["documents"] for r in told["rows"]}["word_count"] == 24
    assert (told["truncated"], told["said"]) == (False, "")


def test_the_catalog_answers_about_all_jobs(service: Hosted) -> None:
    told = ask(service, "select name, state from jobs order by name").json()
    assert told["rows"] == [{"name": "loose", "state": "completed"}, {"name": "strict", "state": "completed"}]


def test_every_format_holds_the_same_rows(service: Hosted) -> None:
    query, job = "select doc_id, gopher.word_count as words from documents order by 1", JOB["loose"]
    rows = ask(service, query, job=job).json()["rows"]
    arrow = pa.ipc.open_stream(ask(service, query, job=job, format="arrow").content).read_all().to_pylist()
    parquet = pq.read_table(io.BytesIO(ask(service, query, job=job, format="parquet").content)).to_pylist()
    text = list(csv.reader(io.StringIO(ask(service, query, job=job, format="csv").text)))
    assert rows == arrow == parquet
    assert len(rows) == 240
    assert text == [["doc_id", "words"], *([r["doc_id"], str(r["words"])] for r in rows)]


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/csv", "text/csv"),
        ("application/vnd.apache.parquet", "application/vnd.apache.parquet"),
        ("text/csv;q=0.5, application/json", "application/json"),
        ("*/*", "application/json"),
    ],
)
def test_the_format_can_be_said_by_accept(service: Hosted, accept: str, kind: str) -> None:
    answer = service.client.post("/v1/sql", json={"query": "select 1 as a"}, headers={"Accept": accept})
    assert answer.headers["content-type"].partition(";")[0] == kind
    problem(
        service.client.post("/v1/sql", json={"query": "select 1"}, headers={"Accept": "image/png"}),
        406,
        "not_acceptable",
    )


def test_what_is_cut_off_is_said(service: Hosted) -> None:
    told = ask(service, "select doc_id from documents", max_rows=5).json()
    assert (len(told["rows"]), told["truncated"]) == (5, True)
    assert "5" in told["said"]
    text = ask(service, "select doc_id from documents", max_rows=5, format="csv")
    assert (text.headers["winnow-rows"], text.headers["winnow-truncated"]) == ("5", "true")
    assert text.headers["winnow-said"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("select * from read_csv('/etc/passwd')", "sql_refused"),
        ("drop table documents", "sql_refused"),
        ("select reson from documents", "sql_error"),
        ("select count(*) from range(100000000) a, range(1000) b", "sql_timeout"),
    ],
)
def test_what_cannot_be_answered_is_told_with_its_code(service: Hosted, query: str, code: str) -> None:
    problem(ask(service, query, timeout_seconds=3 if code == "sql_timeout" else 30), 422, code)


def test_a_question_whose_client_left_is_ended_and_its_place_given_back(service: Hosted) -> None:
    where, query = (
        urlsplit(service.url),
        "select count(*) from range(1000000000) a, range(1000000000) b where a.range * b.range = 7",
    )
    body = json.dumps({"query": query, "timeout_seconds": 60}).encode()
    head = f"POST /v1/sql HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with contextlib.ExitStack() as leave:
        for n in range(service.service.settings.limits.sql_at_once_per_key):
            leaving = leave.enter_context(socket.create_connection((where.hostname, where.port)))
            leaving.sendall(head.encode() + body)
            until(lambda n=n: service.service.questions.taken() == n + 1)  # it is being worked on
    until(lambda: service.service.questions.taken() == 0, 20)  # sooner than their time is over
    assert ask(service, "select 1").status_code == 200
    assert 'winnow_sql_questions_total{outcome="abandoned"} 2.0' in service.get("/metrics").text


def test_a_question_about_no_job_is_not_found(service: Hosted) -> None:
    problem(ask(service, "select 1 from documents", job="job_none"), 404, "job_not_found")


def test_questions_are_audited_without_their_words(service: Hosted) -> None:
    query = "select 'canary-17' as a"
    assert ask(service, query).status_code == 200
    lines = [json.loads(line) for line in service.service.audit.path.read_text().splitlines()]
    digest = hashlib.sha256(query.encode()).hexdigest()
    (noted,) = [line for line in lines if line.get("sha256") == digest]
    assert (noted["action"], noted["rows"], noted["code"]) == ("sql", 1, "ok")
    assert "canary-17" not in service.service.audit.path.read_text()


def test_jobs_of_the_command_line_are_looked_at_and_not_steered(service: Hosted) -> None:
    job = got(service, f"/v1/jobs/{JOB['loose']}")
    assert (job["supervised"], job["state"]) == (False, "completed")
    for order in ("cancel", "pause", "resume"):
        problem(service.post(at("loose", order)), 409, "not_supervised")
    problem(service.post(at("loose", "retry")), 409, "wrong_state")


def test_every_role_may_do_what_it_is_for(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "ws", roots=(str(tmp_path),))
    keys = make_keys(settings)
    with hosted(tmp_path / "ws", roots=(str(tmp_path),)) as service:
        problem(service.get("/v1/jobs"), 401, "unauthorized")
        for role, submits, deletes in (("viewer", 403, 403), ("operator", 422, 403), ("admin", 422, 404)):
            headers = bearer(keys[role])  # type: ignore[index]
            assert service.get("/v1/jobs", headers=headers).status_code == 200
            assert service.post("/v1/jobs", {"recipe": 1}, headers=headers).status_code == submits
            assert service.post("/v1/jobs/job_none/cancel", headers=headers).status_code == (
                403 if role == "viewer" else 404
            )
            assert service.client.delete("/v1/jobs/job_none", headers=headers).status_code == deletes
            assert service.post("/v1/sql", {"query": "select 1 as a"}, headers=headers).status_code == 200
