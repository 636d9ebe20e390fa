"""What is asked of a service and what comes back, as data: no connection, no clock."""

from __future__ import annotations

import datetime
import email.utils
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote, urlencode

Query = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Request:
    """One request. path: escaped, from the root of the service; body: JSON; read_s: silence after which the connection
    counts as lost, where it is not the client's usual. Every request here may be sent again."""

    method: Literal["GET", "POST", "DELETE"]
    path: str
    query: Query = ()
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()
    accept: str = "application/json"
    read_s: float | None = None

    @property
    def target(self) -> str:
        """Path and query."""
        return self.path + (f"?{urlencode(self.query)}" if self.query else "")


@dataclass(frozen=True, slots=True)
class Reply:
    """headers: lower-case names. body: empty where it is read piece by piece."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""

    def json(self) -> Any:
        return json.loads(self.body)

    def retry_after_s(self) -> float | None:
        """Seconds that the service wants to be left alone (RFC 9110: seconds, or a date)."""
        given = self.headers.get("retry-after", "").strip()
        if given.isdecimal():
            return float(given)
        try:
            then = email.utils.parsedate_to_datetime(given)
        except ValueError:
            return None
        return max(0.0, (then - datetime.datetime.now(then.tzinfo or datetime.UTC)).total_seconds())


@dataclass(frozen=True, slots=True)
class Lost:
    """No reply, or no more of it. why: for people; final: it will be the same the next time."""

    why: str
    final: bool = False


def segment(value: str) -> str:
    """A value as one segment of a path, whatever is in it: `a/../b` stays one name and leads nowhere else."""
    if not value:
        raise ValueError("an empty name has no address")
    return "%2E" * len(value) if value in (".", "..") else quote(value, safe="")


def name_path(name: str) -> str:
    """A name with folders, as segments."""
    return "/".join(segment(part) for part in name.split("/") if part)


def query_of(**values: Any) -> list[tuple[str, str]]:
    """Query parameters: None is left out, lists repeat, times are RFC 3339 in UTC."""
    return [(name, _text(one)) for name, value in values.items() for one in _each(value)]


def _each(value: Any) -> Sequence[Any]:
    if value is None:
        return ()
    return value if isinstance(value, list | tuple) else (value,)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return str(value)
