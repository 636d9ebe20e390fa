"""The body of a submission: what is read here, and what the service will read."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypedDict

from pipeline.errors import UsageError

RECIPE_SUFFIXES = (".yaml", ".yml", ".json")

Recipe = str | Path | Mapping[str, Any]
"""A preset's name, a recipe file (read here, what it extends put in), a tree, or YAML text."""


class How(TypedDict, total=False):
    """What a submission says beside recipe and inputs; as in `winnow run`."""

    changes: Sequence[str]
    corpus: str | None
    output: str | Path | None
    until: Literal["ingest", "score", "judge", "dedup", "mix", "export"]
    workers: int | None
    executor: Literal["auto", "local", "ray"] | None
    copy: bool
    overwrite: bool
    labels: Mapping[str, str]


def body_of(recipe: Recipe, inputs: Sequence[str | Path] | str | Path, how: How, shares_paths: bool) -> dict[str, Any]:
    """What is sent. shares_paths: the service is on this machine, so that relative paths mean those of this folder."""
    given = [inputs] if isinstance(inputs, str | Path) else list(inputs)
    place = absolute if shares_paths else str
    body: dict[str, Any] = {"recipe": recipe_of(recipe, shares_paths)}
    body |= {name: value for name, value in how.items() if value not in (None, (), [], {})}
    if given:
        body["inputs"] = [place(path) for path in given]
    if how.get("output") is not None:
        body["output"] = place(how["output"] or "")
    if "changes" in body:
        body["changes"] = list(body["changes"])
    if "labels" in body:
        body["labels"] = dict(body["labels"])
    return body


def recipe_of(recipe: Recipe, shares_paths: bool) -> str | dict[str, Any]:
    """A name or YAML text as it is; a file or a tree as a tree."""
    if isinstance(recipe, Mapping):
        tree = dict(recipe)
    elif isinstance(recipe, Path) or is_file_name(recipe):
        from pipeline.recipe_file import recipe_tree

        tree = recipe_tree(str(recipe))
    else:
        return recipe
    named = tree.get("input")
    paths = named.get("paths") if isinstance(named, Mapping) else None
    if shares_paths and isinstance(named, Mapping) and isinstance(paths, list):
        tree["input"] = {**named, "paths": [absolute(p) if isinstance(p, str) else p for p in paths]}
    return tree


def is_file_name(recipe: str) -> bool:
    """Whether it names a file rather than a preset: as `winnow run` sees it. YAML text has lines, a name has none."""
    return "\n" not in recipe and not recipe.startswith("{") and (recipe.endswith(RECIPE_SUFFIXES) or "/" in recipe)


def absolute(path: str | Path) -> str:
    """A path as another process of this machine finds it; what names a bucket stays as it is."""
    text = str(path)
    if not text:
        raise UsageError("an empty path names nothing")
    if "://" in text:
        return text
    whole = os.path.abspath(os.path.expanduser(text))
    return whole + "/" if text.endswith("/") and whole != "/" else whole


def labels_of(given: Sequence[str]) -> dict[str, str]:
    """`k=v` of a command line. Raises UsageError."""
    found: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(f"label {text!r}: expected name=value, for example team=english")
        found[name] = value
    return found
