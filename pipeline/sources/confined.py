"""Where files really lie: whether a path, its links followed, is below one of the folders it may be below; and whether a
URL is below one of the prefixes."""

from __future__ import annotations

import os
from collections.abc import Iterable

from pipeline.errors import PathOutside
from pipeline.storage.files import is_remote

VARIABLE = "WINNOW_CONFINED_TO"
"""Set by the service for the processes it starts: real paths of folders and prefixes in buckets, a line each. Unset: what is
read may lie anywhere."""


def confine_to(places: Iterable[str]) -> None:
    """Confine this process, and all that it starts from now on."""
    os.environ[VARIABLE] = "\n".join(places)


def confining_places() -> tuple[str, ...]:
    """The folders and prefixes this process may take input from; empty where it may from anywhere."""
    return tuple(filter(None, os.environ.get(VARIABLE, "").split("\n")))


def is_below(path: str, folders: Iterable[str]) -> bool:
    """Whether a path, with every link in it followed, is one of these real folders or lies in one."""
    real = os.path.realpath(path)
    return any(real == folder or real.startswith(folder.rstrip(os.sep) + os.sep) for folder in folders)


def is_below_url(url: str, prefix: str) -> bool:
    """By whole pieces of the path."""
    return url == prefix or url.startswith(f"{prefix.rstrip('/')}/")


def check_confined(path: str) -> None:
    """A file, folder or URL that is about to be listed; PathOutside where it, its links followed, leads out of the confining
    places."""
    places = confining_places()
    if not places:
        return
    if is_remote(path):
        inside = any(is_below_url(path, place) for place in places if is_remote(place))
    else:
        inside = is_below(path, (place for place in places if not is_remote(place)))
    if not inside:
        raise PathOutside(
            f"input: {path} leads out of the folders and buckets that input may come from; give the file itself, from one that is allowed"
        )
