"""The folder or bucket an export goes to: whose it is, and taking it over. Nothing that is not Winnow's is ever touched."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pipeline.errors import IntegrityError, UsageError
from pipeline.storage.files import told
from pipeline.storage.manifest import Manifest, load
from pipeline.storage.naming import link, replace
from pipeline.storage.store import PartRecord, Store
from pipeline.unit import Unit

CLAIM = "_winnow.json"
"""Written first: which export the folder is for. Input listings leave such folders out."""
MANIFEST, BEFORE = "manifest.json", "manifest.before.json"
CARD = ("README.md", "recipe.lock.yaml", "croissant.json")
CONTENT = (MANIFEST, *CARD, "data", "removed", "quarantine")


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


def claim(destination: Store, export: str, recipe_digest: str, overwrite: bool) -> Manifest | None:
    """Take the folder for one export, before its first file. Returns the export that was there, whose files may be taken
    over; from here until the new one is committed the folder has no manifest. `settle` ends it; so does the next attempt."""
    mine = {"export": export, "recipe": recipe_digest}
    there = _claim_of(destination)
    if there is None:
        _refuse_foreign(destination)
        destination.commit_json(CLAIM, mine)
    elif there != mine:
        if there.get("recipe") != recipe_digest and not overwrite:
            raise UsageError(_taken(destination))
        destination.put_json(CLAIM, mine)
        for name in CARD:
            destination.remove(name)
    committed = load(destination, MANIFEST)
    if committed is not None and committed.key != export:
        replace(destination, MANIFEST, BEFORE)
    if _claim_of(destination) != mine:
        raise IntegrityError(
            f"output {destination.root}: another job took it at the same moment; choose another folder"
        )
    return load(destination, BEFORE)


def adopt(
    destination: Store, place: Store, before: Manifest | None, units: Sequence[Unit], kinds: Sequence[str]
) -> None:
    """Let files of an earlier export, which lies at `place`, stand under the names that they have in the new one, without
    writing them."""
    there = {p.key: p.path for p in before.parts} if before else {}
    for unit in units:
        known = there.get(unit.key)
        if known is not None:
            for kind in kinds:
                old, new = (p.replace(f"{kinds[-1]}/", f"{kind}/", 1) for p in (known, unit.path))
                link(destination, place.full(old), new)


def data_there(place: Store, before: Manifest | None) -> dict[str, PartRecord]:
    """Data files of an earlier export, which lies at `place`, by their full paths: by what determines the documents in them."""
    if before is None:
        return {}
    parts = (p for p in before.parts if p.path.startswith("data/"))
    there = zip(before.details.get("data_keys", ()), parts, strict=False)
    return {
        key: dataclasses.replace(part, path=place.full(part.path))
        for key, part in there
        if place.size(part.path) == part.bytes
    }


def earlier(workspace: Store, corpus: str, export: str, recipe_digest: str) -> list[Store]:
    """Exports of the same recipe that lie in the workspace itself, the latest first."""
    folders = [f"corpora/{corpus}/export/{key}" for key in workspace.names(f"corpora/{corpus}/export") if key != export]
    found = [Store(workspace.full(folder), workspace.fence) for folder in folders]
    own = [s for s in found if (_claim_of(s) or {}).get("recipe") == recipe_digest and s.exists(MANIFEST)]
    return sorted(own, key=lambda s: 0 if s.remote else os.stat(s.full(MANIFEST)).st_mtime_ns, reverse=True)


def withdraw(destination: Store) -> None:
    """Remove the files of an export that another has replaced; its manifest stays, as the record."""
    for name in ("data", "removed", "quarantine", *CARD, CLAIM):
        destination.remove(name)


def settle(destination: Store, made: Manifest, kinds: Sequence[str]) -> None:
    """Remove what the committed export does not hold: files of the one before it."""
    names = {p.path.rsplit("/", 1)[-1] for p in made.parts}
    for kind in kinds:
        for name in destination.names(kind):
            if name not in names:
                destination.remove(f"{kind}/{name}")
    destination.remove(BEFORE)


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
    return f"output {destination.root}: holds another Winnow export; choose an empty folder, or --overwrite (in Python overwrite=True) to replace it"
