"""What a request may bring and how much may go on at once: bytes, seconds and depth of a body, questions, streams."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import threading
from collections import Counter
from collections.abc import Iterator

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import BodyTooLarge, Invalid, RequestError, TooSlow
from api.problems import response_of
from api.settings import ServiceLimits

CLOSE = {"Connection": "close"}
"""What is left of a refused body is not read: the connection ends."""


STRING_OR_BRACKET = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)
SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
LARGE_BYTES = 32 << 10
"""Above it the look at a body's brackets takes long enough to leave the event loop."""


class BoundedBody:
    """ASGI: reads a body within its bytes and seconds before the app sees any of it; as JSON, within its depth.

    A length that is announced too large is refused before a byte is read; a chunked body as soon as it is over. The app
    is handed the whole body at once, so that a slow client holds a few bytes of this process and no thread of it.
    """

    def __init__(self, app: ASGIApp, limits: ServiceLimits) -> None:
        self.app = app
        self.limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            self._check_length(Headers(scope=scope))
            async with asyncio.timeout(self.limits.body_seconds):
                body = await self._read(receive)
            if body is None:
                return  # the client is gone
            await self._check_json(Headers(scope=scope), body)
        except TimeoutError:
            slow = TooSlow(f"the body did not come within {self.limits.body_seconds:g} s", headers=CLOSE)
            await response_of(scope, slow)(scope, receive, send)
            return
        except RequestError as error:
            await response_of(scope, error)(scope, receive, send)
            return
        await self.app(scope, _replay(body, receive), send)

    def _check_length(self, headers: Headers) -> None:
        if "transfer-encoding" in headers and "content-length" in headers:  # proxies disagree where such a body ends
            raise RequestError(
                "the body's length is told twice, by Content-Length and by Transfer-Encoding", headers=CLOSE
            )
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > self.limits.body_bytes:
            raise self._too_large()

    async def _read(self, receive: Receive) -> bytes | None:
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > self.limits.body_bytes:
                raise self._too_large()
            chunks.append(chunk)
            if not message.get("more_body", False):
                return b"".join(chunks)

    async def _check_json(self, headers: Headers, body: bytes) -> None:
        media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "application/json" and not media_type.endswith("+json"):
            return
        most = self.limits.json_depth
        deep = json_depth(body, most) if len(body) < LARGE_BYTES else await asyncio.to_thread(json_depth, body, most)
        if deep > most:
            raise Invalid(f"the body is nested deeper than {most} levels")
        if SURROGATE.search(body) is not None and await asyncio.to_thread(_has_half_characters, body):
            raise Invalid(
                "a string of the body holds half a character (a lone surrogate, such as \\ud800); send whole ones"
            )

    def _too_large(self) -> BodyTooLarge:
        return BodyTooLarge(
            f"the body is over {self.limits.body_bytes:,} bytes; name a recipe's inputs by path instead of sending them",
            headers=CLOSE,
        )


def json_depth(body: bytes, most: int = 1 << 30) -> int:
    """How deep arrays and objects lie in one another; counting ends above `most`. No parser is trusted yet: brackets
    outside strings are counted."""
    depth = deepest = 0
    for found in STRING_OR_BRACKET.finditer(body):
        mark = found[0]
        if mark in (b"[", b"{"):
            depth += 1
            deepest = max(deepest, depth)
            if deepest > most:
                break
        elif mark in (b"]", b"}"):
            depth = max(0, depth - 1)
    return deepest


def _has_half_characters(body: bytes) -> bool:
    """Whether JSON says a surrogate without its other half: Python reads it, and can then not write it."""
    try:
        json.dumps(json.loads(body), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    except ValueError:  # not JSON, which whoever reads it will say
        return False
    return False


def _replay(body: bytes, receive: Receive) -> Receive:
    """Hands the body over once; then whatever comes, which is only that the client went away."""
    given = False

    async def replayed() -> Message:
        nonlocal given
        if not given:
            given = True
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return replayed


class Slots:
    """Places for what goes on at once, counted overall and by caller; safe between threads."""

    def __init__(self, overall: int, per_caller: int, full: type[RequestError], what: str) -> None:
        self._overall = overall
        self._per_caller = per_caller
        self._full = full
        self._what = what
        self._lock = threading.Lock()
        self._taken: Counter[str] = Counter()

    def taken(self) -> int:
        """How many places are taken now."""
        with self._lock:
            return self._taken.total()

    @contextlib.contextmanager
    def take(self, caller: str) -> Iterator[None]:
        """A place for as long as the block lasts. Raises the error of being full, with when to try again."""
        with self._lock:
            if self._taken[caller] >= self._per_caller:
                raise self._full(
                    f"{self._per_caller} {self._what} of yours are going on; wait for one to end", retry_after=1
                )
            if self._taken.total() >= self._overall:
                raise self._full(
                    f"{self._overall} {self._what} are going on, of all callers; try again soon", retry_after=2
                )
            self._taken[caller] += 1
        try:
            yield
        finally:
            with self._lock:
                self._taken[caller] -= 1
                if not self._taken[caller]:
                    del self._taken[caller]
