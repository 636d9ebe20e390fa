"""Where requests go and with which key: nowhere else, and the key is never shown."""

from __future__ import annotations

import logging

import httpx
import pytest

from pipeline.errors import UsageError
from winnow.client import AsyncClient, AsyncJob, Client, Job
from winnow.client.address import address
from winnow.client.errors import ServiceError, ServiceUnreachable, Unauthorized

KEY = "wnw_0123456789abcdefSECRET"


def test_the_address_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WINNOW_SERVER", "https://winnow.example.org/api/")
    monkeypatch.setenv("WINNOW_KEY", f" {KEY}\n")
    assert address().url == "https://winnow.example.org/api"
    assert address().headers == {"authorization": f"Bearer {KEY}"}
    assert address("http://other:1", "").headers == {}
    assert address("http://other:1/v1/", "").url == "http://other:1"
    monkeypatch.delenv("WINNOW_SERVER")
    assert address().url == "http://127.0.0.1:8765"


@pytest.mark.parametrize("url", [
    "ftp://a", "file:///etc/passwd", "127.0.0.1:8765", "http://", "http://a:0", "http://a:99999", "http://a/?x=1", "http://[", "javascript:1",
])  # fmt: skip
def test_an_address_is_http_or_https(url: str) -> None:
    with pytest.raises(UsageError, match="expected"):
        address(url)


def test_a_password_in_the_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(UsageError, match="WINNOW_KEY") as raised:
        address("http://ada:s3cret@host")
    assert "s3cret" not in str(raised.value)


def test_a_key_with_a_line_end_is_refused_and_not_repeated() -> None:
    with pytest.raises(UsageError, match="not shown") as raised:
        address(None, f"{KEY}\nx")
    assert KEY not in str(raised.value)


@pytest.mark.parametrize(("url", "here"), [
    ("http://localhost:1", True), ("http://127.9.9.9", True), ("http://[::1]:80", True), ("http://10.0.0.1", False), ("https://localhost.evil", False),
])  # fmt: skip
def test_which_addresses_are_this_machine(url: str, here: bool) -> None:
    assert address(url).is_loopback is here


def test_no_key_in_what_is_printed_logged_or_raised(caplog: pytest.LogCaptureFixture) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    caplog.set_level(logging.DEBUG)
    client = Client("http://127.0.0.1:9", KEY, patience_s=0.3, transport=httpx.MockTransport(refuse))
    with pytest.raises(ServiceUnreachable) as raised:
        client.version()
    seen: list[BaseException | None] = [raised.value]
    while seen[-1] is not None:
        seen.append(seen[-1].__cause__ or seen[-1].__context__)
    whole = [
        repr(client),
        repr(client.__dict__),
        repr(vars(client._sender)),
        caplog.text,
        *map(repr, seen),
        *map(str, seen),
    ]
    whole += [repr(vars(e)) for e in seen if e is not None]
    assert not [text for text in whole if KEY in text]
    assert "GET /v1/version" in caplog.text


def test_a_redirect_is_not_followed_and_gets_no_key() -> None:
    asked: list[httpx.Request] = []

    def redirect(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(307, headers={"location": "http://evil.example/v1/version"})

    with pytest.raises(ServiceError, match=r"redirect to http://evil\.example"):
        Client("http://127.0.0.1:9", KEY, transport=httpx.MockTransport(redirect)).version()
    assert [r.url.host for r in asked] == ["127.0.0.1"]


def test_the_key_goes_along_as_a_bearer() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        known = request.headers.get("authorization") == f"Bearer {KEY}"
        body = {"version": "1"} if known else {"code": "unauthorized", "detail": "no key"}
        return httpx.Response(200 if known else 401, json=body, headers={"content-type": "application/problem+json"})

    assert Client("http://127.0.0.1:9", KEY, transport=httpx.MockTransport(answer)).version() == {"version": "1"}
    with pytest.raises(Unauthorized, match="no key"):
        Client("http://127.0.0.1:9", "", transport=httpx.MockTransport(answer)).version()


def test_both_clients_can_do_the_same() -> None:
    def public(kind: type) -> set[str]:
        return {name for name in dir(kind) if not name.startswith("_")}

    assert public(Client) == public(AsyncClient)
    assert public(Job) == public(AsyncJob)
