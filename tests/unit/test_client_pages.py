"""Pages, beginnings of ids, logs that are followed: several requests that look like one thing."""

from __future__ import annotations

import datetime
from typing import Any
from urllib.parse import parse_qsl

import pytest

from tests.scripted_service import Script, problem, reply
from winnow.client.errors import NotFound
from winnow.client.operations import find, service
from winnow.client.operations import job as on_job
from winnow.client.request import Reply, Request, name_path, query_of, segment


def page(ids: list[str], token: str | None = None, **rest: Any) -> Reply:
    return reply(200, {"items": [{"id": i, **rest} for i in ids], "next_page_token": token})


def asked(request: Request) -> dict[str, str]:
    return dict(request.query)


def test_pages_are_asked_for_as_they_are_used() -> None:
    script = Script([page(["a", "b"], "t1"), page(["c"], None)])
    found = script.each(service.jobs({}))
    assert next(found)["id"] == "a"
    assert len(script.sent) == 1
    assert [r["id"] for r in found] == ["b", "c"]
    assert [asked(r).get("page_token") for r in script.sent] == [None, "t1"]


def test_a_limit_bounds_the_last_page() -> None:
    script = Script([page([f"j{i}" for i in range(500)], "t1"), page([f"k{i}" for i in range(20)], "t2")])
    assert len(script.items(service.jobs({}, 520))) == 520
    assert [asked(r)["page_size"] for r in script.sent] == ["500", "20"]


def test_filters_become_parameters() -> None:
    script = Script([page([])])
    noon = datetime.datetime(2026, 11, 21, 13, 0, tzinfo=datetime.timezone(datetime.timedelta(hours=1)))
    script.items(service.jobs({"state": "running", "labels": {"team": "en", "run": "a=b"}, "created_after": noon}))
    assert parse_qsl(script.sent[0].target.partition("?")[2]) == [
        ("order_by", "-created_at"), ("state", "running"), ("created_after", "2026-11-21T12:00:00.000Z"),
        ("label", "team:en"), ("label", "run:a=b"), ("page_size", "500"),
    ]  # fmt: skip


def test_short_lists_are_whole_whether_in_pages_or_not() -> None:
    assert len(Script([reply(200, {"items": [{"a": 1}]})]).run(service.scorers())) == 1
    assert len(Script([page(["x"], "t"), page(["y"])]).run(on_job.stages("job_1"))) == 2


def test_last_is_the_newest() -> None:
    script = Script([page(["job_9"], "more", state="running")])
    assert script.run(find.find_job("last"))["id"] == "job_9"
    assert asked(script.sent[0]) == {"order_by": "-created_at", "page_size": "1"}


def test_a_beginning_that_one_job_has() -> None:
    script = Script([problem(404, "job_not_found"), page(["job_12", "job_13", "job_2"])])
    assert script.run(find.find_job("job_13"))["id"] == "job_13"


def test_a_beginning_that_two_jobs_have() -> None:
    script = Script([problem(404, "job_not_found"), page(["job_12", "job_13", "job_2"])])
    with pytest.raises(NotFound, match=r"2 jobs begin with 'job_1': job_12, job_13") as raised:
        script.run(find.find_job("job_1"))
    assert raised.value.exit_code == 2


def test_a_misspelt_id_is_told_what_is_near() -> None:
    script = Script([problem(422, "invalid"), page(["job_0193ab", "job_77"])])
    with pytest.raises(NotFound, match="Did you mean 'job_0193ab'"):
        script.run(find.find_job("jbo_0193ab"))


def test_no_jobs_yet() -> None:
    with pytest.raises(NotFound, match="no jobs yet"):
        Script([page([])]).run(find.find_job("last"))


def test_logs_are_followed_without_a_gap_to_the_jobs_end() -> None:
    running, ended = reply(200, {"state": "running"}), reply(200, {"state": "completed"})
    script = Script([
        running, Reply(200, {"winnow-next": "5"}, b"one\n\xe2"), running, Reply(200, {"winnow-next": "5"}, b""),
        running, Reply(200, {"winnow-next": "9"}, b"\x82\xac2\n"), ended, Reply(200, {"winnow-next": "12"}, b"end"),
        ended, Reply(200, {"winnow-next": "12"}, b""),
    ])  # fmt: skip
    assert "".join(script.items(on_job.follow_logs("job_1"))) == "one\n€2\nend"
    assert [asked(r).get("after") for r in script.sent if r.path.endswith("logs")] == [None, "5", "5", "9", "12"]
    assert script.pauses_s == [1.0]


@pytest.mark.parametrize(("name", "path"), [
    ("job_1", "job_1"), ("a/b", "a%2Fb"), ("..", "%2E%2E"), (".", "%2E"), ("a b?#%", "a%20b%3F%23%25"), ("é", "%C3%A9"),
])  # fmt: skip
def test_a_name_is_one_segment_of_the_path(name: str, path: str) -> None:
    assert segment(name) == path


def test_a_file_keeps_its_folders_and_leads_nowhere_else() -> None:
    assert name_path("data/../x y.parquet") == "data/%2E%2E/x%20y.parquet"


def test_a_document_of_any_id_is_asked_for_by_one_segment() -> None:
    script = Script([reply(200, {"items": [{"doc_id": "x"}]})])
    script.run(on_job.explain("job_1", "http://a.example/b?c=../d"))
    assert script.sent[0].path == "/v1/jobs/job_1/documents/http%3A%2F%2Fa.example%2Fb%3Fc%3D..%2Fd"


def test_an_empty_id_is_refused_before_anything_is_sent() -> None:
    script = Script([])
    with pytest.raises(ValueError, match="an empty name"):
        script.run(on_job.explain("job_1", ""))


def test_nothing_is_left_out_of_a_query_but_none() -> None:
    assert query_of(a=None, b=0, c=False, d=["x", "y"], e="") == [
        ("b", "0"),
        ("c", "false"),
        ("d", "x"),
        ("d", "y"),
        ("e", ""),
    ]
