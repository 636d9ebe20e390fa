"""Does what operations ask for, in an event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, TypeVar

import httpx

from winnow.client.address import Address
from winnow.client.errors import ServiceError
from winnow.client.request import Lost, Reply, Request
from winnow.client.retry import Patience, retrying
from winnow.client.sending import lost, prepared, reply_of, settings
from winnow.client.steps import Ask, Effect, End, Flow, Item, Now, Once, Open, Pause, Read, Steps, advance

T = TypeVar("T")


class AsyncSender:
    """Requests to one address over one pool of connections, of one event loop."""

    def __init__(
        self, at: Address, patience: Patience, timeout_s: float, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.at, self.patience = at, patience
        self._http = httpx.AsyncClient(**settings(at, timeout_s), transport=transport)

    async def run(self, steps: Steps[T]) -> T:
        """Do an operation to its end."""
        hand, outcome = _Hand(self), None
        try:
            while not isinstance(step := advance(steps, outcome), End):
                outcome = await hand.perform(step)
            result: T = step.value
            return result
        finally:
            await hand.close()

    async def items(self, flow: Flow[T]) -> AsyncIterator[T]:
        """What a flow gives, one by one, asked for as they are used."""
        hand, outcome = _Hand(self), None
        try:
            while not isinstance(step := advance(flow, outcome), End):
                if isinstance(step, Item):
                    yield step.value
                    outcome = None
                else:
                    outcome = await hand.perform(step)
        finally:
            flow.close()
            await hand.close()

    async def once(self, request: Request) -> Reply | Lost:
        try:
            response = await self._http.send(prepared(self._http, self.at, request, streams=False))
        except httpx.RequestError as error:
            return lost(error, self.at)
        return reply_of(response, response.content)

    async def open(self, request: Request) -> httpx.Response | Lost:
        try:
            response = await self._http.send(prepared(self._http, self.at, request, streams=True), stream=True)
            if response.status_code >= 300:
                await response.aread()
        except httpx.RequestError as error:
            return lost(error, self.at)
        return response

    async def close(self) -> None:
        await self._http.aclose()


class _Hand:
    """One operation in progress, and what it has open."""

    def __init__(self, sender: AsyncSender) -> None:
        self._sender = sender
        self._open: httpx.Response | None = None
        self._pieces: AsyncIterator[bytes] | None = None

    async def perform(self, effect: Effect) -> Any:
        """What came of an effect; an error of the service as a value."""
        match effect:
            case Ask(request):
                try:
                    return await self._sender.run(retrying(request, self._sender.patience))
                except ServiceError as error:
                    return error
            case Once(request):
                return await self._sender.once(request)
            case Open(request):
                return await self._opened(request)
            case Read():
                return await self._piece()
            case Pause(attempt, at_least_s):
                await self.close()
                return await asyncio.sleep(self._sender.patience.pause_s(attempt, at_least_s))
            case Now():
                return time.monotonic()

    async def _opened(self, request: Request) -> Reply | Lost:
        await self.close()
        got = await self._sender.open(request)
        if isinstance(got, Lost):
            return got
        self._open = got
        if got.status_code >= 300:
            return reply_of(got, got.content)
        self._pieces = got.aiter_raw()  # as they come: what is gathered to a size is lost when the connection breaks
        return reply_of(got)

    async def _piece(self) -> bytes | Lost:
        assert self._pieces is not None
        try:
            return await anext(self._pieces, b"")
        except httpx.RequestError as error:
            return lost(error, self._sender.at)

    async def close(self) -> None:
        if self._open is not None:
            await self._open.aclose()
            self._open = None
