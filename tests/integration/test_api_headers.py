"""What every answer carries, errors too: a code and no secret, safe headers, its request's id."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from tests.fixtures_routes import client

__all__ = ["client"]  # a fixture


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
