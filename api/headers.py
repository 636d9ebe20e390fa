"""What every answer says to browsers, and which requests of browsers are refused: other hosts' names, other sites' pages."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import BadHost, CrossOrigin
from api.problems import response_of

API_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
"""data: the small pictures within Swagger UI's style sheet."""
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
PROBES = ("/healthz", "/readyz")
"""Asked by whatever keeps the service running: by any name, without a key, as often as it likes. Both are cheap and tell nothing."""
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class SafeHeaders:
    """ASGI: security headers on every answer. What a route sets itself stays, but for the policy of its content."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        page = scope["path"] == "/docs" or scope["path"].startswith("/docs/")

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in ALWAYS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Content-Security-Policy", PAGE_POLICY if page else API_POLICY)
                headers.setdefault("Cache-Control", "no-cache" if page else "no-store")
            await send(message)

        await self.app(scope, receive, with_headers)


class OwnNames:
    """ASGI: only requests that call the service by a name of its own, and changes only from no page or its own pages.

    A page whose name was made to point here (DNS rebinding) sends its own name; a page of another site that posts without
    asking (no CORS preflight) sends its origin.
    """

    def __init__(self, app: ASGIApp, names: frozenset[str]) -> None:
        self.app = app
        self.names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in PROBES:
            headers = Headers(scope=scope)
            error = self._host_error(headers) or _origin_error(scope["method"], headers)
            if error is not None:
                await response_of(scope, error)(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _host_error(self, headers: Headers) -> BadHost | None:
        hosts = headers.getlist("host")
        name = _name(hosts[0]) if len(hosts) == 1 else None
        if name in self.names:
            return None
        said = repr(hosts[0][:100]) if hosts else "nothing"
        return BadHost(
            f"the Host header says {said}, which is no name of this service; if it should be, start it with: winnow serve --trusted-host NAME"
        )


def _name(host: str) -> str | None:
    """The name in a Host header, None where it is none."""
    try:
        parts = urlsplit(f"//{host}")
        parts.port  # noqa: B018 - raises where the port is no number
    except ValueError:
        return None
    if parts.username is not None or parts.path or parts.query or parts.fragment:
        return None
    return (parts.hostname or "").lower().rstrip(".")


def _origin_error(method: str, headers: Headers) -> CrossOrigin | None:
    if method in SAFE_METHODS:
        return None
    origin = headers.get("origin")
    same = origin is None or urlsplit(origin).netloc.lower() == headers.get("host", "").lower()
    if same and headers.get("sec-fetch-site", "none") in ("none", "same-origin"):
        return None
    return CrossOrigin("a page of another site asks for a change; the service answers programs and its own pages only")
