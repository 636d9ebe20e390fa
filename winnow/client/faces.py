"""Operations as methods: each is written once, and both clients are tables of them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from pipeline.wording import printable
from winnow.client.async_sender import AsyncSender
from winnow.client.operations.job import TERMINAL
from winnow.client.sender import Sender
from winnow.client.steps import Flow, Steps
from winnow.client.words import html_table

P = ParamSpec("P")
T = TypeVar("T")


class Blocking(Protocol):
    _sender: Sender


class Asynchronous(Protocol):
    _sender: AsyncSender


class BlockingJob(Blocking, Protocol):
    record: dict[str, Any]


class AsynchronousJob(Asynchronous, Protocol):
    record: dict[str, Any]


def does(operation: Callable[P, Steps[T]]) -> Callable[Concatenate[Blocking, P], T]:
    """An operation on the service as a blocking method."""

    def method(self: Blocking, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._sender.run(operation(*args, **kwargs))

    return _told(method, operation, takes_job=False)


def does_async(operation: Callable[P, Steps[T]]) -> Callable[Concatenate[Asynchronous, P], Coroutine[Any, Any, T]]:
    """An operation on the service as a coroutine."""

    async def method(self: Asynchronous, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._sender.run(operation(*args, **kwargs))

    return _told(method, operation, takes_job=False)


def of_job(operation: Callable[Concatenate[str, P], Steps[T]]) -> Callable[Concatenate[BlockingJob, P], T]:
    """An operation on a job as a blocking method of its handle."""

    def method(self: BlockingJob, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._sender.run(operation(self.record["id"], *args, **kwargs))

    return _told(method, operation, takes_job=True)


def of_job_async(
    operation: Callable[Concatenate[str, P], Steps[T]],
) -> Callable[Concatenate[AsynchronousJob, P], Coroutine[Any, Any, T]]:
    """An operation on a job as a coroutine of its handle."""

    async def method(self: AsynchronousJob, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._sender.run(operation(self.record["id"], *args, **kwargs))

    return _told(method, operation, takes_job=True)


def flow_of_job(
    operation: Callable[Concatenate[str, P], Flow[T]],
) -> Callable[Concatenate[BlockingJob, P], Iterator[T]]:
    """A flow of a job as an iterator."""

    def method(self: BlockingJob, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        return self._sender.items(operation(self.record["id"], *args, **kwargs))

    return _told(method, operation, takes_job=True)


def flow_of_job_async(
    operation: Callable[Concatenate[str, P], Flow[T]],
) -> Callable[Concatenate[AsynchronousJob, P], AsyncIterator[T]]:
    """A flow of a job as an asynchronous iterator."""

    def method(self: AsynchronousJob, /, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[T]:
        return self._sender.items(operation(self.record["id"], *args, **kwargs))

    return _told(method, operation, takes_job=True)


F = TypeVar("F", bound=Callable[..., Any])


def _told(method: F, operation: Callable[..., Any], takes_job: bool) -> F:
    """The method with the operation's name, words and parameters, for help() and editors."""
    functools.update_wrapper(method, operation)
    del method.__wrapped__  # type: ignore[attr-defined] # its first parameter is not ours
    given = list(inspect.signature(operation).parameters.values())[1 if takes_job else 0 :]
    own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    method.__signature__ = inspect.Signature([own, *given])  # type: ignore[attr-defined]
    return method


class Handle:
    """A job as it was last told. record: all of it, as `GET /v1/jobs/{id}` says."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        self.record = dict(record)

    @property
    def id(self) -> str:
        return str(self.record["id"])

    @property
    def name(self) -> str:
        return str(self.record["name"])

    @property
    def state(self) -> str:
        return str(self.record["state"])

    @property
    def message(self) -> str:
        """Why it is in this state, for people."""
        return str(self.record.get("message") or "")

    @property
    def labels(self) -> dict[str, str]:
        return dict(self.record.get("labels") or {})

    @property
    def output(self) -> str | None:
        """Where the curated corpus is or goes, as the service sees it."""
        found: str | None = self.record.get("output")
        return found

    @property
    def is_ended(self) -> bool:
        """Whether the state will never change again."""
        return self.state in TERMINAL

    def __repr__(self) -> str:
        return printable(f"<{type(self).__name__} {self.id} {self.name!r} {self.state}>")

    def _repr_html_(self) -> str:
        names = ("id", "name", "state", "message", "created_at", "rows", "seconds", "output")
        shown = [{"job": n, "": self.record[n]} for n in names if self.record.get(n) not in (None, "")]
        funnel = self.record.get("funnel") or {}
        return html_table(shown) + (
            html_table([{"what": k, "documents": v} for k, v in funnel.items()]) if funnel else ""
        )
