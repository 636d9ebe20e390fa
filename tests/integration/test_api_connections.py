"""Connections that are slow, large, odd or many: they are left or refused, others are answered, and no memory stays behind."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.control import until
from tests.fixtures_served import service
from tests.serving import Served

__all__ = ["service"]  # a fixture


def connect(found: Served) -> socket.socket:
    where = urlsplit(found.address)
    made = socket.create_connection((where.hostname, where.port), timeout=20)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def everything(connection: socket.socket) -> bytes:
    """What comes until the other side ends it."""
    said = b""
    while chunk := connection.recv(65536):
        said += chunk
    return said


def test_a_client_that_sends_its_head_byte_by_byte_is_left(service: Served) -> None:
    with connect(service) as slow:
        slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0")
        started = time.monotonic()
        assert everything(slow) == b""
        assert time.monotonic() - started < 10
    with connect(service) as silent:
        assert everything(silent) == b""


def test_a_second_head_that_does_not_come_whole_is_not_waited_for(service: Served) -> None:
    with connect(service) as slow:
        slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /healthz HT")
        assert everything(slow).count(b"HTTP/1.1 200") == 1


@pytest.mark.parametrize("head", [b"Content-Length: 1000", b"Transfer-Encoding: chunked"])
def test_a_body_that_does_not_come_is_not_waited_for(head: bytes, service: Served) -> None:
    with connect(service) as slow:
        slow.sendall(
            b"POST /v1/version HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n" + head + b"\r\n\r\n"
        )
        said = everything(slow)
    assert b"408" in said.partition(b"\r\n")[0]
    assert b'"code":"request_timeout"' in said


def test_a_chunked_body_is_cut_off_where_it_is_too_large(service: Served) -> None:
    with connect(service) as large:
        large.sendall(b"POST /v1/version HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n")
        sent = 0
        try:
            while sent < 50_000_000:
                large.sendall(b"2710\r\n" + b"x" * 10_000 + b"\r\n")
                sent += 10_000
        except OSError:
            pass
        assert sent < 20_000_000
    with service.client() as client:
        assert client.get("/healthz").status_code == 200


def test_a_head_that_is_too_large_is_refused(service: Served) -> None:
    with connect(service) as large:
        try:
            large.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Large: " + b"x" * 200_000)
            said = everything(large)
        except ConnectionError:  # it was refused before all of it was sent
            said = b"HTTP/1.1 400"
    assert b" 400 " in said.partition(b"\r\n")[0] + b" "


def test_two_hundred_slow_connections_do_not_keep_others_out_for_long(service: Served) -> None:
    slow = [connect(service) for _ in range(200)]
    try:
        for connection in slow:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: ")
        with service.client() as client:
            until(lambda: client.get("/healthz").status_code == 200, 20)
    finally:
        for connection in slow:
            connection.close()


@pytest.mark.parametrize("request_bytes", [
    b"\x16\x03\x01\x02\x00\x01\x00", b"GET / HTTP/1.1\r\n\r\n", b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil\r\n\r\n", b"\r\n" * 1000,
    b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"GET http://evil.example/healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET /\xff\xfe HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
])  # fmt: skip
def test_odd_requests_are_refused_and_nothing_breaks(request_bytes: bytes, service: Served) -> None:
    with connect(service) as odd:
        with contextlib.suppress(OSError):  # it may be refused before that
            odd.sendall(request_bytes)
            odd.shutdown(socket.SHUT_WR)
        try:
            said = everything(odd)
        except ConnectionResetError:
            said = b""
    assert said == b"" or said.split(b" ")[1][:1] == b"4"
    with service.client() as client:
        assert client.get("/healthz").status_code == 200


def test_no_answer_told_of_a_fault(service: Served) -> None:
    assert [line for line in service.err if '"event":"fault"' in line] == []


def test_at_rest_it_takes_less_than_300_mb(service: Served) -> None:
    sizes = dict(_tree_pss(service.process.pid))
    assert sizes[service.process.pid] < 200
    assert sum(sizes.values()) < 300


def _tree_pss(pid: int) -> Iterator[tuple[int, int]]:
    """(process, proportional set size in MB) of a process and all below it. What ends meanwhile takes nothing."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        yield pid, sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")) // 1000
        for task in list(Path(f"/proc/{pid}/task").iterdir()):
            children = ""
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                children = (task / "children").read_text()
            for child in children.split():
                yield from _tree_pss(int(child))
