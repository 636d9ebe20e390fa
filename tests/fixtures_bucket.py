"""A bucket of a real S3-protocol server run as a process, addressed by the environment alone."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator

import pytest
import s3fs

from pipeline.storage.files import filesystem
from tests.ports import free_port

SECRET = "canary-7f3a91"


@pytest.fixture(scope="module")
def server() -> Iterator[None]:
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    settings = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
    }  # fmt: skip
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in settings.items():
                patch.setenv(name, value)
            _await(process, port)
            s3fs.S3FileSystem.clear_instance_cache()  # instances of another module's server know its port
            yield
            s3fs.S3FileSystem.clear_instance_cache()
    finally:
        process.terminate()
        process.wait(timeout=60)


def _await(process: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(900):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0 and process.poll() is None:
                return
        time.sleep(0.1)
    raise AssertionError("moto's server did not come up")


@pytest.fixture
def bucket(server: None) -> str:
    url = f"s3://b{uuid.uuid4().hex[:12]}"
    filesystem(url).mkdir(url)
    return url
