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


LONG_RUNNING = ["storage", "head", "worker", "service"]
SECRETS = ("RAY_AUTH_TOKEN", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


def test_every_container_is_confined(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "mem_limit" in service, name
        assert "pids_limit" in service, name
        assert name == "volumes" or service["user"].split(":")[0] != "0", f"{name} runs as root"


@pytest.mark.parametrize("name", LONG_RUNNING)
def test_what_keeps_running_has_a_health_check_and_time_to_stop(services: dict[str, Any], name: str) -> None:
    assert services[name]["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
    assert services[name]["stop_grace_period"] == "40s"


@pytest.mark.parametrize("name", ["head", "worker", "service"])
def test_every_node_of_the_cluster_has_the_token(services: dict[str, Any], name: str) -> None:
    assert services[name]["environment"]["RAY_AUTH_MODE"] == "token"
    assert services[name]["environment"]["RAY_AUTH_TOKEN"].startswith("${RAY_AUTH_TOKEN:?")


def test_only_the_service_is_published_and_on_loopback(services: dict[str, Any]) -> None:
    assert [name for name, s in services.items() if "ports" in s] == ["service"]
    assert all(port.startswith("127.0.0.1:") for port in services["service"]["ports"])


def test_no_secret_stands_in_the_file(services: dict[str, Any]) -> None:
    for service in services.values():
        for name in SECRETS:
            assert service.get("environment", {}).get(name, "${").startswith("${")


def test_a_compose_client_accepts_it() -> None:
    client = next((c for c in (["docker-compose"], ["docker", "compose"]) if shutil.which(c[0]) and _works(c)), None)
    if client is None:
        pytest.skip("no compose client on this machine (apt-get install docker-compose)")
    said = subprocess.run(
        [*client, "-f", str(FILE), "config"],
        env={**os.environ, **dict.fromkeys(SECRETS, "x")},
        capture_output=True,
        text=True,
    )
    assert said.returncode == 0, said.stderr
    without = subprocess.run(
        [*client, "-f", str(FILE), "config"], env={**os.environ, **dict.fromkeys(SECRETS, "x"), "RAY_AUTH_TOKEN": ""},
        capture_output=True, text=True,
    )  # fmt: skip
    assert without.returncode != 0
    assert "RAY_AUTH_TOKEN" in without.stderr


def _works(client: list[str]) -> bool:
    return subprocess.run([*client, "version"], capture_output=True).returncode == 0
