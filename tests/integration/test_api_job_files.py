"""What a job wrote, over HTTP: files of the output, whole and in ranges, and nothing else; the runner's log."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

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
