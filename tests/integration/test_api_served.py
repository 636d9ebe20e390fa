"""The process that `winnow serve` is: how it starts, what stops it, what slow or many clients can do to it, what it lets out."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from api.access.keys import Keys
from tests.corpora import write_parquet
from tests.serving import Served, bearer, make_keys, served, settings_of

ROOT = Path(__file__).parents[2]
CANARY = "canary-value-8d1f/+x"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service with short times for slow clients."""
    limits = {
        "WINNOW_LIMIT_HEAD_SECONDS": "1", "WINNOW_LIMIT_BODY_SECONDS": "1", "WINNOW_LIMIT_BODY_BYTES": "100000", "WINNOW_LIMIT_CONNECTIONS": "150",
        "WINNOW_LIMIT_REQUESTS_PER_MINUTE": "100000",
    }  # fmt: skip
    with served(tmp_path_factory.mktemp("served") / "ws", environment=limits) as found:
        yield found


def connect(found: Served) -> socket.socket:
    where = urlsplit(found.address)
    made = socket.create_connection((where.hostname, where.port), timeout=20)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def everything(connection: socket.socket) -> bytes:
    """What comes until the other side ends it."""
    said = b""
    while chunk := connection.recv(65536):
        said += chunk
    return said


def run_cli(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipeline.cli", *arguments], capture_output=True, text=True, timeout=120, cwd=cwd, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def test_it_says_where_it_is_and_who_is_let_in(service: Served) -> None:
    said = "".join(service.out)
    assert service.address in said
    assert "whoever is on this machine is admin" in said
    assert f"{service.address}/docs" in said


def test_it_is_ready_and_counts(service: Served) -> None:
    with service.client() as client:
        ready = client.get("/readyz")
        assert ready.json() == {"status": "ready", "checks": {"catalog": "ok", "supervisor": "ok", "disk": "ok"}}
        text = client.get("/metrics").text
    assert 'winnow_jobs{state="queued"} 0.0' in text
    assert "winnow_queue_length 0.0" in text
    assert 'winnow_http_requests_total{method="GET",route="/readyz",status="200"}' in text
    assert "winnow_build_info" in text


def test_a_client_that_sends_its_head_byte_by_byte_is_left(service: Served) -> None:
    with connect(service) as slow:
        slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0")
        started = time.monotonic()
        assert everything(slow) == b""
        assert time.monotonic() - started < 10
    with connect(service) as silent:
        assert everything(silent) == b""


def test_a_second_head_that_does_not_come_whole_is_not_waited_for(service: Served) -> None:
    with connect(service) as slow:
        slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /healthz HT")
        assert everything(slow).count(b"HTTP/1.1 200") == 1


@pytest.mark.parametrize("head", [b"Content-Length: 1000", b"Transfer-Encoding: chunked"])
def test_a_body_that_does_not_come_is_not_waited_for(head: bytes, service: Served) -> None:
    with connect(service) as slow:
        slow.sendall(
            b"POST /v1/version HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n" + head + b"\r\n\r\n"
        )
        said = everything(slow)
    assert b"408" in said.partition(b"\r\n")[0]
    assert b'"code":"request_timeout"' in said


def test_a_chunked_body_is_cut_off_where_it_is_too_large(service: Served) -> None:
    with connect(service) as large:
        large.sendall(b"POST /v1/version HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n")
        sent = 0
        try:
            while sent < 50_000_000:
                large.sendall(b"2710\r\n" + b"x" * 10_000 + b"\r\n")
                sent += 10_000
        except OSError:
            pass
        assert sent < 20_000_000
    with service.client() as client:
        assert client.get("/healthz").status_code == 200


def test_a_head_that_is_too_large_is_refused(service: Served) -> None:
    with connect(service) as large:
        large.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Large: " + b"x" * 200_000)
        try:
            said = everything(large)
        except ConnectionResetError:
            said = b"HTTP/1.1 400"
    assert b" 400 " in said.partition(b"\r\n")[0] + b" "


def test_two_hundred_slow_connections_do_not_keep_others_out_for_long(service: Served) -> None:
    slow = [connect(service) for _ in range(200)]
    try:
        for connection in slow:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: ")
        time.sleep(2.5)
        with service.client() as client:
            assert client.get("/healthz").status_code == 200
    finally:
        for connection in slow:
            connection.close()


@pytest.mark.parametrize("request_bytes", [
    b"\x16\x03\x01\x02\x00\x01\x00", b"GET / HTTP/1.1\r\n\r\n", b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil\r\n\r\n", b"\r\n" * 1000,
    b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"GET http://evil.example/healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET /\xff\xfe HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
])  # fmt: skip
def test_odd_requests_are_refused_and_nothing_breaks(request_bytes: bytes, service: Served) -> None:
    with connect(service) as odd:
        odd.sendall(request_bytes)
        odd.shutdown(socket.SHUT_WR)
        try:
            said = everything(odd)
        except ConnectionResetError:
            said = b""
    assert said == b"" or said.split(b" ")[1][:1] == b"4"
    with service.client() as client:
        assert client.get("/healthz").status_code == 200


def test_no_answer_told_of_a_fault(service: Served) -> None:
    assert [line for line in service.err if '"event":"fault"' in line] == []


def test_sigterm_ends_it_with_exit_code_0_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with served(tmp_path / "ws") as found:
        with found.client() as client:
            assert client.get("/v1/version").status_code == 200
        children = [
            int(pid) for pid in Path(f"/proc/{found.process.pid}/task/{found.process.pid}/children").read_text().split()
        ]
        started = time.monotonic()
        assert found.end(signal.SIGTERM) == 0
        assert time.monotonic() - started < 15
    assert [pid for pid in children if Path(f"/proc/{pid}").exists()] == []
    with served(tmp_path / "ws") as again:  # its lock and catalog are free
        assert again.end(signal.SIGINT) == 0


def test_after_sigkill_the_next_one_starts(tmp_path: Path) -> None:
    with served(tmp_path / "ws") as found:
        assert found.end(signal.SIGKILL) == -signal.SIGKILL
    with served(tmp_path / "ws") as again, again.client() as client:
        assert client.get("/readyz").status_code == 200


def test_a_second_service_on_the_workspace_is_refused(tmp_path: Path) -> None:
    with served(tmp_path / "ws") as found:
        second = run_cli("serve", "--workspace", str(tmp_path / "ws"), "--port", "0", cwd=tmp_path)
        assert second.returncode == 2
        assert f"another service works on it (process {found.process.pid})" in second.stderr
        assert "Traceback" not in second.stderr


def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = run_cli("serve", "--workspace", str(tmp_path / "ws"), "--port", str(port), cwd=tmp_path)
    assert said.returncode == 2
    assert f"127.0.0.1:{port} is in use by another process" in said.stderr


@pytest.mark.parametrize(("options", "told"), [
    (["--host", "0.0.0.0"], "no key was ever made"), (["--host", "203.0.113.7", "--insecure"], "is not an address of this machine"),
    (["--port", "99999"], "port"), (["--executor", "slurm"], "executor"), (["--bucket", "http://x"], "is no bucket"), (["--log-level", "loud"], "--log-level"),
])  # fmt: skip
def test_what_it_cannot_be_started_with_is_told(options: list[str], told: str, tmp_path: Path) -> None:
    said = run_cli("serve", "--workspace", str(tmp_path / "ws"), *options, cwd=tmp_path)
    assert said.returncode == 2
    assert told in said.stderr
    assert "Traceback" not in said.stderr


def test_keys_are_made_listed_and_revoked_while_it_runs(tmp_path: Path) -> None:
    workspace = str(tmp_path / "ws")
    with served(tmp_path / "ws") as found, found.client() as client:
        made = run_cli(
            "keys",
            "create",
            "--name",
            "ci",
            "--role",
            "operator",
            "--expires",
            "30d",
            "--workspace",
            workspace,
            cwd=tmp_path,
        )
        text = made.stdout.strip()
        assert made.returncode == 0
        assert client.get("/v1/limits").status_code == 401
        assert client.get("/v1/limits", headers=bearer(text)).json()["role"] == "operator"
        listed = json.loads(run_cli("keys", "list", "--json", "--workspace", workspace, cwd=tmp_path).stdout)
        assert [(k["name"], k["role"], k["state"]) for k in listed] == [("ci", "operator", "active")]
        assert text.rpartition("_")[2] not in json.dumps(listed)
        assert run_cli("keys", "revoke", "ci", "--workspace", workspace, cwd=tmp_path).returncode == 0
        assert client.get("/v1/limits", headers=bearer(text)).status_code == 401
        assert found.end() == 0


def test_no_secret_is_in_any_log_answer_metric_or_file(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "ws")
    texts = make_keys(settings)
    secrets = [*texts.values(), CANARY, "idempotency-canary-77"]
    environment = {"AWS_SECRET_ACCESS_KEY": CANARY, "RAY_AUTH_TOKEN": CANARY}
    said = ""
    with served(tmp_path / "ws", "--log-level", "debug", environment=environment) as found, found.client() as client:
        for text in texts.values():
            headers = bearer(text) | {"Idempotency-Key": "idempotency-canary-77", "X-Request-ID": "ask-1"}
            for method, path in (
                ("GET", "/v1/version"),
                ("POST", "/v1/version"),
                ("GET", f"/v1/{text}"),
                ("GET", f"/v1/version?key={text}"),
                ("GET", "/metrics"),
            ):
                answer = client.request(method, path, headers=headers, content=f'{{"x": "{CANARY}"}}')
                said += answer.text + str(dict(answer.headers))
        said += client.get(
            "/v1/version", headers=bearer("wn_0123456789_" + CANARY.replace("/", "_").replace("+", "_") + "x" * 23)
        ).text
        assert found.end() == 0
    said += "".join(found.out) + "".join(found.err)
    for path in (tmp_path / "ws").rglob("*"):
        said += path.read_bytes().decode("latin-1") if path.is_file() else ""
    assert '"event":"request"' in said
    for secret in secrets:
        assert secret not in said
        assert secret.split("_", 2)[-1] not in said  # the secret of a key, which may have a "_" of its own


def test_every_line_of_the_log_is_json_with_its_request(tmp_path: Path) -> None:
    with served(tmp_path / "ws") as found:
        with found.client() as client:
            client.get("/v1/version", headers={"X-Request-ID": "my-id-1"})
        found.end()
    lines = [json.loads(line) for line in found.err]
    mine = [line for line in lines if line.get("request_id") == "my-id-1"]
    assert [(line["event"], line["route"], line["status"], line["caller"]) for line in mine] == [
        ("request", "/v1/version", 200, "anonymous")
    ]
    assert {"level", "timestamp"} <= set(mine[0])


def test_at_rest_it_takes_less_than_300_mb(service: Served) -> None:
    sizes = dict(_tree_pss(service.process.pid))
    assert sizes[service.process.pid] < 200
    assert sum(sizes.values()) < 300


def _tree_pss(pid: int) -> Iterator[tuple[int, int]]:
    """(process, proportional set size in MB) of a process and all below it."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    yield pid, next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")) // 1000
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield from _tree_pss(int(child))


def test_keys_of_the_state_folder_are_those_of_the_command(tmp_path: Path) -> None:
    run_cli("keys", "create", "--name", "a", "--state", str(tmp_path / "elsewhere"), cwd=tmp_path)
    assert [k.name for k in Keys(tmp_path / "elsewhere").records()] == ["a"]
    assert not (tmp_path / "winnow-workspace").exists()


def test_sigterm_ends_streams_with_a_word_when_to_come_back_and_leaves_the_job(tmp_path: Path) -> None:
    write_parquet(tmp_path / "in")
    recipe = {"name": "small", "score": ["gopher"], "rules": {"long": {"column": "gopher.word_count", "min": 50}}}
    said: list[str] = []
    with served(tmp_path / "ws") as found:
        with found.client() as client:
            job_id = client.post("/v1/jobs", json={"recipe": recipe, "inputs": [str(tmp_path / "in")]}).json()["id"]
            client.post(f"/v1/jobs/{job_id}/pause")
            with client.stream("GET", f"/v1/jobs/{job_id}/events") as stream:
                lines = stream.iter_lines()
                while not any(line.startswith("event: state") for line in said):
                    said.append(next(lines))
                found.process.send_signal(signal.SIGTERM)
                started = time.monotonic()
                said += list(lines)
            assert time.monotonic() - started < 10
        assert found.process.wait(20) == 0
    assert any(line.startswith("retry:") for line in said)
    assert not any(line.startswith("event: done") for line in said)
    with served(tmp_path / "ws") as again, again.client() as client:
        assert client.get(f"/v1/jobs/{job_id}").json()["state"] in ("paused", "running", "completed")
        assert client.get("/v1/jobs").json()["items"][0]["id"] == job_id


def test_a_link_out_that_comes_after_submission_fails_the_job(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    outside.mkdir()
    write_parquet(root / "in")
    (outside / "secret.jsonl").write_text('{"text": "canary-of-outside"}\n')
    recipe = {"name": "small", "score": ["gopher"], "rules": {"long": {"column": "gopher.word_count", "min": 50}}}
    with served(tmp_path / "ws", "--root", str(root), "--jobs-at-once", "1") as found, found.client() as client:
        refused = client.post("/v1/jobs", json={"recipe": recipe, "inputs": [str(outside)]})
        assert (refused.status_code, refused.json()["code"]) == (422, "path_outside")
        held = client.post("/v1/jobs", json={"recipe": recipe, "inputs": [str(root / "in")], "corpus": "first"}).json()[
            "id"
        ]
        job_id = client.post(
            "/v1/jobs", json={"recipe": recipe, "inputs": [str(root / "in")], "corpus": "second"}
        ).json()["id"]
        (root / "in" / "late.jsonl").symlink_to(outside / "secret.jsonl")
        until = time.monotonic() + 120
        while (record := client.get(f"/v1/jobs/{job_id}").json())["state"] in ("queued", "running"):
            assert time.monotonic() < until
            time.sleep(0.5)
        assert (record["state"], record["reason_code"]) == ("failed", "path_outside"), (held, record)
        assert "leads out" in record["message"]
