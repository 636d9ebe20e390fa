"""Where files really lie: whether a path, its links followed, is below one of the folders it may be below."""

from __future__ import annotations

import os
from collections.abc import Iterable

from pipeline.errors import PathOutside

VARIABLE = "WINNOW_CONFINED_TO"
"""Set by the service for the processes it starts: real paths of folders, as in PATH. Unset: input may lie anywhere."""


def confining_folders() -> tuple[str, ...]:
    """The folders this process may take input from; empty where it may from anywhere."""
    said = os.environ.get(VARIABLE, "")
    return tuple(folder for folder in said.split(os.pathsep) if folder)


def is_below(path: str, folders: Iterable[str]) -> bool:
    """Whether a path, with every link in it followed, is one of these real folders or lies in one."""
    real = os.path.realpath(path)
    return any(real == folder or real.startswith(folder.rstrip(os.sep) + os.sep) for folder in folders)


def check_confined(path: str) -> None:
    """A file or folder that is about to be listed; PathOutside where its links lead out of the confining folders."""
    folders = confining_folders()
    if folders and not is_below(path, folders):
        raise PathOutside(
            f"input: {path} leads out of the folders that input may come from; give the file itself, from a folder that is allowed"
        )
