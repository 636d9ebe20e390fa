"""A real cluster of two Ray nodes with a token, as docs/cluster.md starts it, and a job sent to it by address."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import winnow
from tests.corpora import write_parquet
from tests.integration.test_run import RECIPE, digests
from tests.ray_nodes import Nodes, nodes


@pytest.fixture(scope="module")
def cluster() -> Iterator[Nodes]:
    """One node of two cores."""
    with nodes(1, cores=2) as started:
        yield started


def test_a_cluster_that_never_has_a_core_is_an_error_that_says_so() -> None:
    code = (
        "import sys; from pipeline.execution import on_ray; on_ray.FIRST_CORE_S = 2.0; on_ray.OnRay(None, sys.argv[1])"
    )
    with nodes(0) as head:
        command = [sys.executable, "-c", code, head.address]
        told = subprocess.run(command, env=os.environ | head.environment, capture_output=True, text=True, timeout=120)
    assert f"Ray at '{head.address}' has no cores, and none has joined within 2 s" in told.stderr


def run_on(cluster: Nodes, crawl: Path, home: Path, token: str | None) -> subprocess.CompletedProcess[str]:
    used = os.environ | cluster.environment | ({"RAY_AUTH_TOKEN": token} if token else {})
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
        cluster.address,
        "-q",
    ]
    return subprocess.run(
        [sys.executable, "-m", "pipeline.cli", *command], env=used, capture_output=True, text=True, timeout=200
    )


def test_a_job_on_a_cluster_gives_the_same_bytes(cluster: Nodes, tmp_path: Path) -> None:
    crawl = write_parquet(tmp_path / "crawl")
    said = run_on(cluster, crawl, tmp_path, None)
    assert said.returncode == 0, said.stderr
    winnow.run(RECIPE, [str(crawl)], workspace=str(tmp_path / "here"), executor="local", workers=1)
    assert digests(tmp_path / "ws" / "corpora" / "crawl" / "notes") == digests(
        tmp_path / "here" / "corpora" / "crawl" / "notes"
    )


def test_without_the_token_the_cluster_refuses(cluster: Nodes, tmp_path: Path) -> None:
    said = run_on(cluster, write_parquet(tmp_path / "crawl"), tmp_path, secrets.token_hex(32))
    assert said.returncode == 2, said.stderr
    assert "RAY_AUTH_TOKEN" in said.stderr
    assert "Traceback" not in said.stderr
