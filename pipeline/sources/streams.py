"""Bytes of a file in blocks: plain ranges, and compressed streams that notice truncation and bombs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any

import pyarrow as pa

from pipeline.sources.pages import ReadInterrupted
from pipeline.store import filesystem, is_remote, local_path

BLOCK_BYTES = 4_000_000
STEP_BYTES = 1 << 16
"""A compressed stream is read in small steps: what a failing step had decoded is lost with it."""
STREAM_BYTES = 1_000_000_000
MAX_GROWTH = 1_000
"""A stream may grow to STREAM_BYTES, or to MAX_GROWTH times its file; above, it is taken for a bomb."""


class StreamBroken(Exception):
    """A compressed stream ends early, is damaged or is a bomb. What came before it is good."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


def open_bytes(path: str) -> IO[bytes]:
    """A file, local or remote, for reading."""
    opened: IO[bytes] = filesystem(path).open(path, "rb") if is_remote(path) else local_path(path).open("rb")
    return opened


def plain_blocks(path: str, start: int) -> Iterator[bytes]:
    """A file's bytes from `start` to its end."""
    try:
        with open_bytes(path) as file:
            file.seek(start)
            while block := file.read(BLOCK_BYTES):
                yield block
    except OSError as error:
        raise ReadInterrupted(f"{path}: {error}") from error


def packed_blocks(path: str, codec: str, file_bytes: int) -> Iterator[bytes]:
    """What a compressed file decodes to, member after member. Raises StreamBroken after the last good block. PyArrow's streams are used since zstandard's own reader takes a truncated file for a whole one."""
    allowed = max(STREAM_BYTES, MAX_GROWTH * file_bytes)
    held: list[bytes] = []
    held_bytes = total = 0
    broken: StreamBroken | None = None
    with open_bytes(path) as raw, _decoder(raw, codec) as stream:
        while True:
            try:
                step = stream.read(STEP_BYTES)
            except (OSError, pa.ArrowException, MemoryError) as error:
                broken = _broken(path, error)
                step = b""
            total += len(step)
            if total > allowed:
                broken = StreamBroken("bomb", f"over {allowed} bytes from a file of {file_bytes}")
            if not step or broken is not None:
                break
            held.append(step)
            held_bytes += len(step)
            if held_bytes >= BLOCK_BYTES:
                yield b"".join(held)
                held, held_bytes = [], 0
    if held:
        yield b"".join(held)
    if broken is not None:
        raise broken


def _decoder(raw: IO[bytes], codec: str) -> Any:
    return pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), codec)


def _broken(path: str, error: BaseException) -> StreamBroken:
    """What Arrow says about a stream; storage errors, which have an errno, are no fault of the data."""
    if isinstance(error, OSError) and (error.errno is not None or type(error) is not OSError):
        raise ReadInterrupted(f"{path}: {error}") from error
    said = str(error).strip().splitlines()[0][:300]
    return StreamBroken("truncated_stream" if "runcated" in said else "corrupt_stream", said)
