"""A recipe as a client sends it: a preset's name, a tree, or YAML text. No file of this machine is read for it but presets.

What comes in may be hostile: text that expands without end, names of files, trees that are none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.errors import Place, RecipeError, did_you_mean, pointer
from pipeline.recipe import Recipe
from pipeline.recipe_file import apply_setting, merged, parse, plain, preset_tree, presets, validate

TEXT_CHARS_MAX = 256 << 10
VALUES_MAX = 20_000
DEPTH_MAX = 24
PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
NESTING_MAX = 200
SENT = "sent"
"""What errors call a recipe that came with the question."""


def recipe_of(given: str | Mapping[str, Any], inputs: Sequence[str] | None, changes: Sequence[str]) -> Recipe:
    """The recipe, its changes made and its input put in. Raises RecipeError."""
    tree, where = _tree(given)
    bounded(tree)
    base = tree.pop("extends", None)
    if base is not None:
        if not isinstance(base, str) or base not in presets():
            told = (
                f"extends: {base!r} is no preset; there are {', '.join(presets())}.{did_you_mean(str(base), presets())}"
            )
            raise RecipeError(f"recipe {where}: {told}", [Place("/extends", told, "extends")])
        tree = merged(plain(preset_tree(base)), tree)  # lines in errors are those of what was sent
    for change in changes:
        apply_setting(tree, change)
    if inputs is not None:
        there = tree.get("input")
        tree["input"] = {**(there if isinstance(there, Mapping) else {}), "paths": list(inputs)}
    bounded(tree)
    recipe = validate(tree, where)
    _names_no_file(recipe)
    return recipe


def _tree(given: str | Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    if isinstance(given, Mapping):
        return dict(given), SENT
    if len(given) > TEXT_CHARS_MAX:
        raise RecipeError(f"recipe {SENT}: over {TEXT_CHARS_MAX:,} characters; a recipe is a few hundred lines")
    if PLAIN_NAME.fullmatch(given):
        return preset_tree(given), given
    if "\n" not in given and ":" not in given:
        raise RecipeError(
            f"recipe {given[:200]!r} is neither a preset's name nor YAML; presets: {', '.join(presets())}. Files of the "
            "service's machine are not read: send the text of yours"
        )
    if _nesting(given) > NESTING_MAX:  # a parser takes seconds to find out
        raise RecipeError(f"recipe {SENT}: nested more than {NESTING_MAX} deep; a recipe has five levels")
    try:
        return parse(given, SENT), SENT
    except (RecursionError, ValueError, TypeError, KeyError, AttributeError) as error:  # what its parser stumbles over
        raise RecipeError(f"recipe {SENT}: not YAML that can be read ({type(error).__name__})") from None


def _nesting(text: str) -> int:
    """An upper bound on how deep YAML is nested: open brackets, and what a line's beginning opens by columns and marks."""
    open_ = deepest = 0
    for line in text.splitlines():
        begins = line[: len(line) - len(line.lstrip(" -?:"))]
        here = open_
        for mark in line:
            here += (mark in "[{") - (mark in "]}")
            deepest = max(deepest, here + len(begins))
        open_ = max(here, 0)
    return deepest


def bounded(tree: Any) -> None:
    """An alias is a value again each time it is named: ten lines of YAML can say a billion values, or one that holds itself."""
    values = 0
    stack: list[tuple[Any, int]] = [(tree, 0)]
    while stack:
        node, depth = stack.pop()
        values += 1
        if values > VALUES_MAX or depth > DEPTH_MAX:
            raise RecipeError(
                f"recipe: more than {VALUES_MAX:,} values, or nested deeper than {DEPTH_MAX}: nothing here is"
            )
        if isinstance(node, Mapping):
            stack += [(v, depth + 1) for v in node.values()]
        elif isinstance(node, list | tuple | set):
            stack += [(v, depth + 1) for v in node]


def _names_no_file(recipe: Recipe) -> None:
    """A scorer by its file's path is Python that this machine would run."""
    for i, entry in enumerate(recipe.score):
        names = (
            [entry] if isinstance(entry, str) else [*entry, *(str((p or {}).get("use", "")) for p in entry.values())]
        )
        for name in names:
            if name.endswith(".py") or "/" in name or "\\" in name:
                told = f"{name!r} names a file; a service runs scorers by name only (winnow scorers lists them)"
                raise RecipeError(f"recipe: score[{i}]: {told}", [Place(pointer("score", i), told, "file")])
