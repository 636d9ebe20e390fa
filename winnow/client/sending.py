"""What both senders need of httpx: how it is set up, and its answers as data."""

from __future__ import annotations

from typing import Any

import httpx

from pipeline.errors import UsageError
from winnow.client.address import Address
from winnow.client.request import Lost, Reply, Request

CONNECT_S = 10.0


def settings(at: Address, timeout_s: float) -> dict[str, Any]:
    """Arguments of httpx.Client and httpx.AsyncClient. No redirect is followed: a key goes to the address it was given for,
    and nowhere else. A proxy of the environment is not asked for this machine's own service."""
    from winnow import __version__

    return {
        "headers": {"user-agent": f"winnow-client/{__version__}", **at.headers},
        "timeout": httpx.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s)),
        "follow_redirects": False,
        "trust_env": not at.is_loopback,
    }


def prepared(http: httpx.Client | httpx.AsyncClient, at: Address, request: Request, streams: bool) -> httpx.Request:
    """A request of ours as httpx sends it."""
    headers = {"accept": request.accept, **dict(request.headers)}
    if streams:
        headers["accept-encoding"] = "identity"  # pieces are counted, and events must not wait in a compressor
    extensions: dict[str, Any] = {}
    if request.read_s is not None:
        extensions["timeout"] = {**http.timeout.as_dict(), "read": request.read_s}
    body = {} if request.body is None else {"json": request.body}
    try:
        return http.build_request(
            request.method, at.url + request.target, headers=headers, extensions=extensions, **body
        )
    except httpx.InvalidURL as error:
        raise UsageError(f"{request.path[:100]}: cannot be asked for: {error}") from None


def reply_of(response: httpx.Response, body: bytes = b"") -> Reply:
    """The answer as data."""
    return Reply(response.status_code, {k.lower(): v for k, v in response.headers.items()}, body)


def lost(error: httpx.RequestError, at: Address) -> Lost:
    """What went wrong on the way, in words. The error itself holds the request with its key: it is not kept."""
    kind = type(error).__name__
    if isinstance(error, httpx.ConnectError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
        return Lost(f"{at.url} shows a certificate that this machine does not trust ({error})", final=True)
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return Lost(f"{at.url} cannot be reached ({error or kind})")
    if isinstance(error, httpx.ReadTimeout):
        return Lost(f"{at.url} was silent for too long")
    return Lost(f"the connection to {at.url} broke ({kind})")
