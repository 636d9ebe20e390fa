"""Who may do what: keys, roles, expiry, revocation; without any key only this machine, and nobody's page."""

from __future__ import annotations

import datetime
import json
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

import api.access.keys as keys_module
from api.access.keys import Keys, parse_lifetime
from api.access.roles import ROLES, Role
from api.errors import KeysDamaged, KeysNeeded
from api.server import check_reachable
from api.settings import Settings
from pipeline.errors import UsageError
from tests.serving import bearer, clock_at_rest, make_keys, serving, settings_of

METHODS = ("get", "post", "put", "delete", "patch")
STATES = ("none", "bad", *ROLES)
Guarded = tuple[TestClient, dict[Role, str], dict[str, Any]]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A service with a key of each role, and its description."""
    settings = settings_of(
        tmp_path_factory.mktemp("guarded") / "ws",
        limits={"failures_per_minute": 100_000, "requests_per_minute": 100_000},
    )
    texts = make_keys(settings)
    with serving(settings) as client:
        yield client, texts, client.get("/openapi.json").json()


def operations(description: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(m, path, op) for path, ops in description["paths"].items() for m, op in ops.items() if m in METHODS]


def test_every_route_asks_for_its_role_before_anything_else(guarded: Guarded) -> None:
    client, texts, description = guarded
    asked = 0
    for method, path, operation in operations(description):
        role = operation.get("x-winnow-role")
        if role is None:
            assert path in ("/healthz", "/readyz")
            continue
        for state in STATES:
            shown = (
                {}
                if state == "none"
                else bearer(
                    "wn_0123456789_" + "A" * 43 if state == "bad" else texts[next(r for r in ROLES if r == state)]
                )
            )
            # a job that is not there: a role that reaches gets 404, 409, 415 or 422, never a change
            answer = client.request(method, re.sub(r"\{[^}]*\}", "job_none", path), headers=shown)
            if state in ("none", "bad"):
                assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized"), (method, path)
                assert answer.headers["www-authenticate"].startswith("Bearer")
            elif ROLES.index(next(r for r in ROLES if r == state)) < ROLES.index(role):
                assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), (method, path)
            else:
                assert answer.status_code not in (401, 403), (method, path, state)
            asked += 1
    assert asked >= 3 * len(STATES)


def test_routes_that_change_need_more_than_a_viewer(guarded: Guarded) -> None:
    asks = ("/v1/sql", "/v1/plans", "/preview")
    for method, path, operation in operations(guarded[2]):
        role = operation.get("x-winnow-role")
        if role is None:
            continue
        expected = "viewer" if method == "get" or path.endswith(asks) else "admin" if method == "delete" else "operator"
        assert role == expected, (method, path)


def test_open_paths_need_no_key(guarded: Guarded) -> None:
    client = guarded[0]
    for path in ("/healthz", "/docs", "/docs/errors", "/docs/assets/start.js", "/openapi.json"):
        assert client.get(path).status_code == 200, path
    assert client.get("/readyz").status_code in (200, 503)
    for path in ("/metrics", "/v1/version", "/docsx", "/healthz2", "/"):
        assert client.get(path).status_code == 401, path


@pytest.mark.parametrize("header", [
    "", "Bearer", "Bearer ", "Basic d246d246", "bearer x", "Bearer wn_0123456789_short", "Token {key}", "{key}", "Bearer {key}x", "Bearer {key} {key}",
    "Bearer é", "Bearer " + "a" * 10_000,
])  # fmt: skip
def test_what_is_no_key_opens_nothing(header: str, guarded: Guarded) -> None:
    client, texts, _ = guarded
    shown = header.format(key=texts["admin"]).encode()
    answer = client.get("/v1/version", headers=[(b"authorization", shown)])
    assert answer.status_code == 401
    assert texts["admin"] not in answer.text


def test_two_keys_in_one_request_open_nothing(guarded: Guarded) -> None:
    client, texts, _ = guarded
    twice = [(b"authorization", f"Bearer {texts['admin']}".encode())] * 2
    assert client.get("/v1/version", headers=twice).status_code == 401


def test_bearer_is_written_in_any_case(guarded: Guarded) -> None:
    client, texts, _ = guarded
    assert client.get("/v1/limits", headers={"Authorization": f"bEaReR {texts['viewer']}"}).json()["role"] == "viewer"


def test_only_digests_are_stored_and_only_the_owner_may_read_them(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "state")
    made, text = keys.create("ci", "operator", datetime.timedelta(days=30))
    assert re.fullmatch(r"wn_[0-9a-f]{10}_[A-Za-z0-9_-]{43}", text)
    stored = keys.path.read_text()
    assert text not in stored
    assert text.rpartition("_")[2] not in stored
    assert stat.S_IMODE(keys.path.stat().st_mode) == 0o600
    assert made.expires_at is not None
    assert made.expires_at - made.created_at == datetime.timedelta(days=30)
    assert [p.name for p in (tmp_path / "state").iterdir() if p.name.startswith(".")] == []


def test_a_key_opens_until_it_is_revoked_or_expires(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = Keys(tmp_path)
    made, text = keys.create("ci", "operator", datetime.timedelta(hours=1))
    caller = keys.caller(text)
    assert caller is not None
    assert (caller.name, caller.owner, caller.role) == ("ci", made.id, "operator")
    assert keys.caller(text[:-1] + ("A" if text[-1] != "A" else "B")) is None
    now = datetime.datetime.now(datetime.UTC)
    monkeypatch.setattr(keys_module, "_now", lambda: now + datetime.timedelta(hours=2))
    assert keys.caller(text) is None
    monkeypatch.undo()
    assert keys.caller(text) is not None
    Keys(tmp_path).revoke("ci")  # as another process would
    assert keys.caller(text) is None
    assert keys.required()


def test_a_revoked_name_can_be_given_again(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    keys.create("ci", "viewer")
    with pytest.raises(UsageError, match="is taken"):
        keys.create("ci", "admin")
    keys.revoke("ci")
    assert keys.create("ci", "admin")[0].role == "admin"
    keys.create("nightly", "viewer")
    with pytest.raises(UsageError, match="Did you mean 'nightly'"):
        keys.revoke("nigthly")


def test_once_a_key_was_seen_nobody_is_let_in_without_one_even_if_the_file_goes(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "ws")
    with serving(settings) as client:
        assert client.get("/v1/limits").json()["role"] == "admin"  # no key was ever made
        _, text = Keys(settings.state_folder).create("first", "viewer")
        assert client.get("/v1/limits").status_code == 401
        assert client.get("/v1/limits", headers=bearer(text)).status_code == 200
        (settings.state_folder / "keys.json").unlink()
        assert client.get("/v1/limits", headers=bearer(text)).status_code == 401
        assert client.get("/v1/limits").status_code == 401
    with serving(settings) as client:  # nor by a service that never saw the file
        assert client.get("/v1/limits").status_code == 401


def test_a_damaged_file_of_keys_lets_nobody_in(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "ws")
    text = make_keys(settings)["admin"]
    with serving(settings) as client:
        (settings.state_folder / "keys.json").write_text('{"version": 1, "keys": [{"id": "canary-value"')
        answer = client.get("/v1/limits", headers=bearer(text))
        assert (answer.status_code, answer.json()["code"]) == (503, "keys_damaged")
        assert "canary-value" not in answer.text
    with pytest.raises(KeysDamaged, match="is not a file of keys"):
        Keys(settings.state_folder).required()


def test_wrong_keys_are_slowed_down_by_address(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "ws", limits={"failures_per_minute": 5})
    text = make_keys(settings)["viewer"]
    with clock_at_rest(), serving(settings) as client:
        said = [client.get("/v1/version", headers=bearer(f"wn_000000000{n}_" + "x" * 43)).status_code for n in range(8)]
        assert said == [401] * 5 + [429] * 3
        blocked = client.get("/v1/version", headers=bearer(text))
        assert (blocked.status_code, blocked.json()["code"]) == (429, "too_many_failures")
        assert int(blocked.headers["retry-after"]) >= 1


@pytest.mark.parametrize(("host", "loopback"), [
    ("127.0.0.1", True), ("localhost", True), ("::1", True), ("127.8.9.1", True), ("0.0.0.0", False), ("::", False),
    ("10.0.0.4", False), ("example.org", False), ("", False),
])  # fmt: skip
def test_others_reach_it_only_with_keys_or_by_saying_so(host: str, loopback: bool, tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "ws", host=host)
    keys = Keys(settings.state_folder)
    if not loopback:
        with pytest.raises(KeysNeeded, match="winnow keys create"):
            check_reachable(settings, keys)
        check_reachable(settings.model_copy(update={"insecure": True}), keys)
        keys.create("first", "admin")
    check_reachable(settings, keys)


@pytest.mark.parametrize(("host", "status"), [
    ("127.0.0.1:8765", 200), ("localhost", 200), ("LOCALHOST:1", 200), ("[::1]:8765", 200), ("localhost.", 200), ("winnow.example", 200), ("evil.example", 400),
    ("127.0.0.1.evil.example", 400), ("evil.example:8765", 400), ("localhost@evil.example", 400), ("localhost:x", 400), ("", 400), ("169.254.169.254", 400),
    ("localhost/x", 400), ("[::1", 400),
])  # fmt: skip
def test_only_its_own_names_are_answered(
    host: str, status: int, tmp_path_factory: pytest.TempPathFactory, named: TestClient
) -> None:
    answer = named.get("/v1/version", headers={"Host": host})
    assert answer.status_code == status
    if status == 400:
        assert answer.json()["code"] == "bad_host"


def test_probes_are_answered_by_any_name(named: TestClient) -> None:
    assert named.get("/healthz", headers={"Host": "10.1.2.3:8765"}).status_code == 200


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with serving(settings_of(tmp_path_factory.mktemp("named") / "ws", hosts=("Winnow.example",))) as client:
        yield client


@pytest.mark.parametrize("headers", [
    {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "http://localhost:3000"}, {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
])  # fmt: skip
def test_another_sites_page_changes_nothing(headers: dict[str, str], named: TestClient) -> None:
    answer = named.post("/v1/version", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "cross_origin")
    assert "access-control-allow-origin" not in answer.headers


def test_its_own_page_may_change_things(named: TestClient) -> None:
    own = {"Origin": "http://127.0.0.1:8765", "Sec-Fetch-Site": "same-origin"}
    assert named.post("/v1/version", headers=own).json()["code"] == "method_not_allowed"


def test_no_browser_is_given_leave_from_elsewhere(named: TestClient) -> None:
    preflight = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    answer = named.options("/v1/jobs", headers=preflight)
    assert [h for h in answer.headers if h.startswith("access-control")] == []


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90m", 5400), ("12h", 43200), ("30d", 2592000), ("4w", 2419200), ("never", None), (None, None)],
)
def test_lifetimes_are_read(text: str | None, seconds: int | None) -> None:
    found = parse_lifetime(text)
    assert (found.total_seconds() if found else None) == seconds


@pytest.mark.parametrize("text", ["", "30", "d", "0d", "-1d", "1y", "30 d", "999999d"])
def test_other_lifetimes_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--expires"):
        parse_lifetime(text)


def test_keys_are_read_once_while_their_file_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = Keys(tmp_path)
    _, text = keys.create("ci", "viewer")
    assert keys.caller(text) is not None
    monkeypatch.setattr(keys_module, "_read", lambda path: pytest.fail("read again"))
    assert keys.caller(text) is not None


def test_what_is_stored_is_what_the_format_says(tmp_path: Path) -> None:
    settings: Settings = settings_of(tmp_path / "ws")
    make_keys(settings)
    stored = json.loads((settings.state_folder / "keys.json").read_text())
    assert stored["version"] == 1
    assert sorted(stored["keys"][0]) == ["created_at", "expires_at", "id", "name", "revoked_at", "role", "sha256"]
