"""The end of a path as any text at all: slashes and line breaks are part of it.

The framework's own `path` takes everything but line breaks, and drops one at the end: an id that has one could not be
asked for, and another document would be told in its place.
"""

from __future__ import annotations

from typing import ClassVar

from starlette.convertors import Convertor, register_url_convertor


class AnyText(Convertor[str]):
    """`{name:text}` in a route."""

    regex: ClassVar[str] = r"(?s:.*)"

    def convert(self, value: str) -> str:
        """As it came, its escapes undone."""
        return value

    def to_string(self, value: str) -> str:
        """The same."""
        return value


register_url_convertor("text", AnyText())
