"""How much a request may bring, how often, and how much at once; headers of every answer."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI, Request
from fastapi.testclient import TestClient
from pydantic import BaseModel, ConfigDict

import api.app as app_module
from api.access.roles import GuardedRoute, needs
from api.errors import TooManyQuestions
from api.limits import Slots, json_depth
from pipeline.errors import IntegrityError, Place, PlanError, StorageError
from tests.serving import bearer, clock_at_rest, make_keys, serving, settings_of

BODY_BYTES = 10_000
routes_of_tests = APIRouter(prefix="/v1/test", route_class=GuardedRoute, dependencies=[needs("viewer")])


class Rule(BaseModel):
    model_config = ConfigDict(extra="forbid")

    min: int


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")

    rules: dict[str, Rule] = {}


@routes_of_tests.post("/echo", operation_id="echo")
async def echo(body: Body) -> dict[str, int]:
    return {"rules": len(body.rules)}


@routes_of_tests.post("/raw", operation_id="raw")
async def raw(request: Request) -> dict[str, int]:
    return {"bytes": len(await request.body())}


@routes_of_tests.get("/breaks", operation_id="breaks")
async def breaks(kind: str) -> None:
    secret = "wn_0123456789_" + "S" * 43
    raise {
        "internal": RuntimeError(f"the password is {secret}"),
        "plan": PlanError(f"rule 'x' has no column; {secret}", [Place("/rules/x~1y", f"none, {secret}", "plan")]),
        "integrity": IntegrityError("s3://user:hunter2hunter2@host/x: damaged"),
        "storage": StorageError("/x: no space is left"),
    }[kind]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    ours = app_module.routers
    patch = pytest.MonkeyPatch()
    patch.setattr(app_module, "routers", lambda: (*ours(), routes_of_tests))
    with serving(
        settings_of(
            tmp_path_factory.mktemp("limits") / "ws", limits={"body_bytes": BODY_BYTES, "requests_per_minute": 100_000}
        )
    ) as found:
        yield found
    patch.undo()


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
    started = time.process_time()
    json_depth(b'"' + b"\\" * (1 << 20) + b'"')
    json_depth(b'"' + b'\\"' * (1 << 19))
    json_depth(b"[" * (1 << 20))
    assert time.process_time() - started < 3.0


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


@pytest.mark.parametrize(("kind", "status", "code"), [
    ("internal", 500, "internal"), ("plan", 422, "plan"), ("integrity", 500, "integrity"), ("storage", 503, "storage"),
])  # fmt: skip
def test_errors_are_told_by_code_and_without_secrets(
    kind: str, status: int, code: str, client: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = client.get("/v1/test/breaks", params={"kind": kind})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "SSSS" not in answer.text
    assert "hunter2" not in answer.text
    assert "RuntimeError" not in answer.text
    assert "Traceback" not in answer.text
    if kind == "plan":
        assert answer.json()["errors"] == [
            {"pointer": "/rules/x~1y", "detail": "none, wn_0123456789_[redacted]", "code": "plan"}
        ]


@pytest.mark.parametrize(("method", "path", "status", "code"), [
    ("GET", "/nowhere", 404, "not_found"), ("GET", "/v1/nowhere", 404, "not_found"), ("DELETE", "/v1/version", 405, "method_not_allowed"),
    ("POST", "/healthz", 405, "method_not_allowed"), ("GET", "/docs/assets/../../settings.py", 404, "not_found"),
    ("GET", "/docs/assets/%2e%2e%2fsettings.py", 404, "not_found"),
    ("GET", "/docs/assets/nothing", 404, "not_found"), ("BREW", "/v1/version", 405, "method_not_allowed"),
])  # fmt: skip
def test_what_is_not_there_is_a_problem_too(method: str, path: str, status: int, code: str, client: TestClient) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    if status == 405:
        assert answer.headers["allow"]


SAFE = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}


@pytest.mark.parametrize(("method", "path"), [
    ("GET", "/healthz"), ("GET", "/v1/version"), ("GET", "/nowhere"), ("POST", "/v1/version"), ("GET", "/docs"), ("GET", "/docs/errors"),
    ("GET", "/docs/assets/start.js"),
    ("GET", "/openapi.json"), ("GET", "/v1/test/breaks?kind=internal"), ("GET", "/v1/test/breaks?kind=plan"), ("POST", "/v1/test/echo"),
])  # fmt: skip
def test_every_answer_has_safe_headers(method: str, path: str, client: TestClient) -> None:
    headers = client.request(method, path).headers
    assert {name: headers.get(name) for name in SAFE} == SAFE
    page = path == "/docs" or path.startswith("/docs/")
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert ("script-src 'self'" in policy) == page
    assert headers["cache-control"] == ("no-cache" if page else "no-store")
    assert "server" not in headers
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("abc-1.2:3_4", True),
        ("a" * 128, True),
        ("a" * 129, False),
        ("a b", False),
        ("<script>", False),
        ("", False),
        ("a\tb", False),
    ],
)
def test_a_request_id_is_kept_where_it_is_a_plain_word(given: str, kept: bool, client: TestClient) -> None:
    said = client.get("/healthz", headers={"X-Request-ID": given}).headers["x-request-id"]
    assert (said == given) == kept
    assert kept or len(said) == 32


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
