"""The slow, obvious twin of address normalisation: partitions and regular expressions."""

from __future__ import annotations

import re

from scorers.kernels.urls import TRACKING

UPPER_TO_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


def normalised_url(url: str) -> str:
    """An address without scheme, www., default port, fragment, tracking parameters and the path's last slashes."""
    head, _, fragment = url.strip().partition("#")
    rest = re.sub(r"^([A-Za-z][A-Za-z0-9+.-]*:)?//", "", head)
    address, _, query = rest.partition("?")
    host, slash, path = address.partition("/")
    host = re.sub(r":(80|443)?$", "", host).translate(UPPER_TO_LOWER)
    host = host.removesuffix(".")
    if len(host) > 4:
        host = host.removeprefix("www.")
    kept = [p for p in query.split("&") if p and not _is_tracking(p)]
    hashbang = "#" + fragment if fragment.startswith("!") else ""
    return host + (slash + path).rstrip("/") + ("?" + "&".join(kept) if kept else "") + hashbang


def _is_tracking(parameter: str) -> bool:
    name = parameter.partition("=")[0].translate(UPPER_TO_LOWER)
    return any(name.startswith(t[:-1]) if t.endswith("*") else name == t for t in TRACKING)
