"""The compose file: what every container of the small cluster has in common, and that a compose client accepts it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

FILE = Path(__file__).parents[2] / "docker-compose.yml"


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load(FILE.read_text(encoding="utf-8"))["services"]
    return found


@pytest.mark.parametrize("name", ["head", "worker", "job"])
def test_every_container_is_confined_and_has_the_token(services: dict[str, Any], name: str) -> None:
    service = services[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["user"].split(":")[0] != "0"
    assert "mem_limit" in service
    assert service["environment"]["RAY_AUTH_MODE"] == "token"
    assert service["environment"]["RAY_AUTH_TOKEN"].startswith("${RAY_AUTH_TOKEN:?")
    assert "ports" not in service, "nothing of the cluster is published"


def test_a_compose_client_accepts_it() -> None:
    client = next((c for c in (["docker-compose"], ["docker", "compose"]) if shutil.which(c[0]) and _works(c)), None)
    if client is None:
        pytest.skip("no compose client on this machine (apt-get install docker-compose)")
    said = subprocess.run(
        [*client, "-f", str(FILE), "config"], env={**os.environ, "RAY_AUTH_TOKEN": "x"}, capture_output=True, text=True
    )
    assert said.returncode == 0, said.stderr
    without = subprocess.run(
        [*client, "-f", str(FILE), "config"], env={**os.environ, "RAY_AUTH_TOKEN": ""}, capture_output=True, text=True
    )
    assert without.returncode != 0
    assert "RAY_AUTH_TOKEN" in without.stderr


def _works(client: list[str]) -> bool:
    return subprocess.run([*client, "version"], capture_output=True).returncode == 0
