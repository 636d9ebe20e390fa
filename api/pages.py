"""Cursors: where the next page begins, opaque to clients, bound to the question they came from."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from api.errors import BadPageToken

CHECK_BYTES = 9
TOKEN_CHARS_MAX = 2_000
PAGE_SIZE = 50
PAGE_SIZE_MAX = 1_000

PageTokenGiven = Annotated[
    str | None,
    Field(
        max_length=TOKEN_CHARS_MAX,
        description="`next_page_token` of the page before; leave it out for the first.",
        examples=["QkJrX0hLZG1uXyJqb2JfMDE5YSJd"],
    ),
]
Position = tuple[str | int | float | None, ...]
"""The sort key of the last item of a page: what comes after it is on the next, whatever was added meanwhile."""


def page_token(position: Position | None, question: Mapping[str, Any]) -> str | None:
    """The cursor of a position in the answer to a question (its path, filters and order); None for no position."""
    if position is None:
        return None
    body = json.dumps(position, separators=(",", ":"), ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(_check(body, question) + body).decode().rstrip("=")


def position_of(token: str | None, question: Mapping[str, Any], *kinds: type) -> Any:
    """Where a cursor stands: a tuple of values of these kinds, None without a cursor. Raises BadPageToken if it was not
    made for this question."""
    if token is None:
        return None
    refused = BadPageToken(
        "page_token: not one that this service gave for this path, these filters and this order; begin again without it"
    )
    try:
        raw = base64.b64decode(token.encode() + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
        body = raw[CHECK_BYTES:]
        if len(token) > TOKEN_CHARS_MAX or raw[:CHECK_BYTES] != _check(body, question):
            raise refused
        position = json.loads(body)
        json.dumps(position, ensure_ascii=False).encode()  # half a character is no text: the catalog could not be asked
    except (binascii.Error, ValueError, UnicodeError, RecursionError):
        raise refused from None
    if not isinstance(position, list) or [type(p) for p in position] != list(kinds):
        raise refused
    return tuple(position)


def _check(body: bytes, question: Mapping[str, Any]) -> bytes:
    """Ties a position to its question. No secret: a position shows nothing that the question itself would not."""
    asked = json.dumps(dict(question), sort_keys=True, separators=(",", ":"), default=str).encode()
    return hashlib.sha256(b"page 1\x00" + asked + b"\x00" + body).digest()[:CHECK_BYTES]
