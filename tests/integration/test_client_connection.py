"""Both clients over real sockets that break: files come whole, events once, requests in the end."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.breaking_server import BreakingServer, Handler, Line, answer, serving
from winnow.client import AsyncClient, AsyncJob, Client, Job
from winnow.client.errors import NotFound, ServiceUnreachable
from winnow.client.faces import Handle

FILE = random.Random(7).randbytes(700_000)
ETAG = '"v1"'
RUNNING = {"id": "job_1", "name": "x", "state": "running"}
DONE = {"id": "job_1", "name": "x", "state": "completed"}


def says(body: dict[str, Any], status: str = "200 OK") -> Handler:
    kind = "application/problem+json" if status[0] in "45" else "application/json"
    return lambda line, request: line.sendall(answer(status, json.dumps(body).encode(), content_type=kind))


def part_of_file(most_bytes: int, data: bytes = FILE, etag: str = ETAG) -> Handler:
    """Sends the file, or the rest that is asked for, and breaks off after most_bytes of it."""

    def handle(line: Line, request: dict[str, str]) -> None:
        start = 0
        if request.get("if-range") == etag:
            start = int(request["range"].removeprefix("bytes=").removesuffix("-"))
        status = "206 Partial Content" if start else "200 OK"
        headers = {"etag": etag, "content_range": f"bytes {start}-{len(data) - 1}/{len(data)}"}
        whole = answer(status, data[start:], **headers)
        line.sendall(whole[: len(whole) - len(data) + start + most_bytes])

    return handle


def stream(*events: tuple[int, str, dict[str, Any]], torn: bytes = b"") -> Handler:
    """Sends events in chunks, then something torn, and breaks off without an end."""

    def handle(line: Line, request: dict[str, str]) -> None:
        line.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        seen = int(request.get("last-event-id", 0))
        for number, kind, fields in events:
            if number > seen:
                piece = f"id: {number}\nevent: {kind}\ndata: {json.dumps(fields)}\n\n".encode()
                line.sendall(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        if torn:
            line.sendall(f"{len(torn):x}\r\n".encode() + torn + b"\r\n")

    return handle


@pytest.fixture(params=["blocking", "asynchronous"])
def on_job(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Calls a method of a job's handle in either client; a flow gives a list."""

    def blocking(server: BreakingServer, method: str, *arguments: Any, **named: Any) -> Any:
        with Client(server.url, "", timeout_s=5.0, patience_s=20.0) as client:
            found = getattr(Job(client._sender, RUNNING), method)(*arguments, **named)
            return list(found) if hasattr(found, "__next__") else found

    def asynchronous(server: BreakingServer, method: str, *arguments: Any, **named: Any) -> Any:
        async def call() -> Any:
            async with AsyncClient(server.url, "", timeout_s=5.0, patience_s=20.0) as client:
                found = getattr(AsyncJob(client._sender, RUNNING), method)(*arguments, **named)
                return [item async for item in found] if hasattr(found, "__anext__") else await found

        return asyncio.run(call())

    return blocking if request.param == "blocking" else asynchronous


def test_a_file_comes_whole_over_connections_that_break(on_job: Callable[..., Any], tmp_path: Path) -> None:
    with serving(part_of_file(100_000), part_of_file(0), part_of_file(250_000), part_of_file(len(FILE))) as server:
        path = on_job(server, "download", "data/a b.parquet", tmp_path)
        assert path == tmp_path / "a b.parquet"
        assert hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(FILE).digest()
        assert server.asked[0][":path"] == "/v1/jobs/job_1/artifacts/data/a%20b.parquet"
        starts = [int(a.get("range", "bytes=0-").removeprefix("bytes=").removesuffix("-")) for a in server.asked]
    assert starts[:2] == [0, 100_000]
    assert starts == sorted(starts)
    assert len(starts) == 4
    assert [p.name for p in tmp_path.iterdir()] == ["a b.parquet"]


def test_a_file_that_changed_meanwhile_is_fetched_from_its_beginning(
    on_job: Callable[..., Any], tmp_path: Path
) -> None:
    newer = b"newer" * 1000
    with serving(part_of_file(100_000), part_of_file(len(newer), newer, '"v2"')) as server:
        assert on_job(server, "download", "a", tmp_path / "a").read_bytes() == newer


def test_a_file_that_is_not_there_leaves_nothing_behind(on_job: Callable[..., Any], tmp_path: Path) -> None:
    with (
        serving(says({"code": "not_found", "detail": "no file 'x'"}, "404 Not Found")) as server,
        pytest.raises(NotFound, match="no file"),
    ):
        on_job(server, "download", "x", tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


def test_events_come_once_over_connections_that_break(on_job: Callable[..., Any]) -> None:
    one, two, end = (10, "state", {"n": 1}), (20, "stage", {"n": 2}), (30, "done", DONE)
    with serving(stream(one, torn=b"id: 20\nevent: sta"), stream(one, two), stream(one, two, end)) as server:
        found = on_job(server, "events")
        assert [(e.id, e.kind) for e in found] == [(10, "state"), (20, "stage"), (30, "done")]
        assert [a.get("last-event-id") for a in server.asked] == [None, "10", "20"]


def test_waiting_gives_the_record_of_the_end(on_job: Callable[..., Any]) -> None:
    with serving(says(RUNNING), stream((10, "state", {}), (20, "done", DONE))) as server:
        handle: Handle = on_job(server, "wait", timeout_s=20.0)
    assert handle.record == DONE


def test_a_service_that_comes_back_is_waited_for(on_job: Callable[..., Any]) -> None:
    server = BreakingServer([says(DONE)])
    server.start()
    server.stop()

    def come_back() -> None:
        time.sleep(1.0)
        server.start()

    threading.Thread(target=come_back).start()
    try:
        assert on_job(server, "refresh").record == DONE
    finally:
        server.stop()


def test_an_answer_that_breaks_off_is_asked_for_again(on_job: Callable[..., Any]) -> None:
    def broken(line: Line, request: dict[str, str]) -> None:
        line.sendall(answer("200 OK", json.dumps(DONE).encode())[:-5])

    with serving(broken, says(DONE)) as server:
        assert on_job(server, "refresh").record == DONE
        assert len(server.asked) == 2


def test_silence_counts_as_lost() -> None:
    released = threading.Event()

    def silent(line: Line, request: dict[str, str]) -> None:
        released.wait(20)

    with serving(silent) as server, Client(server.url, "", timeout_s=0.2, patience_s=0.5) as client:
        with pytest.raises(ServiceUnreachable, match="silent for too long"):
            client.version()
        released.set()
