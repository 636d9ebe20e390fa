"""Files wherever they are: on this machine or in a bucket, and what the operating system says of them, in sentences."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import StorageError, UsageError

if TYPE_CHECKING:
    import fsspec


PERMISSION = "see to the permissions"
NOT_OURS = {
    errno.ENOSPC: "make room",
    errno.EDQUOT: "make room, or have the quota raised",
    errno.EFBIG: "raise the limit to the size of files (ulimit -f), or choose another disk",
    errno.EROFS: "the file system is read-only: choose another folder",
    errno.EACCES: PERMISSION,
    errno.EPERM: PERMISSION,
    errno.EIO: "see to the disk",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "raise the limit of open files of this machine",
    errno.ENAMETOOLONG: "give a shorter path",
    errno.ELOOP: "links lead in a circle: name the folder itself",
    errno.ENOTDIR: "a part of this path is a file: name a folder",
    errno.EEXIST: "what is there is no folder, but a file or a link that leads nowhere: name another, or remove it",
}
"""What an operating system refuses for the user to mend, and how."""
DRIVERS = {"botocore", "aiobotocore", "aiohttp", "s3fs", "gcsfs", "google", "huggingface_hub", "requests", "fsspec"}
"""Packages whose errors tell of a bucket, its address or its keys. s3fs hides some behind an OSError, as its cause."""


def is_remote(path: str) -> bool:
    """Whether a path names object storage rather than a local file."""
    return "://" in path and not path.startswith("file://")


def local_path(path: str) -> Path:
    """A local path given as such or as file://."""
    return Path(path.removeprefix("file://")).expanduser()


def same_place(one: str, other: str) -> bool:
    """Whether two paths or URLs name one folder, by whatever links."""
    if is_remote(one) or is_remote(other):
        return one.rstrip("/") == other.rstrip("/")
    return os.path.realpath(local_path(one)) == os.path.realpath(local_path(other))


def lies_in(one: str, other: str) -> bool:
    """Whether a path or URL names a folder, or anything below it, by whatever links."""
    if is_remote(one) or is_remote(other):
        return f"{one.rstrip('/')}/".startswith(f"{other.rstrip('/')}/")
    return Path(os.path.realpath(local_path(one))).is_relative_to(os.path.realpath(local_path(other)))


def filesystem(path: str) -> fsspec.AbstractFileSystem:
    """The file system a path lives on; a missing driver is named with its install command."""
    import fsspec  # here, because local files are read without it, and it brings asyncio

    scheme = path.split("://", 1)[0] if is_remote(path) else "file"
    try:
        # a listing cache would hide what other workers committed meanwhile
        return fsspec.filesystem(scheme, use_listings_cache=False)
    except ImportError as error:
        extra = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs", "hf": "hf"}.get(scheme, scheme)
        raise UsageError(
            f"{path}: reading {scheme}:// needs a driver; install it with: pip install 'winnow-curation[{extra}]'"
        ) from error
    except ValueError as error:
        raise UsageError(f"{path}: no file system for {scheme}://; there are file, s3://, gs:// and hf://") from error


@contextlib.contextmanager
def told(path: str) -> Iterator[None]:
    """Turn what the operating system says into a sentence about a path."""
    try:
        yield
    except FileExistsError:
        raise
    except OSError as error:
        if _elsewhere(error, path) and (said := said_of_storage(error)) is not None:
            raise StorageError(said) from error
        hint = {
            "ENOSPC": "no space is left; free some and run the same command again, finished parts are kept",
            "EDQUOT": "the disk quota is used up; free some and run the same command again",
            "EFBIG": "larger than a file may be here; raise the limit (ulimit -f) or choose another disk, then run the same command again",
            "EROFS": "the file system is read-only; choose another --workspace or --output",
            "EACCES": "permission denied; choose a folder you may write, or change its permissions",
            "EPERM": "operation not permitted; choose a folder you may write",
            "ENOTDIR": "a part of this path is a file, not a folder",
        }.get(_errno_name(error), str(error))
        raise StorageError(f"{path}: {hint}") from error


def _elsewhere(error: OSError, path: str) -> bool:
    """Whether an error tells of another file than the one at this path: not of it, a folder it lies in, or its private file (`~` in its
    name). What writes a file reads others, and has kernels and temporary folders of its own."""
    told_of = error.filename
    return isinstance(told_of, str) and "~" not in os.path.basename(told_of) and not path.startswith(told_of)


def of_bucket(error: BaseException) -> BaseException | None:
    """What a bucket's driver said, where it tells of the bucket, its address or its keys; None where the error is another one.
    That an object is not there tells of the object."""
    if isinstance(error, FileNotFoundError):
        return None
    said = (e for e in (error.__cause__, error) if e is not None)
    return next((e for e in said if type(e).__module__.partition(".")[0] in DRIVERS), None)


def noted(error: Exception) -> Exception:
    """The error, with what a bucket's driver said as a note: between processes it loses its cause, and s3fs's own words are "Forbidden"."""
    refused = of_bucket(error)
    if refused is not None and refused is not error:
        error.add_note(f"{type(refused).__name__}: {refused}")
    return error


def said_of_storage(error: BaseException) -> str | None:
    """What a disk or a bucket refused, and what to do; None where the error is another one."""
    refused = of_bucket(error)
    if refused is not None:
        return (
            f"object storage failed ({type(refused).__name__}: {refused}). Where it is up, look at its address and credentials in the "
            "environment (AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, …); then run the same command again, finished parts are kept"
        )
    return _said_of_this_machine(error)


def _said_of_this_machine(error: BaseException) -> str | None:
    if isinstance(error, OSError) and error.errno in NOT_OURS:
        return f"{error}: {NOT_OURS[error.errno]}, then run the same command again"
    if isinstance(error, FileNotFoundError) and "temporary directory" in str(error):  # what tempfile says
        return f"{error}: let one of them be written to, or name another with TMPDIR, then run the same command again"
    if isinstance(error, OSError) and error.errno is None and "AF_UNIX path" in str(error):
        return f"folder for temporary files {tempfile.gettempdir()}: too long a path for a socket; name a shorter one with TMPDIR"
    kind = type(error)  # by its name: the engine takes long to import
    if kind.__name__ == "IOException" and kind.__module__.endswith("duckdb"):
        told = str(error).partition("\n\nLINE ")[0].strip()
        return next((f"{told}: {hint}" for number, hint in NOT_OURS.items() if os.strerror(number) in told), None)
    return None


def _errno_name(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, "")


def remove_all(path: str) -> None:
    """Remove a file, or a folder with all it holds, if it is there. What another process removes meanwhile is gone, as it
    should be."""
    if is_remote(path):
        with contextlib.suppress(FileNotFoundError):
            filesystem(path).rm(path, recursive=True)
        return
    while os.path.lexists(path):
        with contextlib.suppress(FileNotFoundError):
            if os.path.isdir(path):
                shutil.rmtree(path)
            else:
                os.remove(path)


def file_size(path: str) -> int:
    """Bytes of a file; 0 where there is none."""
    try:
        return int(filesystem(path).info(path)["size"]) if is_remote(path) else os.stat(local_path(path)).st_size
    except FileNotFoundError:
        return 0


def read_range(path: str, start: int, most_bytes: int) -> bytes:
    """Bytes [start, start + most_bytes) of a file, fewer at its end; none where there is no such file."""
    try:
        if is_remote(path):
            stop = min(start + most_bytes, file_size(path))
            return bytes(filesystem(path).cat_file(path, start=start, end=stop)) if stop > start else b""
        with local_path(path).open("rb") as file:
            file.seek(start)
            return file.read(most_bytes)
    except FileNotFoundError:
        return b""


def file_stamp(path: str) -> str:
    """What tells a changed file from an unchanged one, without reading it: size and mtime, or size and etag."""
    if not is_remote(path):
        return stamp_of(os.stat(local_path(path)))
    return remote_stamp(filesystem(path).info(path))


def stamp_of(found: os.stat_result) -> str:
    """Size and mtime."""
    return f"{found.st_size}-{found.st_mtime_ns}"


def remote_stamp(info: dict[str, Any]) -> str:
    """Size and etag as object stores tell them (gs:// and hf:// under other names)."""
    tag = next(
        (str(info[k]) for k in ("ETag", "etag", "md5Hash", "blob_id", "LastModified", "mtime") if info.get(k)), ""
    )
    return f"{info.get('size') or 0}-{tag.strip(chr(34))}"
