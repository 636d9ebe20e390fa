"""Fetching a file: in pieces, going on where a connection broke, whole or not at all."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from winnow.client.errors import ServiceFault, error_of
from winnow.client.operations.job import artifact_request
from winnow.client.request import Lost, Reply, Request
from winnow.client.retry import passing, unreachable
from winnow.client.steps import Now, Open, Pause, Read, Steps

GIVE_UP_S = 60.0


@dataclass(slots=True)
class _Part:
    """What is written so far. etag: of which version of the file."""

    sink: BinaryIO
    written_bytes: int = 0
    total_bytes: int | None = None
    etag: str = ""

    def headers(self) -> tuple[tuple[str, str], ...]:
        """Asks for the rest of the same version; of another version the service sends all."""
        if not self.written_bytes or not self.etag:
            return ()
        return (("range", f"bytes={self.written_bytes}-"), ("if-range", self.etag))

    def begin(self, reply: Reply) -> None:
        """Where what comes now belongs."""
        start = 0
        if reply.status == 206:
            start, self.total_bytes = _content_range(reply)
        else:
            length = reply.headers.get("content-length")
            self.total_bytes = int(length) if length is not None else None
        if start != self.written_bytes and start != 0:
            raise ServiceFault(f"asked for bytes from {self.written_bytes:,}, the service sends them from {start:,}")
        self.sink.seek(start)
        self.sink.truncate()
        self.written_bytes = start
        self.etag = reply.headers.get("etag", "")

    def add(self, piece: bytes) -> None:
        self.sink.write(piece)
        self.written_bytes += len(piece)

    @property
    def is_whole(self) -> bool:
        return self.total_bytes is None or self.written_bytes == self.total_bytes


def download(job_id: str, name: str, path: str | Path) -> Steps[Path]:
    """Fetch a file of the job's output to a path, or into a folder, under its own name -> where it is. Nothing is there
    under its name before it is whole. Raises NotFound, ServiceUnreachable after a minute without a byte."""
    target = Path(path)
    if target.is_dir():
        target = target / name.rpartition("/")[2]
    aside = target.with_name(f"{target.name}.part")
    from pipeline.storage.files import told

    try:
        with told(str(aside)), aside.open("wb") as sink:
            yield from _fill(artifact_request(job_id, name), _Part(sink))
        os.replace(aside, target)
    finally:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
    return target


def _fill(request: Request, part: _Part) -> Steps[None]:
    heard_at_s: float = yield Now()
    attempt = 0
    while True:
        got: Reply | Lost = yield Open(
            Request(request.method, request.path, accept=request.accept, headers=part.headers())
        )
        before_bytes = part.written_bytes
        if isinstance(got, Reply) and got.status < 300:
            part.begin(got)
            before_bytes = part.written_bytes
            ended = yield from _take(part)
            if ended is None:
                return
            got = ended
        elif not passing(got):
            assert isinstance(got, Reply)
            raise error_of(got)
        now_s: float = yield Now()
        if part.written_bytes > before_bytes:
            heard_at_s, attempt = now_s, 0
        if now_s - heard_at_s > GIVE_UP_S:
            raise error_of(got) if isinstance(got, Reply) else unreachable(got, now_s - heard_at_s)
        attempt += 1
        yield Pause(attempt, (got.retry_after_s() or 0.0) if isinstance(got, Reply) else 0.0)


def _take(part: _Part) -> Steps[Lost | None]:
    """Read what is open into the part -> None when it is whole."""
    while True:
        piece: bytes | Lost = yield Read()
        if isinstance(piece, Lost):
            return piece
        if not piece:
            return None if part.is_whole else Lost("the connection ended before the file did")
        part.add(piece)


def _content_range(reply: Reply) -> tuple[int, int | None]:
    """(first byte, bytes of the whole file) of `bytes 5-9/10`."""
    given = reply.headers.get("content-range", "")
    span, _, total = given.removeprefix("bytes ").partition("/")
    first = span.partition("-")[0]
    if not first.isdecimal():
        raise ServiceFault(f"the service sends a part of a file and does not say which: {given!r}")
    return int(first), int(total) if total.isdecimal() else None
