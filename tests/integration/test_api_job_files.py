"""What a job wrote, over HTTP: files of the output, whole and in ranges, and nothing else; the runner's log."""

from __future__ import annotations

import contextlib
import gc
import hashlib
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote, urlsplit

import psutil
import pytest

from pipeline.storage.store import Store
from tests.fixtures_jobs import finished, root, service
from tests.hosting import Hosted, problem

__all__ = ["finished", "root", "service"]  # fixtures


def test_files_of_the_output_can_be_had_whole_and_in_ranges(
    service: Hosted, root: Path, finished: dict[str, Any]
) -> None:
    path = f"/v1/jobs/{finished['id']}/artifacts"
    listed = {e["name"]: e["bytes"] for e in service.get(path).json()["items"]}
    there = {str(p.relative_to(root / "out")): p.stat().st_size for p in (root / "out").rglob("*") if p.is_file()}
    there.pop("_winnow.json")
    assert listed == there
    for name in listed:
        whole = service.get(f"{path}/{name}")
        assert hashlib.sha256(whole.content).digest() == hashlib.sha256((root / "out" / name).read_bytes()).digest()
        assert whole.headers["content-disposition"].startswith("attachment")
    name = next(n for n in listed if n.startswith("data/"))
    data = (root / "out" / name).read_bytes()
    for header, expected in (
        ("bytes=10-19", data[10:20]),
        ("bytes=-7", data[-7:]),
        (f"bytes={len(data) - 3}-", data[-3:]),
    ):
        answer = service.get(f"{path}/{name}", headers={"Range": header})
        assert (answer.status_code, answer.content) == (206, expected)
    etag = answer.headers["etag"]
    assert service.get(f"{path}/{name}", headers={"If-None-Match": etag}).status_code == 304
    assert service.get(f"{path}/{name}", headers={"Range": "bytes=0-1", "If-Range": '"old"'}).content == data
    problem(service.get(f"{path}/{name}", headers={"Range": f"bytes={len(data)}-"}), 416, "range_not_satisfiable")


@pytest.mark.parametrize(
    "name",
    [
        "../ws/jobs",
        "data/../../ws/service/keys.json",
        "%2e%2e/ws",
        "_winnow.json",
        "data",
        "",
        "/etc/passwd",
        "data/x\x00y",
        ".hidden",
    ],
)
def test_no_other_file_can_be_had(service: Hosted, finished: dict[str, Any], name: str) -> None:
    answer = service.client.get(f"{service.url}/v1/jobs/{finished['id']}/artifacts/{name.replace(chr(0), '%00')}")
    assert answer.status_code == 404, answer.text


def test_a_link_in_the_output_leads_nowhere(service: Hosted, root: Path, finished: dict[str, Any]) -> None:
    (root / "secret.txt").write_text("canary")
    (root / "out" / "data" / "link.txt").symlink_to(root / "secret.txt")
    try:
        assert service.get(f"/v1/jobs/{finished['id']}/artifacts/data/link.txt").status_code == 404
        names = [e["name"] for e in service.get(f"/v1/jobs/{finished['id']}/artifacts").json()["items"]]
        assert "data/link.txt" not in names
    finally:
        (root / "out" / "data" / "link.txt").unlink()


@pytest.mark.parametrize("name", ['quote".txt', "snow\u2603.txt", "caf\u00e9; x.txt"])
def test_a_file_of_any_name_is_sent_under_it(service: Hosted, root: Path, finished: dict[str, Any], name: str) -> None:
    path = root / "out" / "data" / name
    path.write_text("content")
    try:
        answer = service.get(f"/v1/jobs/{finished['id']}/artifacts/data/{name}")
        assert (answer.status_code, answer.text) == (200, "content")
        told = answer.headers["content-disposition"]
        assert told.isascii()
        assert told.count('"') == 2
        assert unquote(told.partition("filename*=UTF-8''")[2]) == name
    finally:
        path.unlink()


@pytest.mark.parametrize("name", [b"bad\xff.txt", b"line\nbreak.txt"])
def test_a_file_whose_name_cannot_be_sent_is_left_out(
    service: Hosted, root: Path, finished: dict[str, Any], name: bytes
) -> None:
    path = os.fsencode(root / "out" / "data") + b"/" + name
    with open(path, "wb") as file:
        file.write(b"x")
    try:
        listed = service.get(f"/v1/jobs/{finished['id']}/artifacts").json()["items"]
        assert {e["name"].partition(".")[2] for e in listed} <= {"json", "md", "lock.yaml", "parquet"}
    finally:
        os.unlink(path)


def test_a_line_break_is_part_of_a_files_name(service: Hosted, finished: dict[str, Any]) -> None:
    assert service.get(f"/v1/jobs/{finished['id']}/artifacts/manifest.json").status_code == 200
    problem(service.get(f"/v1/jobs/{finished['id']}/artifacts/manifest.json%0A"), 404, "not_found")


def test_a_file_that_is_replaced_between_looking_and_sending_is_told_and_sent_as_one(
    service: Hosted, root: Path, finished: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, other, plain_open = root / "out" / "data" / "swapped.txt", root / "other.txt", Store.open
    path.write_text("old")
    other.write_text("newer and longer")

    def replaced_first(store: Store, name: str) -> IO[bytes]:
        with contextlib.suppress(FileNotFoundError):
            os.replace(other, path) if other.exists() else os.remove(path)
        return plain_open(store, name)

    monkeypatch.setattr(Store, "open", replaced_first)
    where = f"/v1/jobs/{finished['id']}/artifacts/data/swapped.txt"
    answer = service.get(where)
    assert (answer.status_code, answer.text) == (200, "newer and longer")
    assert answer.headers["etag"].startswith(f'"{len(answer.text)}-')
    problem(service.get(where), 404, "not_found")  # removed between looking and sending


@contextlib.contextmanager
def half_sent(service: Hosted, job_id: str, name: str) -> Iterator[socket.socket]:
    """A connection on which a file is being sent, of which little was taken."""
    where = urlsplit(service.url)
    with socket.socket() as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        made.settimeout(60)
        made.connect((where.hostname, where.port))
        made.sendall(f"GET /v1/jobs/{job_id}/artifacts/{name} HTTP/1.1\r\nHost: {where.netloc}\r\n\r\n".encode())
        assert made.recv(12) == b"HTTP/1.1 200"
        yield made


@pytest.fixture
def large(root: Path, finished: dict[str, Any]) -> Iterator[Path]:
    """A file that fits into no socket's buffer."""
    path = root / "out" / "data" / "large.bin"
    with path.open("wb") as file:
        file.truncate(64 << 20)
    yield path
    path.unlink()


def test_a_client_that_leaves_in_the_middle_leaves_no_file_open(
    service: Hosted, finished: dict[str, Any], large: Path
) -> None:
    gc.disable()  # it would close what nothing else closes, some time
    try:
        for _ in range(3):
            with half_sent(service, finished["id"], "data/large.bin"):
                pass
        deadline = time.monotonic() + 60
        while str(large) in _open_files() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert _open_files().count(str(large)) == 0
    finally:
        gc.enable()


def _open_files() -> list[str]:
    return [found.path for found in psutil.Process().open_files()]


def test_a_file_that_is_cut_short_while_it_is_sent_ends_the_connection(
    service: Hosted, finished: dict[str, Any], large: Path
) -> None:
    with half_sent(service, finished["id"], "data/large.bin") as connection:
        os.truncate(large, 1000)
        while connection.recv(1 << 20):  # TimeoutError where it stays open
            pass


def test_the_runners_log_is_told_in_pieces(service: Hosted, root: Path, finished: dict[str, Any]) -> None:
    log = root / "ws" / "jobs" / finished["id"] / "runner.log"
    before = log.read_text() if log.exists() else ""
    with log.open("a") as file:
        file.write("".join(f"line {n}\n" for n in range(1000)) + "torn")
    path = f"/v1/jobs/{finished['id']}/logs"
    tail = service.get(path, params={"bytes": 100})
    assert tail.text.startswith("line 9")
    assert tail.text.endswith("line 999\ntorn")
    said, after = "", 0
    while True:
        piece = service.get(path, params={"after": after, "bytes": 777})
        if int(piece.headers["winnow-next"]) == after:
            break
        said, after = said + piece.text, int(piece.headers["winnow-next"])
    assert said == before + "".join(f"line {n}\n" for n in range(1000))
