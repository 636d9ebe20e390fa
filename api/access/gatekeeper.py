"""Who asks, found out before anything else of a request is looked at; wrong keys and eager callers are slowed down."""

from __future__ import annotations

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access.keys import Keys
from api.access.roles import ANONYMOUS, Caller
from api.errors import RateLimited, RequestError, TooManyFailures, Unauthorized
from api.headers import PROBES
from api.problems import response_of
from api.settings import ServiceLimits
from pipeline.errors import WinnowError

OPEN = ("/docs", "/openapi.json")
"""What needs no key: what the service can do, nothing of a workspace."""
MINUTE_SECONDS = 60


class Gatekeeper:
    """ASGI: names the caller in the scope's state, or answers 401 or 429 at once."""

    def __init__(self, app: ASGIApp, keys: Keys, limits: ServiceLimits) -> None:
        self.app = app
        self.keys = keys
        self._window = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._requests = RateLimitItemPerMinute(limits.requests_per_minute)
        self._failures = RateLimitItemPerMinute(limits.failures_per_minute)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in PROBES:
            await self.app(scope, receive, send)
            return
        try:
            caller = None if _is_open(scope["path"]) else self._caller(scope)
            left, reset_s = self._count(caller, scope)
        except WinnowError as error:
            await response_of(scope, error)(scope, receive, send)
            return
        if caller is not None:
            scope.setdefault("state", {})["caller"] = caller

        async def with_limits(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _limit_headers(self._requests.amount, left, reset_s).items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, with_limits)

    def _caller(self, scope: Scope) -> Caller:
        if not self.keys.required():
            return ANONYMOUS
        address = _address(scope)
        if not self._window.test(self._failures, "failed", address):
            raise TooManyFailures(
                f"more than {self._failures.amount} wrong keys came from {address} within a minute; wait, and check the key",
                retry_after=MINUTE_SECONDS,
            )
        given = Headers(scope=scope).getlist("authorization")
        scheme, _, text = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        if scheme.lower() != "bearer" or not text.strip():
            raise Unauthorized(
                "a key is needed: send it as `Authorization: Bearer wn_…`. Make one on the service's machine: winnow keys create --name NAME --role operator",
                headers={"WWW-Authenticate": 'Bearer realm="winnow"'},
            )
        caller = self.keys.caller(text.strip())
        if caller is None:
            self._window.hit(self._failures, "failed", address)
            raise Unauthorized(
                "this key is unknown, expired or revoked; make another with: winnow keys create",
                headers={"WWW-Authenticate": 'Bearer realm="winnow", error="invalid_token"'},
            )
        return caller

    def _count(self, caller: Caller | None, scope: Scope) -> tuple[int, int]:
        """(requests left in this minute, seconds until they are all back)."""
        who = (caller.owner if caller else "") or _address(scope)
        allowed = self._window.hit(self._requests, "asked", who)
        stats = self._window.get_window_stats(self._requests, "asked", who)
        left, reset_s = max(0, stats.remaining), MINUTE_SECONDS
        if not allowed:
            raise _too_eager(self._requests.amount, reset_s)
        return left, reset_s


def _too_eager(amount: int, reset_s: int) -> RequestError:
    # the window slides: a few may come again long before the whole minute is over
    return RateLimited(
        f"more than {amount:,} requests within a minute; ask less often, or follow a job by its events",
        retry_after=max(1, reset_s // 20),
        headers=_limit_headers(amount, 0, reset_s),
    )


def _limit_headers(amount: int, left: int, reset_s: int) -> dict[str, str]:
    return {"RateLimit-Limit": str(amount), "RateLimit-Remaining": str(left), "RateLimit-Reset": str(reset_s)}


def _is_open(path: str) -> bool:
    return any(path == open_ or path.startswith(f"{open_}/") for open_ in OPEN)


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else "local"
