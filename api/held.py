"""Answers in pieces that hold something meanwhile: a place, an open file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send


class HoldingStream(StreamingResponse):
    """Gives back what it holds whatever ends it, even before its first byte. A client that left would keep it otherwise, until
    Python next looks for garbage."""

    def __init__(self, pieces: AsyncIterator[bytes] | Iterator[bytes], held: ExitStack, **more: Any) -> None:
        super().__init__(pieces, **more)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._held.close()
