"""The line before long work: who waits too long is told so then, not when the turn comes."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from api.errors import TooManyQuestions
from api.lane import Lane


def test_whose_turn_does_not_come_in_time_is_told_then() -> None:
    began, free, ran = threading.Event(), threading.Event(), []

    async def ask() -> str:
        lane = Lane(threads=1, places=8, places_per_caller=2, patience_s=1.5)
        first = asyncio.create_task(lane.run("a", lambda: began.set() or free.wait(30)))
        while not began.is_set():
            await asyncio.sleep(0.01)
        with pytest.raises(TooManyQuestions, match=r"within 1\.5 s"):
            await lane.run("a", lambda: ran.append("late"))
        assert not first.done(), "what has begun is not held to it"
        free.set()
        assert await first
        said = await lane.run("a", lambda: "answered")
        lane.close()
        return said

    since = time.monotonic()
    assert asyncio.run(ask()) == "answered"
    assert time.monotonic() - since < 20
    assert ran == []


def test_places_are_counted_by_caller_and_given_back() -> None:
    free = threading.Event()

    async def ask() -> None:
        lane = Lane(threads=1, places=3, places_per_caller=2, patience_s=30)
        held = [asyncio.create_task(lane.run("a", lambda: free.wait(30))) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(TooManyQuestions, match="2 requests wait"):
            await lane.run("a", bool)
        held.append(asyncio.create_task(lane.run("b", bool)))
        await asyncio.sleep(0)
        with pytest.raises(TooManyQuestions, match="3 requests wait"):
            await lane.run("c", bool)
        free.set()
        assert await asyncio.gather(*held) == [True, True, False]
        assert await lane.run("a", bool) is False
        lane.close()

    asyncio.run(ask())
