"""Bytes of a file in blocks: plain ranges, and compressed streams that notice truncation and bombs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import IO, Any

import pyarrow as pa

from pipeline.sources.pages import ReadInterrupted
from pipeline.storage.files import filesystem, is_remote, local_path

BLOCK_BYTES = 2_000_000
STEP_BYTES = 1 << 16
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
    """What a compressed file decodes to, member after member. Raises StreamBroken after the last good byte.
    Through PyArrow, since zstandard's own reader takes a truncated file for a whole one."""
    allowed = max(STREAM_BYTES, MAX_GROWTH * file_bytes)
    held: list[bytes] = []
    held_bytes = total = 0
    broken: StreamBroken | None = None
    try:
        for step in _steps(path, codec):
            total += len(step)
            if total > allowed:
                raise StreamBroken("bomb", f"over {allowed} bytes from a file of {file_bytes}")
            held.append(step)
            held_bytes += len(step)
            if held_bytes >= BLOCK_BYTES:
                yield b"".join(held)
                held, held_bytes = [], 0
    except StreamBroken as error:
        broken = error
    if held:
        yield b"".join(held)
    if broken is not None:
        raise broken


def _steps(path: str, codec: str) -> Iterator[bytes]:
    seen = 0
    try:
        with open_bytes(path) as raw, _decoder(raw, codec) as stream:
            while step := stream.read(STEP_BYTES):
                seen += len(step)
                yield step
        return
    except (OSError, pa.ArrowException, MemoryError) as error:
        broken = _broken(path, error)
    yield _last_bytes(path, codec, seen)
    raise broken


def _last_bytes(path: str, codec: str, seen: int) -> bytes:
    """What a failing step had decoded: read again, byte by byte behind what was seen."""
    found = bytearray()
    with open_bytes(path) as raw, _decoder(raw, codec) as stream:
        while seen > 0:
            seen -= len(stream.read(min(seen, STEP_BYTES)))
        with contextlib.suppress(OSError, pa.ArrowException, MemoryError):
            while byte := stream.read(1):
                found += byte
    return bytes(found)


def _decoder(raw: IO[bytes], codec: str) -> Any:
    return pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), codec)


def _broken(path: str, error: BaseException) -> StreamBroken:
    """What Arrow says about a stream; storage errors, which have an errno, are no fault of the data."""
    if isinstance(error, OSError) and (error.errno is not None or type(error) is not OSError):
        raise ReadInterrupted(f"{path}: {error}") from error
    said = str(error).strip().splitlines()[0][:300]
    return StreamBroken("truncated_stream" if "runcated" in said else "corrupt_stream", said)
