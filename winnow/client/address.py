"""Where a service is and the key it is asked with."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from pipeline.errors import UsageError

DEFAULT_URL = "http://127.0.0.1:8765"


@dataclass(frozen=True)
class Address:
    """url: without a slash at its end; key: '' for a service that asks for none. The key is in no representation."""

    url: str
    key: str = field(default="", repr=False)

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.key}"} if self.key else {}

    @property
    def is_loopback(self) -> bool:
        """Whether the service is on this machine, so that both see the same paths."""
        host = urlsplit(self.url).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"


def address(url: str | None = None, key: str | None = None) -> Address:
    """The address given, or of WINNOW_SERVER and WINNOW_KEY, or this machine's. Raises UsageError."""
    given = (url or os.environ.get("WINNOW_SERVER") or DEFAULT_URL).strip()
    return Address(_checked_url(given), _checked_key(key if key is not None else os.environ.get("WINNOW_KEY", "")))


def _checked_url(given: str) -> str:
    try:
        parts = urlsplit(given)
        port_is_one = parts.port is None or parts.port > 0
    except ValueError:
        raise UsageError("the address of the service is no URL; expected one such as " + DEFAULT_URL) from None
    if parts.username is not None or parts.password is not None:  # not shown: it may be a secret
        raise UsageError("the address of the service holds a user or password: give the key as WINNOW_KEY instead")
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_one:
        raise UsageError(f"address of the service {given!r}: expected http:// or https://, such as {DEFAULT_URL}")
    if parts.query or parts.fragment:
        raise UsageError(f"address of the service {given!r}: expected scheme, host, port and at most a path")
    return given.rstrip("/").removesuffix("/v1")  # as it stands in the documentation of the paths


def _checked_key(given: str) -> str:
    key = given.strip()
    if not all("!" <= c <= "~" for c in key):
        raise UsageError("the key of the service holds characters no key has: was something else copied? (not shown)")
    return key
