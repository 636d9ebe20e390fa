"""Operations without input and output of their own: generators that yield what is to be done (send, read, sleep) and are
given what came of it. A sender does it, blocking or in an event loop; retries, reconnecting and paging are written once."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from winnow.client.errors import ServiceFault
from winnow.client.request import Reply, Request

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Ask:
    """Send until there is an answer, patiently -> Reply below 300. Raises ServiceError."""

    request: Request


@dataclass(frozen=True, slots=True)
class Once:
    """Send once -> Reply | Lost."""

    request: Request


@dataclass(frozen=True, slots=True)
class Open:
    """Send once, and leave the body to be read -> Reply | Lost. What was open before is closed."""

    request: Request


@dataclass(frozen=True, slots=True)
class Read:
    """The next piece of what is open -> bytes (empty at its end) | Lost."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Sleep before the attempt with this number (from 1), longer each time, at least `at_least_s` -> None."""

    attempt: int
    at_least_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Now:
    """-> seconds on a clock that only goes forward."""


@dataclass(frozen=True, slots=True)
class Item(Generic[T_co]):
    """One of the things a flow gives."""

    value: T_co


Effect = Ask | Once | Open | Read | Pause | Now
Steps = Generator[Effect, Any, T]
Flow = Generator[Effect | Item[T], Any, None]


def ask(request: Request) -> Steps[Reply]:
    """The reply to a request that may be repeated."""
    reply: Reply = yield Ask(request)
    return reply


def ask_json(request: Request) -> Steps[Any]:
    """What a reply holds. Raises ServiceFault where it is no JSON: something else answers at this address."""
    reply = yield from ask(request)
    try:
        return reply.json()
    except ValueError:
        raise ServiceFault(
            "what answers at this address is no Winnow service: its answer is not JSON",
            status=reply.status, code="not_winnow", hint="Is the address right (--server, WINNOW_SERVER)?",
        ) from None  # fmt: skip


@dataclass(frozen=True, slots=True)
class End:
    """Nothing more is to be done."""

    value: Any


def advance(steps: Generator[Any, Any, Any], outcome: Any) -> Any:
    """What comes next after this outcome: an Effect, an Item, or End. An error as outcome is raised inside the steps."""
    try:
        return steps.throw(outcome) if isinstance(outcome, Exception) else steps.send(outcome)
    except StopIteration as end:
        return End(end.value)


def first(flow: Flow[T], most: int) -> Steps[list[T]]:
    """The first things a flow gives, as one operation."""
    found: list[T] = []
    outcome: Any = None
    while len(found) < most and not isinstance(step := advance(flow, outcome), End):
        if isinstance(step, Item):
            found.append(step.value)
            outcome = None
        else:
            outcome = yield step
    flow.close()
    return found
