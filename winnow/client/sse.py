"""Server-sent events from bytes, however they are cut into pieces (WHATWG HTML, section 9.2.6)."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Message:
    """One event as it was sent. id: the last id seen so far, '' before any."""

    event: str
    data: str
    id: str


@dataclass
class Parser:
    """Takes pieces, gives whole messages. retry_ms: what the service asked to wait before reconnecting."""

    last_id: str = ""
    retry_ms: int | None = None
    _decoder: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8")("replace")
    )
    _text: str = ""
    _after_return: bool = False
    _at_start: bool = True
    _event: str = ""
    _data: list[str] = field(default_factory=list)

    def feed(self, piece: bytes) -> Iterator[Message]:
        """The messages that end in this piece."""
        self._text += self._decoder.decode(piece)
        if self._at_start and self._text:
            self._at_start = False
            self._text = self._text.removeprefix("\ufeff")
        for line in self._lines():
            if line:
                self._field(line)
                continue
            if self._data:
                yield Message(self._event or "message", "\n".join(self._data), self.last_id)
            self._event, self._data = "", []

    def _lines(self) -> Iterator[str]:
        """Whole lines, ended by \\n, \\r or \\r\\n; the two of the last may come in different pieces."""
        start = 1 if self._after_return and self._text.startswith("\n") else 0
        for end in LINE_END.finditer(self._text, start):
            yield self._text[start : end.start()]
            start = end.end()
        if self._text:
            self._after_return = self._text.endswith("\r")
        self._text = self._text[start:]

    def _field(self, line: str) -> None:
        name, _, value = line.partition(":")  # a line that starts with a colon is a comment: a heartbeat
        value = value.removeprefix(" ")
        match name:
            case "event":
                self._event = value
            case "data":
                self._data.append(value)
            case "id" if "\0" not in value:
                self.last_id = value
            case "retry" if value.isdecimal() and value.isascii():
                self.retry_ms = int(value)
