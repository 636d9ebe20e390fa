"""The folder or bucket an export goes to: whose it is, and taking it over. Nothing that is not Winnow's is ever touched."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from pipeline.errors import IntegrityError, UsageError
from pipeline.storage.files import told
from pipeline.storage.manifest import Manifest, load
from pipeline.storage.naming import link, replace
from pipeline.storage.part import PartRecord
from pipeline.storage.store import Store
from pipeline.unit import Unit
from pipeline.wording import many

CLAIM = "_winnow.json"
"""Written first: which export the folder is for. Input listings leave such folders out."""
TURNS = "_winnow"
"""What jobs that write to one place have turns by: a lock while one is at it; in a bucket the records of its last turn stay."""
MANIFEST, BEFORE = "manifest.json", "manifest.before.json"
CARD = ("README.md", "recipe.lock.yaml", "croissant.json")
CONTENT = (MANIFEST, *CARD, "data", "removed", "quarantine")
READ_THREADS = 8


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
    over. Of another one the manifest is put away, until the new one is committed. `settle` ends it; so does the next attempt."""
    mine = {"export": export, "recipe": recipe_digest}
    there = _claim_of(destination)
    if there is None:
        _refuse_foreign(destination)
        destination.commit_json(CLAIM, mine)
    elif there != mine:
        if there.get("recipe") != recipe_digest and not overwrite:
            raise UsageError(_taken(destination))
        destination.put_json(CLAIM, mine)
    if _claim_of(destination) != mine:
        raise IntegrityError(_lost(destination))
    if there is not None and there != mine:
        for name in CARD:
            destination.remove(name)
    committed = load(destination, MANIFEST)
    if committed is not None and committed.key != export:
        replace(destination, MANIFEST, BEFORE)
    return committed or load(destination, BEFORE)


def same_files(
    place: Store, before: Manifest, units: Sequence[Unit], empty: Mapping[str, PartRecord]
) -> dict[str, PartRecord]:
    """Files of an earlier export, which lies at `place`, that a new one has, too: by their paths in the new one, with the full
    paths that they have. empty: by folder, what a file is that has no row, and that a manifest does not list."""
    listed = {p.path: p for p in before.parts}
    names = {p.key: p.path.removeprefix("data/") for p in before.parts}
    found = {}
    for unit in units:
        if unit.key in names:
            for path in (*unit.beside, unit.path):
                kind = path.split("/")[0]
                old = f"{kind}/{names[unit.key]}"
                found[path] = dataclasses.replace(listed.get(old) or empty[kind], path=place.full(old))
    return found


def adopt(destination: Store, place: Store, same: Mapping[str, PartRecord]) -> dict[str, PartRecord]:
    """Let files of the export at `place` stand at these paths without writing them. Returns those that do; where any is damaged or
    gone, the folder is no finished export any more."""
    told_ns = _told_ns(place)
    with ThreadPoolExecutor(READ_THREADS) as threads:
        standing = [*threads.map(lambda path: stands(destination, same[path], path, told_ns), same)]
    if not all(standing) and destination.exists(MANIFEST):
        replace(destination, MANIFEST, BEFORE)
    return {path: dataclasses.replace(same[path], path=path) for path, well in zip(same, standing, strict=True) if well}


def stands(destination: Store, same: PartRecord, path: str, told_ns: int = 0) -> bool:
    """Let a file stand at a path, too, where nothing is yet. False where it is gone, or has other bytes than were written: it
    is removed then, to be made anew. The size is asked, and of what changed after told_ns, when its manifest was written, the
    digest; in a bucket, which holds its bytes against checksums of its own, the size alone."""
    if destination.full(path) != same.path:
        link(destination, same.path, path)
    sound = destination.size(path) == same.bytes
    if sound and not destination.remote and os.stat(destination.full(path)).st_mtime_ns > told_ns:
        sound = destination.digest(path)[0] == same.sha256
    if not sound:
        destination.remove(path)
    return sound


def _told_ns(place: Store) -> int:
    """When the manifest of the export that lies there was written, in nanoseconds; 0 in a bucket."""
    if place.remote:
        return 0
    return os.stat(place.full(MANIFEST if place.exists(MANIFEST) else BEFORE)).st_mtime_ns


def data_there(place: Store, before: Manifest) -> dict[str, PartRecord]:
    """Data files of an earlier export, which lies at `place`, by their full paths: by what determines the documents in them."""
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
    """Remove what the committed export does not hold: files of the one before it. Raises IntegrityError where another workspace's
    job took the folder meanwhile: what lies there may be its."""
    if (_claim_of(destination) or {}).get("export") != made.key:
        raise IntegrityError(_lost(destination))
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
    found: dict[str, Any] | None = destination.find_json(CLAIM)
    return found


def _refuse_foreign(destination: Store) -> None:
    others = [n for n in destination.names("") if n != "tmp" and n not in (f"{TURNS}.lock", f"{TURNS}.turns")]
    if others:
        raise UsageError(
            f"output {destination.root}: holds {many(len(others), 'other file')} ({', '.join(others[:3])}); choose an empty folder "
            "(--overwrite replaces only a Winnow export)"
        )


def _lost(destination: Store) -> str:
    return f"output {destination.root}: another job took it meanwhile; run this one again when that is done, or choose another folder"


def _taken(destination: Store) -> str:
    return f"output {destination.root}: holds another Winnow export; choose an empty folder, or --overwrite (in Python overwrite=True) to replace it"
