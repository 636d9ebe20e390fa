"""The folder or bucket an export goes to: whose it is, and taking it over. Nothing that is not Winnow's is ever touched."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.errors import IntegrityError, UsageError
from pipeline.storage.files import told
from pipeline.storage.store import Store

CLAIM = "_winnow.json"
"""Written first: which export the folder is for. Input listings leave such folders out."""
CONTENT = ("manifest.json", "README.md", "recipe.lock.yaml", "croissant.json", "data", "removed", "quarantine")


def check(destination: Store, recipe_digest: str, overwrite: bool) -> None:
    """Before any work: the folder can be written, and is empty, this recipe's own, or may be replaced."""
    if not destination.remote:
        root = Path(destination.root)
        if root.exists() and not root.is_dir():
            raise UsageError(f"output {root}: is a file; name a folder")
        with told(str(root)):
            root.mkdir(parents=True, exist_ok=True)
            if not os.access(root, os.W_OK):
                raise PermissionError(13, "Permission denied", str(root))
    claim = _claim_of(destination)
    if claim is None:
        _refuse_foreign(destination)
    elif claim.get("recipe") != recipe_digest and not overwrite:
        raise UsageError(_taken(destination))


def claim(destination: Store, export: str, recipe_digest: str, overwrite: bool) -> None:
    """Take the folder for one export, before its first file. An interrupted takeover is finished by the next."""
    mine = {"export": export, "recipe": recipe_digest}
    there = _claim_of(destination)
    if there is None:
        _refuse_foreign(destination)
        destination.commit_json(CLAIM, mine)
    elif there.get("export") != export or there.get("clearing"):
        if there.get("export") != export and not overwrite:
            raise UsageError(_taken(destination))
        destination.put_json(CLAIM, {**mine, "clearing": True})
        for name in CONTENT:
            destination.remove(name)
        destination.put_json(CLAIM, mine)
    if _claim_of(destination) != mine:
        raise IntegrityError(
            f"output {destination.root}: another job took it at the same moment; choose another folder"
        )


def files(destination: Store) -> Iterator[tuple[str, int]]:
    """(name, bytes) of the files of an export, by name; none where there is no export. Links are left out."""
    if _claim_of(destination) is None:
        return
    for top in sorted(CONTENT):
        if destination.remote:
            yield from _remote_files(destination, top)
        else:
            yield from _local_files(Path(destination.root), top)


def _local_files(root: Path, top: str) -> Iterator[tuple[str, int]]:
    path = root / top
    if path.is_symlink() or not path.exists():
        return
    if path.is_file():
        yield top, path.stat().st_size
        return
    with os.scandir(path) as entries:
        names = sorted(e.name for e in entries)
    for name in names:
        yield from _local_files(root, f"{top}/{name}")


def _remote_files(destination: Store, top: str) -> Iterator[tuple[str, int]]:
    found = destination.fs.find(destination.full(top), detail=True)
    start = len(destination.fs._strip_protocol(destination.root)) + 1
    yield from sorted((path[start:], int(info["size"])) for path, info in found.items())


def _claim_of(destination: Store) -> dict[str, Any] | None:
    if not destination.exists(CLAIM):
        return None
    found: dict[str, Any] = destination.read_json(CLAIM)
    return found


def _refuse_foreign(destination: Store) -> None:
    others = [n for n in destination.names("") if n != "tmp"]
    if others:
        raise UsageError(
            f"output {destination.root}: holds {len(others)} other files ({', '.join(others[:3])}); choose an empty folder "
            "(--overwrite replaces only a Winnow export)"
        )


def _taken(destination: Store) -> str:
    return (
        f"output {destination.root}: holds another Winnow export; choose an empty folder, or --overwrite to replace it"
    )
