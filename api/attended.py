"""Work that is done as long as somebody waits for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

from fastapi import Request
from starlette.concurrency import run_in_threadpool

T = TypeVar("T")


async def while_attended(request: Request, work: Callable[[threading.Event], T]) -> T:
    """What the work gives, done in a thread. It is given an event that is set when the client goes away."""
    gone = threading.Event()
    watching = asyncio.create_task(_watch(request, gone))
    try:
        return await run_in_threadpool(work, gone)
    finally:
        watching.cancel()


async def _watch(request: Request, gone: threading.Event) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass  # the body: it was read before
    gone.set()
