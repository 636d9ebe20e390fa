"""The process that `winnow serve` is: how it starts, what stops it, what it says and what it lets out."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from api.access.keys import Keys
from tests.corpora import write_parquet
from tests.fixtures_served import service
from tests.serving import Served, bearer, make_keys, served, settings_of, until_ready

__all__ = ["service"]  # a fixture
ROOT = Path(__file__).parents[2]
CANARY = "canary-value-8d1f/+x"


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
        ready = until_ready(client)
        assert ready.json() == {"status": "ready", "checks": {"catalog": "ok", "supervisor": "ok", "disk": "ok"}}
        text = client.get("/metrics").text
    assert 'winnow_jobs{state="queued"} 0.0' in text
    assert "winnow_queue_length 0.0" in text
    assert 'winnow_http_requests_total{method="GET",route="/readyz",status="200"}' in text
    assert "winnow_build_info" in text


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
        assert until_ready(client).status_code == 200


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
