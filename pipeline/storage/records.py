"""Small records (of jobs, requests, wishes), read by those who must not stumble over one that is damaged or of another time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from pipeline.errors import IntegrityError, RecordDamaged
from pipeline.storage.store import Store

Shapes = Mapping[str, type | tuple[type, ...]]

_COUNT, _MAYBE, _AMOUNT = (int, type(None)), (str, type(None)), (int, float, type(None))
JOB_SHAPES: Shapes = {
    "state": str, "name": str, "created_at": str, "at": str, "code": str, "error": str, "corpus": _MAYBE, "output": _MAYBE,
    "attempt": int, "attempts_failed": int, "rows": _COUNT, "seconds": _AMOUNT,
    "funnel": (dict, type(None)), "tables": dict, "scorers": dict, "warnings": list,
}  # fmt: skip
"""Of job.json, where a field is there."""
EVENT_SHAPES: Shapes = {
    "verb": str, "stage": str, "part": str, "table": _MAYBE, "rows": _COUNT, "bytes": _COUNT, "seconds": _AMOUNT, "mb_per_s": _AMOUNT,
    "worker": _MAYBE, "attempts": _COUNT, "counts": dict,
}  # fmt: skip
"""Of a line of a job's log, where a field is there; its verb is."""


def find_record(store: Store, path: str, shapes: Shapes | None = None) -> dict[str, Any] | None:
    """The object in a JSON file, None where there is no file. shapes: types of its fields where they are there.

    Raises RecordDamaged where it is anything else, naming the file.
    """
    try:
        found = store.find_json(path)
    except IsADirectoryError:
        damaged(store, path, "a folder, not a file")
    except IntegrityError:
        damaged(store, path, "not JSON")
    if found is None:
        return None
    if what := misfit(found, shapes or {}):
        damaged(store, path, what)
    whole: dict[str, Any] = found
    return whole


def misfit(found: object, shapes: Shapes) -> str | None:
    """What makes a value no record with fields of these types; None where nothing does."""
    if not isinstance(found, dict):
        return f"a {type(found).__name__}, not an object"
    wrong = (name for name, kinds in shapes.items() if name in found and not isinstance(found[name], kinds))
    return next((f"{name} is a {type(found[name]).__name__}" for name in wrong), None)


def read_record(store: Store, path: str) -> dict[str, Any]:
    """The object in a JSON file that must be there. Raises RecordDamaged."""
    return find_record(store, path) or damaged(store, path, "nothing in it, or not there")


def damaged(store: Store, path: str, what: str) -> NoReturn:
    """Say that a file is no record."""
    raise RecordDamaged(
        f"{store.full(path)}: not a record of Winnow's ({what}); set it aside, or delete the job, and submit the work again"
    )
