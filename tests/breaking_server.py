"""An HTTP server on a real socket that does what no proper one would: it breaks off in the middle, goes away, comes back."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from tests.ports import free_port


class Line(Protocol):
    """What a handler writes to."""

    def sendall(self, data: bytes, /) -> None: ...


Handler = Callable[[Line, dict[str, str]], None]
"""Writes a whole answer, status line included. Headers of the request have lower-case names; `:path` is its target."""


@dataclass
class BreakingServer:
    """Answers each connection with the next handler, the last one for all that follow, and closes it."""

    handlers: list[Handler]
    port: int = 0
    asked: list[dict[str, str]] = field(default_factory=list)
    _listener: socket.socket | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.port = self.port or free_port()
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._serve, args=(self._listener,), daemon=True).start()

    def stop(self) -> None:
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                line, _ = listener.accept()
            except OSError:
                return
            with line, contextlib.suppress(OSError):
                request = _read_request(line)
                self.asked.append(request)
                handler = self.handlers[0] if len(self.handlers) == 1 else self.handlers.pop(0)
                handler(line, request)


def _read_request(line: socket.socket) -> dict[str, str]:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = line.recv(65536)
        if not piece:
            break
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    found = {name.lower(): value.strip() for name, _, value in (r.partition(":") for r in rest)}
    left = int(found.get("content-length", 0)) - len(body)
    while left > 0:
        left -= len(line.recv(left))
    return {**found, ":path": first.split(" ")[1]}


@contextlib.contextmanager
def serving(*handlers: Handler) -> Iterator[BreakingServer]:
    """A server on a free port, stopped at the end."""
    server = BreakingServer(list(handlers))
    server.start()
    try:
        yield server
    finally:
        server.stop()


def answer(status: str, body: bytes, **headers: str) -> bytes:
    """A whole answer; header names with underscores for dashes."""
    given = {"content-length": str(len(body)), "connection": "close"} | {
        k.replace("_", "-"): v for k, v in headers.items()
    }
    lines = [f"HTTP/1.1 {status}", *(f"{k}: {v}" for k, v in given.items()), "", ""]
    return "\r\n".join(lines).encode() + body
