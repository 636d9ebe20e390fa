"""Streaming a file of a folder or bucket, whole or a range of it (RFC 9110, section 14)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO, Protocol
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from api.errors import WrongRange

CHUNK_BYTES = 1 << 18
RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class Opens(Protocol):
    """Opens the file for reading."""

    def __call__(self) -> IO[bytes]: ...


def range_of(header: str | None, size: int) -> tuple[int, int] | None:
    """(first byte, byte after the last) of a Range header; None: all of it, also for what is no range or several, which a
    server may pass over. Raises WrongRange where no byte of the range is there."""
    found = RANGE.fullmatch((header or "").strip())
    if found is None or not (found[1] or found[2]):
        return None
    if found[1]:
        first, end = int(found[1]), min(int(found[2]) + 1, size) if found[2] else size
        if found[2] and int(found[2]) < first:
            return None
    else:
        first, end = max(size - int(found[2]), 0), size
    if first >= end:
        said = f"bytes {first} and on are asked for, the file has {size:,}"
        raise WrongRange(said, headers={"Content-Range": f"bytes */{size}"})
    return first, end


def file_response(
    open_file: Opens, size: int, etag: str, media_type: str, name: str, range_header: str | None, if_range: str | None
) -> Response:
    """The file, or the range of it that is asked for, in pieces: nothing is held but the piece being sent."""
    wanted = range_of(range_header, size) if if_range in (None, etag) else None
    first, end = wanted or (0, size)
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Length": str(end - first),
        "Content-Disposition": _attachment(name),
        "ETag": etag,
    }
    if wanted is not None:
        headers["Content-Range"] = f"bytes {first}-{end - 1}/{size}"
    pieces = _pieces(open_file, first, end)
    return StreamingResponse(pieces, 206 if wanted is not None else 200, headers, media_type)


def _attachment(name: str) -> str:
    """As a download of this name (RFC 6266): a header holds nothing but ASCII, and a quote would end the name early."""
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else "_" for c in name)
    exact = f"; filename*=UTF-8''{quote(name, safe='')}" if plain != name else ""
    return f'attachment; filename="{plain}"{exact}'


def _pieces(open_file: Opens, first: int, end: int) -> Iterator[bytes]:
    with open_file() as file:
        file.seek(first)
        while first < end:
            piece = file.read(min(CHUNK_BYTES, end - first))
            if not piece:
                return  # it was cut short meanwhile: the connection ends before its length, which tells it
            first += len(piece)
            yield piece
