"""What docker-compose.yml starts, as plain processes: object storage, a Ray head and two nodes with a token, the service on a
workspace in a bucket; one job through all of them, by the client."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import fsspec
import httpx
import psutil
import pyarrow as pa
import pytest

import winnow
from pipeline.storage.store import Store
from tests.corpora import write_parquet
from tests.fixtures_bucket import bucket, server
from tests.integration.test_run import RECIPE
from tests.ports import free_port
from tests.ray_nodes import nodes
from winnow.client import Client

__all__ = ["bucket", "server"]
ROOT = Path(__file__).parents[2]
START_S = 90.0


def end(process: subprocess.Popen[bytes]) -> None:
    """A process and all that it started."""
    family = (
        [process.pid, *(p.pid for p in psutil.Process(process.pid).children(recursive=True))]
        if process.poll() is None
        else []
    )
    for pid in reversed(family):
        try:
            psutil.Process(pid).kill()
        except psutil.NoSuchProcess:
            continue
    process.wait(timeout=30)


def wait_for(what: str, ready: object, process: subprocess.Popen[bytes], log: Path) -> None:
    assert callable(ready)
    give_up = time.monotonic() + START_S
    while time.monotonic() < give_up and process.poll() is None:
        if ready():
            return
        time.sleep(0.2)
    raise AssertionError(f"{what} did not start: {log.read_text()[-3000:]}")


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture
def service(bucket: str, tmp_path: Path) -> Iterator[Client]:
    """A client with an operator's key, of a service over a cluster of a head and two nodes of one core."""
    port = free_port()
    log = tmp_path / "processes.log"
    state = str(tmp_path / "state")
    cli = [sys.executable, "-m", "pipeline.cli"]
    with nodes(2) as ray, ExitStack() as stack, log.open("ab") as said:
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("WINNOW_", "RAY_"))}
        environment |= ray.environment | {"PYTHONPATH": str(ROOT)}

        def start(command: list[str]) -> subprocess.Popen[bytes]:
            process = subprocess.Popen(
                command, env=environment, stdout=said, stderr=said, cwd=tmp_path, start_new_session=True
            )
            stack.callback(end, process)
            return process

        key = subprocess.run(
            [*cli, "keys", "create", "--name", "test", "--role", "operator", "--state", state, "--workspace", f"{bucket}/ws"],
            env=environment, capture_output=True, text=True, check=True, cwd=tmp_path,
        ).stdout.split()[0]  # fmt: skip
        serve = [
            *cli,
            "serve",
            "--workspace",
            f"{bucket}/ws",
            "--state",
            state,
            "--port",
            str(port),
            "--bucket",
            bucket,
        ]
        process = start([*serve, "--executor", "ray", "--ray-address", ray.address])
        url = f"http://127.0.0.1:{port}"
        wait_for("the service", lambda: answers(url), process, log)
        assert httpx.get(f"{url}/v1/jobs", trust_env=False).status_code == 401, "without a key nobody gets in"
        with Client(url, key) as client:
            yield client


def test_one_job_through_service_cluster_and_bucket(service: Client, bucket: str, tmp_path: Path) -> None:
    crawl = write_parquet(tmp_path / "crawl")
    files = fsspec.filesystem("s3")
    files.put(f"{crawl}/", f"{bucket}/crawl/", recursive=True)
    job = service.submit(RECIPE, [f"{bucket}/crawl/*.parquet"], output=f"{bucket}/curated").wait(timeout_s=240)
    assert job.state == "completed"
    here = winnow.run(
        RECIPE,
        [str(crawl)],
        workspace=str(tmp_path / "ws"),
        output=str(tmp_path / "curated"),
        executor="local",
        workers=1,
    )
    assert job.record["funnel"] == here.funnel
    there, mine = Store(f"{bucket}/curated"), Store(str(tmp_path / "curated"))
    texts = [pa.concat_tables(s.read_table(f"data/{n}", ["text"]) for n in s.names("data")) for s in (there, mine)]
    assert texts[0].equals(texts[1])
    workers = {shard["worker"] for shard in job.shards(stage="notes")}
    assert workers
    assert all(":" in w for w in workers), "scored by Ray's workers, not in the driver"
    counted = service.sql(
        "select count(*) as n from documents where copies > 0", job=job.id, timeout_seconds=60
    ).to_arrow()
    assert counted.column("n").to_pylist() == [168]
