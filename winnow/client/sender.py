"""Does what operations ask for, blocking."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, TypeVar

import httpx

from winnow.client.address import Address
from winnow.client.errors import ServiceError
from winnow.client.request import Lost, Reply, Request
from winnow.client.retry import Patience, retrying
from winnow.client.sending import lost, prepared, reply_of, settings
from winnow.client.steps import Ask, Effect, End, Flow, Item, Now, Once, Open, Pause, Read, Steps, advance

T = TypeVar("T")


class Sender:
    """Requests to one address over one pool of connections. Threads may share it."""

    def __init__(
        self, at: Address, patience: Patience, timeout_s: float, transport: httpx.BaseTransport | None = None
    ) -> None:
        self.at, self.patience = at, patience
        self._http = httpx.Client(**settings(at, timeout_s), transport=transport)

    def run(self, steps: Steps[T]) -> T:
        """Do an operation to its end."""
        hand, outcome = _Hand(self), None
        try:
            while not isinstance(step := advance(steps, outcome), End):
                outcome = hand.perform(step)
            result: T = step.value
            return result
        finally:
            hand.close()

    def items(self, flow: Flow[T]) -> Iterator[T]:
        """What a flow gives, one by one, asked for as they are used."""
        hand, outcome = _Hand(self), None
        try:
            while not isinstance(step := advance(flow, outcome), End):
                if isinstance(step, Item):
                    yield step.value
                    outcome = None
                else:
                    outcome = hand.perform(step)
        finally:
            flow.close()
            hand.close()

    def once(self, request: Request) -> Reply | Lost:
        try:
            response = self._http.send(prepared(self._http, self.at, request, streams=False))
        except httpx.RequestError as error:
            return lost(error, self.at)
        return reply_of(response, response.content)

    def open(self, request: Request) -> httpx.Response | Lost:
        try:
            response = self._http.send(prepared(self._http, self.at, request, streams=True), stream=True)
            if response.status_code >= 300:
                response.read()
        except httpx.RequestError as error:
            return lost(error, self.at)
        return response

    def close(self) -> None:
        self._http.close()


class _Hand:
    """One operation in progress, and what it has open."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._open: httpx.Response | None = None
        self._pieces: Iterator[bytes] = iter(())

    def perform(self, effect: Effect) -> Any:
        """What came of an effect; an error of the service as a value."""
        match effect:
            case Ask(request):
                try:
                    return self._sender.run(retrying(request, self._sender.patience))
                except ServiceError as error:
                    return error
            case Once(request):
                return self._sender.once(request)
            case Open(request):
                return self._opened(request)
            case Read():
                return self._piece()
            case Pause(attempt, at_least_s):
                self.close()
                return time.sleep(self._sender.patience.pause_s(attempt, at_least_s))
            case Now():
                return time.monotonic()

    def _opened(self, request: Request) -> Reply | Lost:
        self.close()
        got = self._sender.open(request)
        if isinstance(got, Lost):
            return got
        self._open = got
        if got.status_code >= 300:
            return reply_of(got, got.content)
        self._pieces = got.iter_raw()  # as they come: what is gathered to a size is lost when the connection breaks
        return reply_of(got)

    def _piece(self) -> bytes | Lost:
        try:
            return next(self._pieces, b"")
        except httpx.RequestError as error:
            return lost(error, self._sender.at)

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None
