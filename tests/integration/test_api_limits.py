"""How much a request may bring, how often, and how much at once; how what is too much or does not fit is told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient

import api.app as app_module
from api.access.roles import GuardedRoute
from api.errors import TooManyQuestions
from api.limits import Slots, json_depth
from tests.fixtures_routes import BODY_BYTES, client
from tests.serving import bearer, clock_at_rest, make_keys, serving, settings_of

__all__ = ["client"]  # a fixture


def chunks(pieces: list[bytes]) -> Iterator[bytes]:
    yield from pieces


def test_a_body_within_its_bytes_passes(client: TestClient) -> None:
    assert client.post("/v1/test/raw", content=b"x" * BODY_BYTES).json() == {"bytes": BODY_BYTES}
    assert client.post("/v1/test/raw", content=chunks([b"x" * 1000] * 10)).json() == {"bytes": BODY_BYTES}
    assert client.post("/v1/test/raw").json() == {"bytes": 0}


@pytest.mark.parametrize("content", [b"x" * (BODY_BYTES + 1), [b"x" * 1000] * 11], ids=["announced", "chunked"])
def test_a_larger_body_is_refused(content: bytes | list[bytes], client: TestClient) -> None:
    answer = client.post("/v1/test/raw", content=chunks(content) if isinstance(content, list) else content)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("length", ["-1", "1e3", "x", "9" * 50, "10001"])
def test_a_length_that_is_none_or_too_large_is_refused(length: str, client: TestClient) -> None:
    assert client.post("/v1/test/raw", content=b"x", headers={"Content-Length": length}).status_code in (400, 413)


@pytest.mark.parametrize(
    "body", [b"[" * 5000, b'{"a":' * 1500 + b"1" + b"}" * 1500, b'{"rules": ' + b"[" * 65 + b"]" * 65 + b"}"]
)
def test_deep_json_is_refused_before_it_is_parsed(body: bytes, client: TestClient) -> None:
    client.post("/v1/test/echo", json={})  # what only the first request takes
    started = time.process_time()
    answer = client.post("/v1/test/echo", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert "nested deeper than 64" in answer.json()["detail"]
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize(("text", "depth"), [
    ("", 0), ("1", 0), ("[]", 1), ("[[{}]]", 3), ('"[[[["', 0), (r'["\"[[[", "\\", "[["]', 1), (r'"\\\"[["', 0), ('{"a": "}]", "b": [1]}', 2), ('["[', 1),
    ("]]]][[", 2),
])  # fmt: skip
def test_depth_counts_brackets_outside_strings(text: str, depth: int) -> None:
    assert json_depth(text.encode()) == depth


def test_depth_of_a_mebibyte_of_backslashes_is_quick() -> None:
    started = time.thread_time()
    json_depth(b'"' + b"\\" * (1 << 20) + b'"')
    json_depth(b'"' + b'\\"' * (1 << 19))
    json_depth(b"[" * (1 << 20))
    assert time.thread_time() - started < 3.0


@pytest.mark.parametrize(("content", "media_type", "status", "code"), [
    (b'{"rules": {}}', "application/json", 200, None), (b'{"rules": {}}', "text/plain", 415, "unsupported_media_type"),
    (b'{"rules": {}}', None, 415, "unsupported_media_type"), (b"{rules}", "application/json", 400, "bad_request"), (b"", "application/json", 422, "invalid"),
    (b"\xff\xfe", "application/json", 400, "bad_request"), (b'{"a": NaN}', "application/json", 422, "invalid"),
    (b'{"rules": {}, "x": 1}', "application/json", 422, "invalid"),
    (b'{"rules": {"a/b": {"min": "x"}}}', "application/json", 422, "invalid"), (b'[]', "application/json", 422, "invalid"),
    (b'"\\ud800"', "application/json", 422, "invalid"),
])  # fmt: skip
def test_bodies_that_do_not_fit_are_told_as_problems(
    content: bytes, media_type: str | None, status: int, code: str | None, client: TestClient
) -> None:
    answer = client.post("/v1/test/echo", content=content, headers={"Content-Type": media_type} if media_type else {})
    assert answer.status_code == status, answer.text
    if code is not None:
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert problem["code"] == code
        assert problem["type"] == f"/docs/errors#{code}"
        assert problem["status"] == status
        assert problem["instance"] == "/v1/test/echo"
        assert problem["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize(
    "content",
    [rb'{"\ud800": 1}', rb'{"rules": {"\uDFFF": {"min": 1}}}', rb'{"x": "\ud83d"}', rb'{"x": ["\ude00\ud83d"]}'],
)
def test_half_characters_are_refused(content: bytes, client: TestClient) -> None:
    answer = client.post("/v1/test/echo", content=content, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert "half a character" in answer.json()["detail"]


def test_whole_characters_and_escaped_backslashes_pass(client: TestClient) -> None:
    for name in (rb"\ud83d\ude00", rb"\\ud800", "é😀".encode()):
        answer = client.post(
            "/v1/test/echo",
            content=b'{"rules": {"' + name + b'": {"min": 1}}}',
            headers={"Content-Type": "application/json"},
        )
        assert answer.json() == {"rules": 1}


def test_an_endless_name_is_told_in_brief(client: TestClient) -> None:
    answer = client.post("/v1/test/echo", json={"secret" * 1500: 1})
    assert answer.status_code == 422
    assert len(answer.content) < 6000


def test_faults_of_a_body_carry_json_pointers(client: TestClient) -> None:
    body = {"rules": {"a/b~c": {"min": "x", "max": 1}}, "extra": 1}
    problem = client.post("/v1/test/echo", json=body).json()
    assert {(e["pointer"], e["code"]) for e in problem["errors"]} == {
        ("/rules/a~1b~0c/min", "int_parsing"), ("/rules/a~1b~0c/max", "extra_forbidden"), ("/extra", "extra_forbidden"),
    }  # fmt: skip


def test_a_body_with_endless_faults_is_told_in_a_hundred(client: TestClient) -> None:
    problem = client.post("/v1/test/echo", json={f"x{n}": 1 for n in range(900)}).json()
    assert len(problem["errors"]) == 100
    assert "and 800 more" in problem["detail"]


def test_requests_are_counted_by_key(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "ws", limits={"requests_per_minute": 5})
    texts = make_keys(settings)
    with clock_at_rest(), serving(settings) as client:
        answers = [client.get("/v1/version", headers=bearer(texts["viewer"])) for _ in range(7)]
        assert [a.status_code for a in answers] == [200] * 5 + [429] * 2
        assert [a.headers["ratelimit-remaining"] for a in answers] == ["4", "3", "2", "1", "0", "0", "0"]
        assert answers[0].headers["ratelimit-limit"] == "5"
        refused = answers[-1]
        assert refused.json()["code"] == "rate_limited"
        assert int(refused.headers["retry-after"]) >= 1
        assert client.get("/v1/version", headers=bearer(texts["operator"])).status_code == 200
        assert client.get("/healthz").status_code == 200
        by_address = [client.get("/openapi.json").status_code for _ in range(7)]  # no key is needed
        assert by_address == [200] * 5 + [429] * 2


def test_places_are_counted_by_caller_and_overall() -> None:
    slots = Slots(3, 2, TooManyQuestions, "questions")
    with slots.take("a"), slots.take("a"):
        with pytest.raises(TooManyQuestions, match="2 questions of yours") as refused, slots.take("a"):
            pass
        assert refused.value.retry_after == 1
        with slots.take("b"):
            assert slots.taken() == 3
            with pytest.raises(TooManyQuestions, match="of all callers"), slots.take("c"):
                pass
    assert slots.taken() == 0


def test_places_are_given_back_whatever_happens() -> None:
    slots = Slots(5, 5, TooManyQuestions, "questions")

    def fail() -> None:
        for _ in range(200):
            try:
                with slots.take("a"):
                    raise ValueError
            except (ValueError, TooManyQuestions):
                continue

    threads = [threading.Thread(target=fail) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert slots.taken() == 0


def test_a_route_without_a_role_cannot_be_made() -> None:
    router = APIRouter(route_class=GuardedRoute)
    with pytest.raises(TypeError, match="no role"):
        router.get("/x")(lambda: None)


def test_the_limits_are_told(client: TestClient) -> None:
    found: dict[str, Any] = client.get("/v1/limits").json()
    assert found["limits"]["body_bytes"] == BODY_BYTES
    assert found["caller"] == "anonymous"
    assert json.dumps(found)


def test_the_app_is_made_without_a_workspace(tmp_path: Path) -> None:
    made = app_module.create_app(settings_of(tmp_path / "ws"))
    assert isinstance(made, FastAPI)
    assert not (tmp_path / "ws").exists()
