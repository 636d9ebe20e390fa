"""The word that the service ends, for whatever waits: streams of events say when to come back, and end."""

from __future__ import annotations

import asyncio
import contextlib


class Stopping:
    """Set once, on the event loop's thread or from a signal; awaited by streams."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def attach(self) -> None:
        """Belong to the running loop: called when the app starts."""
        self._loop = asyncio.get_running_loop()

    def set(self) -> None:
        """Say it. From any thread, and from a signal handler."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(self._event.set)

    def is_set(self) -> bool:
        """Whether it was said."""
        return self._event.is_set()

    async def within(self, seconds: float) -> bool:
        """Wait so long, or until it is said; whether it was."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._event.wait(), seconds)
        return self._event.is_set()
