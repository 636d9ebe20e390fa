"""When a request is sent again, and when it is not."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass

from winnow.client.errors import ServiceUnreachable, error_of, problem_code
from winnow.client.request import Lost, Reply, Request
from winnow.client.steps import Now, Once, Pause, Steps

log = logging.getLogger("winnow.client")


@dataclass(frozen=True)
class Patience:
    """How long to try: total_s from the first attempt on; pauses double from first_s to most_s, a random half off."""

    total_s: float = 60.0
    first_s: float = 0.25
    most_s: float = 10.0
    chance: Callable[[], float] = random.random

    def pause_s(self, attempt: int, at_least_s: float = 0.0) -> float:
        """Seconds before the attempt with this number. The random part keeps many clients from coming back at once."""
        full = min(self.most_s, self.first_s * 2.0 ** min(attempt - 1, 30))
        return max(full * (0.5 + 0.5 * self.chance()), at_least_s)


def retrying(request: Request, patience: Patience) -> Steps[Reply]:
    """The reply below 300, within the patience. Raises ServiceError, ServiceUnreachable."""
    started: float = yield Now()
    attempt = 0
    while True:
        got: Reply | Lost = yield Once(request)
        if isinstance(got, Reply) and got.status < 300:
            return got
        if isinstance(got, Reply) and attempt and request.method == "DELETE" and got.status == 404:
            return got  # an earlier attempt did it, and its answer was lost
        attempt += 1
        wanted_s = (got.retry_after_s() or 0.0) if isinstance(got, Reply) else 0.0
        spent_s: float = (yield Now()) - started
        if not passing(got) or spent_s + max(wanted_s, patience.pause_s(attempt)) > patience.total_s:
            raise error_of(got) if isinstance(got, Reply) else unreachable(got, spent_s)
        log.info("%s %s: %s; attempt %d follows", request.method, request.path, said(got), attempt + 1)
        yield Pause(attempt, wanted_s)


def passing(got: Reply | Lost) -> bool:
    """Whether the same request may fare better later: nobody there, too many requests, starting or stopping, or the same
    key being taken in right now. A 500 or the service's own timeout would only be the same work again."""
    if isinstance(got, Lost):
        return not got.final
    code = problem_code(got)
    if got.status in (502, 503, 504):
        return not code or (got.status == 503 and code != "timeout")
    return got.status == 429 or (got.status == 409 and code.endswith("in_flight"))


def said(got: Reply | Lost) -> str:
    """What came, in a few words."""
    return got.why if isinstance(got, Lost) else f"status {got.status}"


def unreachable(lost: Lost, tried_s: float) -> ServiceUnreachable:
    """The error after the last attempt."""
    return ServiceUnreachable(
        f"no answer from the service in {tried_s:.0f} s: {lost.why}",
        hint="Is it running (winnow serve), and is the address right (--server, WINNOW_SERVER)?",
    )
