"""Listening to a job's events over a socket of one's own, which can be cut anywhere."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

Event = tuple[int, str, dict[str, Any]]


@dataclass
class Ear:
    """A raw connection to a stream of events. heard: (id, event, data) that came whole."""

    url: str
    job_id: str
    after: int | None = None
    heard: list[Event] = field(default_factory=list)
    status: int = 0

    def __post_init__(self) -> None:
        at = urlsplit(self.url)
        self.socket = socket.create_connection((at.hostname, at.port), timeout=30)
        last = "" if self.after is None else f"Last-Event-ID: {self.after}\r\n"
        self.socket.sendall(
            f"GET /v1/jobs/{self.job_id}/events HTTP/1.1\r\nHost: {at.netloc}\r\nAccept: text/event-stream\r\n{last}\r\n".encode()
        )
        self._raw = self._text = b""

    def listen(self, most_bytes: int | None = None) -> bool:
        """Read until the stream ends or so many bytes came; whether it ended."""
        left = most_bytes
        while left is None or left > 0:
            piece = self.socket.recv(65536 if left is None else min(left, 65536))
            if not piece:
                return True
            left = None if left is None else left - len(piece)
            if self._take(piece):
                return True
        return False

    def close(self) -> None:
        self.socket.close()

    def _take(self, piece: bytes) -> bool:
        """Take in bytes; whether the last chunk came."""
        self._raw += piece
        if not self.status and b"\r\n\r\n" in self._raw:
            head, _, self._raw = self._raw.partition(b"\r\n\r\n")
            self.status = int(head.split()[1])
        if not self.status:
            return False
        ended = False
        while b"\r\n" in self._raw:
            size, _, rest = self._raw.partition(b"\r\n")
            length = int(size, 16)
            if len(rest) < length + 2:
                break
            self._text, self._raw, ended = self._text + rest[:length], rest[length + 2 :], length == 0
        while b"\n\n" in self._text:
            block, _, self._text = self._text.partition(b"\n\n")
            self._hear(block.decode())
        return ended

    def _hear(self, block: str) -> None:
        fields = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
        if "data" in fields:
            self.heard.append((int(fields["id"]), fields["event"], json.loads(fields["data"])))
