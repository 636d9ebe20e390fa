"""What the service is told: options before the environment, every wrong value named, unknown ones refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.settings import load_settings
from pipeline.errors import UsageError


def test_what_is_given_goes_before_the_environment() -> None:
    environment = {
        "WINNOW_PORT": "9000",
        "WINNOW_HOST": "localhost",
        "WINNOW_ROOTS": "/a, /b",
        "WINNOW_LIMIT_BODY_BYTES": "1000",
        "WINNOW_MODELS": "/m",
    }
    found = load_settings({"port": 9001, "host": None}, environment)
    assert (found.port, found.host, found.roots, found.limits.body_bytes) == (9001, "localhost", ("/a", "/b"), 1000)
    assert found.limits.body_seconds == 10.0


@pytest.mark.parametrize(("environment", "told"), [
    ({"WINNOW_PORT": "x"}, "WINNOW_PORT"), ({"WINNOW_LIMIT_BODY_BYTES": "-1"}, "WINNOW_LIMIT_BODY_BYTES"),
    ({"WINNOW_LIMIT_BODYBYTES": "1"}, "WINNOW_LIMIT_BODYBYTES"),
    ({"WINNOW_EXECUTOR": "slurm"}, "WINNOW_EXECUTOR"), ({"WINNOW_BUCKETS": "s3://a,http://b"}, "'http://b' is no bucket"),
    ({"WINNOW_BUCKETS": "s3://"}, "is no bucket"), ({"WINNOW_QUEUE": "0"}, "WINNOW_QUEUE"),
])  # fmt: skip
def test_wrong_values_are_named(environment: dict[str, str], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        load_settings({}, environment)


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(UsageError, match="prot"):
        load_settings({"prot": 1}, {})


def test_the_state_lies_in_the_workspace_or_at_home_for_a_bucket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load_settings({"workspace": str(tmp_path / "ws")}, {}).state_folder == tmp_path / "ws/service"
    here = load_settings({"workspace": "s3://a/b"}, {}).state_folder
    assert here.parent == tmp_path / ".local/state/winnow"
    assert here == load_settings({"workspace": "s3://a/b/"}, {}).state_folder
    assert here != load_settings({"workspace": "s3://a/c"}, {}).state_folder
    assert load_settings({"state": str(tmp_path / "x")}, {}).state_folder == tmp_path / "x"


def test_roots_are_the_current_folder_and_the_workspace_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    real = tmp_path.resolve()
    assert load_settings({"workspace": "ws"}, {}).root_folders == (real, real / "ws")
    assert load_settings({"workspace": "s3://a/b"}, {}).root_folders == (real,)
    (tmp_path / "link").symlink_to(tmp_path / "ws")
    assert load_settings({"roots": (str(tmp_path / "link"),)}, {}).root_folders == (real / "ws",)


def test_the_names_it_answers_to(tmp_path: Path) -> None:
    found = load_settings({"host": "0.0.0.0", "hosts": ("Winnow.Example",)}, {})
    assert found.host_names == {"localhost", "127.0.0.1", "::1", "winnow.example"}
    assert "10.0.0.4" in load_settings({"host": "10.0.0.4"}, {}).host_names
