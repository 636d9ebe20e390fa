"""The folder or bucket that one table goes to for use elsewhere: whose it is, so that what two commands write is never mixed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.storage.files import told
from pipeline.storage.store import Store

CLAIM = "_table.json"
"""Written first: the recipe and the tables that the files beside it are made of."""


def check(folder: Store, recipe: str) -> None:
    """Before any work: the folder can be written, and is empty or this recipe's own, to be finished. recipe: its digest."""
    if not folder.remote:
        nearest = Path(folder.root)
        while not os.path.lexists(nearest):  # made with its first file: what cannot be planned leaves none
            nearest = nearest.parent
        with told(str(nearest)):
            if not nearest.is_dir():
                raise NotADirectoryError(20, os.strerror(20), str(nearest))
            if not os.access(nearest, os.W_OK | os.X_OK):
                raise PermissionError(13, os.strerror(13), str(nearest))
    claimed = folder.find_json(CLAIM)
    if claimed is None:
        if [n for n in folder.names("") if n != "tmp"]:  # an attempt that was killed leaves its private files
            raise UsageError(f"output {folder.root}: not empty; choose another folder")
    elif claimed.get("recipe") != recipe:
        raise UsageError(_taken(folder))


def claim(folder: Store, recipe: str, tables: Mapping[str, Sequence[str]]) -> None:
    """Take the folder before its first file: of commands at once one has it, and the others are refused. The same command has it again,
    and files that are there are what it would write."""
    mine = {"recipe": recipe, "tables": {kind: list(keys) for kind, keys in tables.items()}}
    folder.commit_json(CLAIM, mine)
    if folder.find_json(CLAIM) != mine:
        raise UsageError(_taken(folder))


def _taken(folder: Store) -> str:
    return (
        f"output {folder.root}: holds what another command (or this one, of other input) wrote; choose an empty folder"
    )
