"""A lane for work that takes a while: threads of its own, a line before them, and a bound on how long that is.

Who waits in it is a coroutine, not a thread: the server's threads stay free for everybody else.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from api.errors import TooManyQuestions

T = TypeVar("T")


class Lane:
    """threads: how many are worked on at once; places: how many may be in it, overall and of one caller; patience_s: how
    long one waits for its turn. To be used in one event loop; close it at its end."""

    def __init__(self, threads: int, places: int, places_per_caller: int, patience_s: float) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="lane")
        self._places, self._places_per_caller, self._patience_s = places, places_per_caller, patience_s
        self._taken: Counter[str] = Counter()

    async def run(self, caller: str, work: Callable[[], T]) -> T:
        """What the work gives, in its turn. Raises TooManyQuestions where the line is full, or does not move."""
        if self._taken[caller] >= self._places_per_caller or self._taken.total() >= self._places:
            raise TooManyQuestions(
                f"{self._taken.total()} requests wait to be worked on; try again soon", retry_after=2
            )
        turn = self._pool.submit(work)
        self._taken[caller] += 1
        try:
            answer = asyncio.wrap_future(turn)
            done, _ = await asyncio.wait([answer], timeout=self._patience_s)
            if not done and turn.cancel():
                raise TooManyQuestions(f"its turn did not come within {self._patience_s:g} s; try again", retry_after=5)
            return await answer
        finally:
            turn.cancel()  # whoever waited is gone: what has not begun needs not to
            self._taken[caller] -= 1
            if not self._taken[caller]:
                del self._taken[caller]

    def close(self) -> None:
        """Whoever still waits is not worked on."""
        self._pool.shutdown(wait=False, cancel_futures=True)
