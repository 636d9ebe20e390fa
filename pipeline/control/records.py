"""Small records of the control files, read by those who must not stumble over one that is damaged or of another time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from pipeline.errors import IntegrityError
from pipeline.storage.store import Store

Shapes = Mapping[str, type | tuple[type, ...]]


def find_record(store: Store, path: str, shapes: Shapes | None = None) -> dict[str, Any] | None:
    """The object in a JSON file, None where there is no file. shapes: types of its fields where they are there.

    Raises IntegrityError where it is anything else, naming the file.
    """
    try:
        found = store.find_json(path)
    except IsADirectoryError:
        damaged(store, path, "a folder, not a file")
    if found is None:
        return None
    if not isinstance(found, dict):
        damaged(store, path, f"a {type(found).__name__}, not an object")
    for name, kinds in (shapes or {}).items():
        if name in found and not isinstance(found[name], kinds):
            damaged(store, path, f"{name} is a {type(found[name]).__name__}")
    return found


def damaged(store: Store, path: str, what: str) -> NoReturn:
    """Say that a file is no record."""
    raise IntegrityError(
        f"{store.full(path)}: not a record of Winnow's ({what}); set it aside and submit the work again"
    )
