"""A real cluster of two Ray nodes with a token, as docs/cluster.md starts it, and a job sent to it by address."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import winnow
from tests.corpora import write_parquet
from tests.integration.test_run import RECIPE, digests

RAY = [str(Path(sys.executable).parent / "ray"), "start", "--block", "--object-store-memory=80000000"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    """(address, environment) of a head without CPUs and one worker node with two."""
    port = free_port()
    address = f"127.0.0.1:{port}"
    environment = {
        **os.environ,
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    environment.pop("RAY_ADDRESS", None)
    log = (tmp_path_factory.mktemp("ray") / "nodes.log").open("w")
    head = [
        *RAY,
        "--head",
        f"--port={port}",
        "--num-cpus=0",
        "--include-dashboard=false",
        "--node-ip-address=127.0.0.1",
    ]
    worker = [*RAY, f"--address={address}", "--num-cpus=2"]
    nodes = [subprocess.Popen(head, env=environment, stdout=log, stderr=log, start_new_session=True)]
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.2)
    nodes.append(subprocess.Popen(worker, env=environment, stdout=log, stderr=log, start_new_session=True))
    yield address, environment
    for node in reversed(nodes):
        node.terminate()
        node.wait(timeout=60)


@pytest.fixture
def head_alone(tmp_path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """(address, environment) of a head without CPUs, which nobody joins."""
    port = free_port()
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32), "RAY_USAGE_STATS_ENABLED": "0"}
    environment = {**os.environ, **token}
    environment.pop("RAY_ADDRESS", None)
    command = [
        *RAY,
        "--head",
        f"--port={port}",
        "--num-cpus=0",
        "--include-dashboard=false",
        "--node-ip-address=127.0.0.1",
    ]
    log = tmp_path / "head.log"
    with log.open("w") as said:
        head = subprocess.Popen(command, env=environment, stdout=said, stderr=said, start_new_session=True)
        deadline = time.monotonic() + 90
        while "Ray runtime started" not in log.read_text() and time.monotonic() < deadline:
            time.sleep(0.2)
        yield f"127.0.0.1:{port}", environment
        head.terminate()
        head.wait(timeout=60)


def test_a_cluster_that_never_has_a_core_is_an_error_that_says_so(head_alone: tuple[str, dict[str, str]]) -> None:
    address, environment = head_alone
    code = "import sys; from pipeline.execution import executors; executors.FIRST_CORE_S = 2.0; executors.OnRay(None, sys.argv[1])"
    told = subprocess.run(
        [sys.executable, "-c", code, address], env=environment, capture_output=True, text=True, timeout=120
    )
    assert f"Ray at '{address}' has no cores, and none has joined within 2 s" in told.stderr


def run_on(
    cluster: tuple[str, dict[str, str]], crawl: Path, home: Path, token: str | None
) -> subprocess.CompletedProcess[str]:
    address, environment = cluster
    used = {**environment, "RAY_AUTH_TOKEN": token or environment["RAY_AUTH_TOKEN"]}
    recipe = home / "r.yaml"
    recipe.write_text(
        "name: small\nscore: [exact, gopher, repetition, {minhash: {num_perm: 128}}]\n"
        "rules: {word_count: {column: gopher.word_count, min: 50}, repeats: {column: repetition.dup_line_frac, max: 0.3}}\n"
        "dedup: {exact: raw, fuzzy: {on: minhash, jaccard: 0.8}, guard: {max_source_loss: 1.0}}\n"
    )
    command = [
        "run",
        str(recipe),
        str(crawl),
        "--workspace",
        str(home / "ws"),
        "--executor",
        "ray",
        "--ray-address",
        address,
        "-q",
    ]
    return subprocess.run(
        [sys.executable, "-m", "pipeline.cli", *command], env=used, capture_output=True, text=True, timeout=200
    )


def test_a_job_on_a_cluster_gives_the_same_bytes(cluster: tuple[str, dict[str, str]], tmp_path: Path) -> None:
    crawl = write_parquet(tmp_path / "crawl")
    said = run_on(cluster, crawl, tmp_path, None)
    assert said.returncode == 0, said.stderr
    winnow.run(RECIPE, [str(crawl)], workspace=str(tmp_path / "here"), executor="local", workers=1)
    assert digests(tmp_path / "ws" / "corpora" / "crawl" / "notes") == digests(
        tmp_path / "here" / "corpora" / "crawl" / "notes"
    )


def test_without_the_token_the_cluster_refuses(cluster: tuple[str, dict[str, str]], tmp_path: Path) -> None:
    said = run_on(cluster, write_parquet(tmp_path / "crawl"), tmp_path, secrets.token_hex(32))
    assert said.returncode == 2, said.stderr
    assert "RAY_AUTH_TOKEN" in said.stderr
    assert "Traceback" not in said.stderr
