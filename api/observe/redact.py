"""Taking secrets out of whatever is written down or sent back: keys, passwords, tokens, credentials of buckets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pipeline.execution.processes import variables

GONE = "[redacted]"
KEY_TEXT = re.compile(r"\bwn_[0-9a-z]{4,32}_[A-Za-z0-9_-]{8,}")
"""A key of this service. Its id may be told, what follows may not."""
BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}")
USERINFO = re.compile(r"(?<=://)[^/\s@]+@")
NAMED = r"(?:secret|password|passwd|api_?key|access_?key|signature|credentials?|(?<![a-z])token)[\w-]{0,40}"
ASSIGNED = re.compile(rf"""(?i)({NAMED}["']?\s*=\s*["']?|{NAMED}["']\s*:\s*["'])(?![\d.]+\b)([^\s"',&;}}]{{6,}})""")
"""`password=…` and `"password": "…"`; a number is none: `max_tokens=1000000`."""
SECRET_NAMES = re.compile(
    r"(?i)^(authorization|cookie|set-cookie|proxy-authorization|idempotency[-_]key|.*(secret|passw|token|api_?key|access_?key|credential).*)$"
)
SECRET_VARIABLES = re.compile(r"(SECRET|PASSWORD|PASSWD|TOKEN|API_?KEY|ACCESS_KEY|CREDENTIAL)", re.IGNORECASE)
SHORTEST_SECRET = 8
"""A shorter value of the environment is a word, such as `true`; taking it out of every sentence would garble them."""


def redacted(text: str) -> str:
    """The text without secrets, and without halves of characters, which no encoder takes."""
    if not text:
        return text
    text = text.encode("utf-8", "backslashreplace").decode()
    for secret in _environment_secrets(_stamp()):
        text = text.replace(secret, GONE)
    text = BEARER.sub(lambda found: f"{found[1]} {GONE}", text)
    text = KEY_TEXT.sub(_key_id, text)
    text = USERINFO.sub(f"{GONE}@", text)
    return ASSIGNED.sub(lambda found: f"{found[1]}{GONE}", text)


def redacted_value(name: str, value: Any) -> Any:
    """A value under its name, as deep as it goes."""
    if SECRET_NAMES.match(name):
        return GONE
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, bytes):
        return redacted(value.decode("utf-8", "replace"))
    if isinstance(value, Mapping):
        return {str(k): redacted_value(str(k), v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redacted_value("", v) for v in value]
    return value


def _key_id(found: re.Match[str]) -> str:
    prefix, key_id, _ = found[0].split("_", 2)
    return f"{prefix}_{key_id}_{GONE}"


def _stamp() -> tuple[tuple[str, str], ...]:
    return tuple((k, v) for k, v in variables().items() if SECRET_VARIABLES.search(k))


@lru_cache(maxsize=4)
def _environment_secrets(found: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    """Values of secret variables, the longest first: one may hold another."""
    values = {v for name, v in found if len(v) >= SHORTEST_SECRET and not name.endswith(("_FILE", "_PATH"))}
    return tuple(sorted(values, key=len, reverse=True))
