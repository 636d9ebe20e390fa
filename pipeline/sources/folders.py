"""Looking into folders and buckets: the one face over both that listing needs."""

from __future__ import annotations

import glob as local_glob
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.errors import StorageError
from pipeline.sources.confined import check_confined
from pipeline.storage.files import filesystem, local_path, remote_stamp, told


@dataclass(frozen=True, slots=True)
class Found:
    """A file or folder that is there. base: the folder its name is relative to; problem: why it cannot be read."""

    path: str
    base: str
    bytes: int = 0
    stamp: str = ""
    folder: bool = False
    problem: str = ""


def hidden(name: str) -> bool:
    """Spark's `_SUCCESS`, `_temporary`, and dot files are no input."""
    return name.startswith(("_", "."))


def fixed_part(pattern: str) -> str:
    """The folder in front of the first piece with a wildcard."""
    fixed = []
    for piece in pattern.split("/")[:-1]:
        if WILD.search(piece):
            break
        fixed.append(piece)
    return "/".join(fixed)


def head(path: str, count: int) -> bytes:
    """The first bytes of a file."""
    with told(path), filesystem(path).open(path, "rb") if "://" in path else open(path, "rb") as file:
        return bytes(file.read(count))


WILD = re.compile(r"[*?\[]")
OURS = "_winnow.json"
"""Marks a workspace or an export: a folder of ours, which is never input by being below one."""


class Local:
    """The local file system, through os: names may hold anything."""

    def __init__(self, given: str) -> None:
        del given

    @staticmethod
    def _absolute(path: str) -> str:
        return os.path.abspath(local_path(path))

    def file(self, given: str) -> Found | None:
        path = self._absolute(given)
        return self._found(path, os.path.dirname(path)) if os.path.isfile(path) else None

    def is_folder(self, given: str) -> bool:
        return os.path.isdir(self._absolute(given))

    def walk(self, given: str, base: str | None = None) -> Iterator[Found]:
        """Every file below, links followed once: a loop of links ends."""
        top = self._absolute(given)
        base = base or top
        seen: set[tuple[int, int]] = set()
        unreadable: list[str] = []
        for folder, folders, names in os.walk(
            top, followlinks=True, onerror=lambda e: unreadable.append(str(e.filename))
        ):
            check_confined(folder)
            here = os.stat(folder)
            if (here.st_dev, here.st_ino) in seen:
                folders.clear()
                continue
            seen.add((here.st_dev, here.st_ino))
            if OURS in names and folder != top:
                folders.clear()  # a workspace or an export that lies below the input is not input
                continue
            folders[:] = sorted(f for f in folders if not hidden(f))
            yield from (self._found(os.path.join(folder, n), base) for n in sorted(names) if not hidden(n))
        yield from (Found(path, base, problem="unreadable") for path in unreadable)

    def glob(self, given: str) -> list[Found]:
        """What matches, and folders on its way that cannot be looked into: Python's own glob passes those over in silence."""
        pattern = str(local_path(given))
        base = self._absolute(fixed_part(pattern) or (os.sep if pattern.startswith(os.sep) else "."))
        matches = sorted(self._absolute(m) for m in local_glob.glob(pattern, recursive=True))
        deep = "**" in pattern
        found = [
            Found(m, base, folder=True) if os.path.isdir(m) else self._found(m, base)
            for m in matches
            if not (deep and os.path.isdir(m)) and not any(hidden(p) for p in m.removeprefix(base).split("/"))
        ]
        return found + [Found(path, base, problem="unreadable") for path in self._closed(pattern, base)]

    def _closed(self, pattern: str, base: str) -> list[str]:
        """Folders that a pattern with wildcards leads into and that this user may not look into."""
        pieces = pattern.split("/")
        if pieces[-1] == "**":
            pieces.append("*")
        closed = set()
        for i, piece in enumerate(pieces):
            if any(map(WILD.search, pieces[: i + 1])):
                needed = os.X_OK | (os.R_OK if WILD.search(piece) or "**" in pieces[:i] else 0)
                before = "/".join([*pieces[:i], ""])  # ends in a slash: folders alone
                folders = local_glob.glob(before, recursive=True) if before else ["."]
                closed |= {self._absolute(folder) for folder in folders if not os.access(folder, needed)}
        shown = sorted(c for c in closed if not any(hidden(p) for p in c.removeprefix(base).split("/")))
        for path in shown:
            check_confined(path)
        return shown

    def siblings(self, given: str) -> tuple[str | None, list[str]]:
        """The nearest folder that exists on the way to a path, and what is in it."""
        folder = os.path.dirname(self._absolute(fixed_part(given) + "/x" if WILD.search(given) else given))
        while folder != os.path.dirname(folder) and not os.path.isdir(folder):
            folder = os.path.dirname(folder)
        if folder == os.path.dirname(folder):
            return None, []
        try:
            return folder, os.listdir(folder)
        except OSError:
            return folder, []

    @staticmethod
    def _found(path: str, base: str) -> Found:
        check_confined(path)
        try:
            seen = os.stat(path)
        except OSError:
            return Found(path, base, problem="unreadable")
        problem = "" if stat.S_ISREG(seen.st_mode) and os.access(path, os.R_OK) else "unreadable"
        return Found(path, base, seen.st_size, f"{seen.st_size}-{seen.st_mtime_ns}", problem=problem)


class Remote:
    """A bucket or hub, through fsspec; one listing tells sizes and etags of all files."""

    def __init__(self, given: str) -> None:
        self._scheme = given.split("://", 1)[0]
        self._fs = filesystem(given)

    def _url(self, path: str) -> str:
        return f"{self._scheme}://{path.split('://', 1)[-1]}"

    def _info(self, given: str) -> dict[str, Any] | None:
        try:
            info: dict[str, Any] = self._fs.info(given)
        except FileNotFoundError:
            return None
        except Exception as error:  # each driver has its own errors: credentials, endpoint, region
            raise StorageError(
                f"{given}: cannot be reached ({type(error).__name__}: {error}). Addresses and credentials come from "
                "the environment (AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, …)"
            ) from error
        return info

    def file(self, given: str) -> Found | None:
        info = self._info(given)
        return None if info is None or info["type"] != "file" else self._found(info, given.rsplit("/", 1)[0])

    def is_folder(self, given: str) -> bool:
        info = self._info(given)
        return info is not None and info["type"] == "directory"

    def walk(self, given: str, base: str | None = None) -> Iterator[Found]:
        top = self._url(given).rstrip("/")
        found = self._fs.find(given, detail=True)
        ours = [
            p.rpartition("/")[0] + "/"
            for p in found
            if p.rpartition("/")[2] == OURS and self._url(p).rpartition("/")[0] != top
        ]
        for path, info in sorted(found.items()):
            below = self._url(path).removeprefix(top)
            if not any(hidden(piece) for piece in below.split("/")) and not any(path.startswith(o) for o in ours):
                yield self._found(info, base or top)

    def glob(self, given: str) -> list[Found]:
        base = self._url(fixed_part(given))
        matches = sorted(self._fs.glob(given, detail=True).items())
        kept = [i for p, i in matches if not any(hidden(x) for x in self._url(p).removeprefix(base).split("/"))]
        deep = "**" in given
        return [
            Found(self._url(i["name"]), base, folder=True) if i["type"] == "directory" else self._found(i, base)
            for i in kept
            if not (deep and i["type"] == "directory")
        ]

    def siblings(self, given: str) -> tuple[str | None, list[str]]:
        folder = fixed_part(given) if WILD.search(given) else given.rstrip("/").rsplit("/", 1)[0]
        try:
            return folder, [str(p).rstrip("/").rsplit("/", 1)[-1] for p in self._fs.ls(folder, detail=False)]
        except (FileNotFoundError, ValueError):
            return None, []

    def _found(self, info: dict[str, Any], base: str) -> Found:
        return Found(self._url(info["name"]), self._url(base), int(info.get("size") or 0), remote_stamp(info))
