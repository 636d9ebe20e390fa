"""A sender that does nothing: outcomes from a script, a clock that only pauses move. Operations cannot tell."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from winnow.client.errors import ServiceError
from winnow.client.request import Lost, Reply, Request
from winnow.client.retry import Patience, retrying
from winnow.client.steps import Ask, End, Flow, Item, Now, Once, Open, Pause, Read, Steps, advance

STEADY = Patience(total_s=60.0, first_s=1.0, most_s=8.0, chance=lambda: 1.0)
"""Pauses of 1, 2, 4, 8, 8 ... seconds."""


def reply(status: int = 200, body: Any = None, **headers: str) -> Reply:
    """A JSON reply; header names with underscores for dashes."""
    kind = "application/problem+json" if status >= 400 and body is not None else "application/json"
    given = {"content-type": kind} | {k.replace("_", "-"): v for k, v in headers.items()}
    return Reply(status, given, b"" if body is None else json.dumps(body).encode())


def problem(status: int, code: str, detail: str = "no", **rest: Any) -> Reply:
    """A problem answer."""
    return reply(status, {"type": "about:blank", "status": status, "code": code, "detail": detail, **rest})


REFUSED = Lost("connection refused")


@dataclass
class Script:
    """outcomes: of requests, openings and readings, in their order; the last one stays if `endless`."""

    outcomes: list[Any]
    patience: Patience = STEADY
    endless: bool = False
    read_takes_s: float = 0.0
    now_s: float = 1000.0
    pauses_s: list[float] = field(default_factory=list)
    sent: list[Request] = field(default_factory=list)

    def run(self, steps: Steps[Any]) -> Any:
        outcome: Any = None
        while not isinstance(step := advance(steps, outcome), End):
            outcome = self._perform(step)
        return step.value

    def items(self, flow: Flow[Any]) -> list[Any]:
        """All that a flow gives."""
        return list(self.each(flow))

    def each(self, flow: Flow[Any]) -> Any:
        outcome: Any = None
        while not isinstance(step := advance(flow, outcome), End):
            outcome = None
            if isinstance(step, Item):
                yield step.value
            else:
                outcome = self._perform(step)

    def _perform(self, step: Any) -> Any:
        match step:
            case Ask(request):
                try:
                    return self.run(retrying(request, self.patience))
                except ServiceError as error:
                    return error
            case Once(request) | Open(request):
                self.sent.append(request)
                return self._next()
            case Read():
                self.now_s += self.read_takes_s
                return self._next()
            case Pause(attempt, at_least_s):
                self.pauses_s.append(self.patience.pause_s(attempt, at_least_s))
                self.now_s += self.pauses_s[-1]
                return None
            case Now():
                return self.now_s
        raise AssertionError(f"unknown step {step!r}")

    def _next(self) -> Any:
        return self.outcomes[0] if self.endless and len(self.outcomes) == 1 else self.outcomes.pop(0)


def headers_of(request: Request) -> Mapping[str, str]:
    """The request's own headers."""
    return dict(request.headers)
