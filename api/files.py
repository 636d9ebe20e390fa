"""Streaming a file of a folder or bucket, whole or a range of it (RFC 9110, section 14)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO
from urllib.parse import quote

from api.errors import WrongRange
from api.held import HoldingStream
from pipeline.errors import StorageError
from pipeline.storage.files import remote_stamp, stamp_of
from pipeline.storage.store import Store

CHUNK_BYTES = 1 << 18
RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that is open, and what is true of these bytes, whatever its name stands for by then."""

    file: IO[bytes]
    size: int
    stamp: str


def opened(folder: Store, path: str) -> Opened:
    """A file by its whole path. Raises FileNotFoundError."""
    file = folder.open(path)
    if folder.remote:
        found = getattr(file, "details", None) or folder.fs.info(path)
        return Opened(file, int(found["size"]), remote_stamp(found))
    there = os.fstat(file.fileno())
    return Opened(file, there.st_size, stamp_of(there))


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
    found: Opened, etag: str, media_type: str, name: str, range_header: str | None, if_range: str | None
) -> HoldingStream:
    """The file, or the range of it that is asked for, in pieces: no more of it is in memory than the piece being sent. The answer closes
    the file."""
    wanted = range_of(range_header, found.size) if if_range in (None, etag) else None
    first, end = wanted or (0, found.size)
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Length": str(end - first),
        "Content-Disposition": _attachment(name),
        "ETag": etag,
    }
    if wanted is not None:
        headers["Content-Range"] = f"bytes {first}-{end - 1}/{found.size}"
    held = ExitStack()
    held.callback(found.file.close)
    status = 206 if wanted is not None else 200
    return HoldingStream(
        _pieces(found.file, first, end), held, status_code=status, headers=headers, media_type=media_type
    )


def _attachment(name: str) -> str:
    """As a download of this name (RFC 6266): a header holds nothing but ASCII, and a quote would end the name early."""
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else "_" for c in name)
    exact = f"; filename*=UTF-8''{quote(name, safe='')}" if plain != name else ""
    return f'attachment; filename="{plain}"{exact}'


def _pieces(file: IO[bytes], first: int, end: int) -> Iterator[bytes]:
    file.seek(first)
    while first < end:
        piece = file.read(min(CHUNK_BYTES, end - first))
        if not piece:  # to stop here would leave the client waiting: an error ends the connection, which tells it
            left = f"{end - first:,} bytes"
            raise StorageError(f"{left} are gone from a file that was being sent: it was cut short meanwhile")
        first += len(piece)
        yield piece
