"""Which media type an answer takes, by the Accept header (RFC 9110, section 12.5.1)."""

from __future__ import annotations

from collections.abc import Sequence

from api.errors import NotAcceptable

ACCEPT_CHARS_MAX = 2_000


def preferred(accept: str | None, offered: Sequence[str]) -> str:
    """The offered type that is accepted most; the first of equals, and the first where nothing is said. Raises
    NotAcceptable."""
    if accept is None or not accept.strip():
        return offered[0]
    ranges = [_range(part) for part in accept[:ACCEPT_CHARS_MAX].split(",") if part.strip()]
    best = max(offered, key=lambda kind: _quality(kind, ranges))
    if _quality(best, ranges) <= 0:
        raise NotAcceptable(f"Accept: {accept[:200]!r} names nothing of what there is: {', '.join(offered)}")
    return best


def _range(part: str) -> tuple[str, float]:
    kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
    quality = 1.0
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                quality = min(max(float(value), 0.0), 1.0)
            except ValueError:
                quality = 0.0
    return kind, quality


def _quality(kind: str, ranges: Sequence[tuple[str, float]]) -> float:
    """That of the most exact range that fits."""
    family = kind.partition("/")[0]
    for named in (kind, f"{family}/*", "*/*"):
        found = [quality for name, quality in ranges if name == named]
        if found:
            return max(found)
    return 0.0
