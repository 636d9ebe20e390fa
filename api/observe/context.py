"""Around every request: its id, one line of the log, its metrics, and a plain answer where something broke."""

from __future__ import annotations

import re
import time
import uuid

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.observe.metrics import Metrics
from api.problems import problem_response

REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
LOST_CLIENT = 499
"""As nginx has it: the client went away before there was an answer."""
REFUSED = (401, 403, 429)
"""Answers whose log line tells the address: somebody may be trying keys."""
log = structlog.get_logger("winnow.http")


class RequestContext:
    """ASGI, outermost of ours. X-Request-ID of the request is kept where it is a plain word, else one is made."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _request_id(Headers(scope=scope))
        scope.setdefault("state", {})["request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started = time.perf_counter()
        status = 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        try:
            await self.app(scope, receive, noting)
        except Exception as error:
            log.error("fault", path=_template(scope), kind=type(error).__name__, exc_info=error)
            if status == 0:
                said = f"a fault of the service; its log tells more under the request id {request_id}"
                await problem_response(scope, "internal", said)(scope, receive, noting)
        finally:
            self._tell(scope, status or LOST_CLIENT, time.perf_counter() - started)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        template = _template(scope)
        self.metrics.asked(template, scope["method"], status, seconds)
        caller = scope.get("state", {}).get("caller")
        log.info(
            "request", method=scope["method"][:16], route=template, job_id=scope.get("path_params", {}).get("job_id"), status=status,
            seconds=round(seconds, 4), caller=caller.owner or caller.name if caller else None,
            address=scope["client"][0] if status in REFUSED and scope.get("client") else None,
        )  # fmt: skip


def _request_id(headers: Headers) -> str:
    given = headers.get("x-request-id", "")
    return given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _template(scope: Scope) -> str:
    """The route's template: a path itself would make a series of metrics for every job, and may hold anything."""
    route = scope.get("route")
    return str(getattr(route, "path", "") or "unmatched")
