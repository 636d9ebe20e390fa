"""Reading recipes: a preset's name or a YAML file, `extends`, `--set a.b=c`, and errors with line and column."""

from __future__ import annotations

import importlib.resources
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from pipeline.errors import Place, RecipeError, did_you_mean, pointer
from pipeline.recipe import Recipe

SUFFIXES = (".yaml", ".yml", ".json")
ERRORS_MAX = 100
"""How many faults of one recipe are told: the words for each take a while, and a hostile recipe has thousands."""


def presets() -> dict[str, Path]:
    """The recipes that ship, by name."""
    folder = Path(str(importlib.resources.files("recipes")))
    return {p.stem: p for p in sorted(folder.glob("*.yaml"))}


def load_recipe(name: str, settings: Sequence[str] = (), paths: Sequence[str] = ()) -> Recipe:
    """The recipe behind a preset's name or a file's path, with `--set` applied and input paths given on the call."""
    tree, where = _read_tree(name, seen=())
    return recipe_of(tree, where, settings, paths)


def recipe_of(tree: dict[str, Any], where: str, settings: Sequence[str], paths: Sequence[str]) -> Recipe:
    """The recipe a tree becomes, with `--set` applied and input paths given on the call; the tree is changed."""
    for setting in settings:
        apply_setting(tree, setting)
    if paths:
        tree.setdefault("input", {})["paths"] = list(paths)
    return validate(tree, where)


def recipe_tree(name: str) -> dict[str, Any]:
    """A preset or a file as plain data, what it extends put in: for those who send it elsewhere."""
    return {str(key): value for key, value in plain(_read_tree(name, seen=())[0]).items()}


def validate(tree: Mapping[str, Any], where: str) -> Recipe:
    """A recipe of plain data; `where` names its source in errors."""
    try:
        return Recipe.model_validate(plain(tree))
    except ValidationError as error:
        found = error.errors()
        told = [(e, _tell(e, tree, where)) for e in found[:ERRORS_MAX]]
        places = [Place(pointer(*e["loc"]), said.partition(": ")[2], e["type"]) for e, said in told]
        more = [f"and {len(found) - len(told):,} more"] if len(found) > len(told) else []
        raise RecipeError("\n".join([*(said for _, said in told), *more]), places) from None


def _read_tree(name: str, seen: tuple[str, ...]) -> tuple[dict[str, Any], str]:
    known = presets()
    path = known.get(name) or Path(name)
    if name not in known and not path.is_file():
        if path.suffix in SUFFIXES or "/" in name:
            raise RecipeError(
                f"recipe file {name!r} does not exist (looked in {Path.cwd()}). Presets: {', '.join(known)}."
            )
        raise RecipeError(
            f"no preset {name!r}; there are {', '.join(known)}.{did_you_mean(name, known)} A recipe file ends in .yaml."
        )
    where = str(path)
    if where in seen:
        raise RecipeError(f"recipe {where}: extends itself through {' -> '.join([*seen, where])}")
    try:
        tree = parse(path.read_text(encoding="utf-8"), where)
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"recipe {path}: cannot be read: {error}") from None
    base_name = tree.pop("extends", None)
    if base_name is None:
        return tree, where
    beside = path.parent / str(base_name)
    base, _ = _read_tree(str(beside) if beside.is_file() else str(base_name), (*seen, where))
    return merged(base, tree), where


def preset_tree(name: str) -> dict[str, Any]:
    """A preset as a tree, what it extends put in. RecipeError where there is none of this name; no other file is read."""
    if name not in presets():
        raise RecipeError(f"no preset {name!r}; there are {', '.join(presets())}.{did_you_mean(name, presets())}")
    return _read_tree(name, seen=())[0]


def parse(text: str, where: str) -> dict[str, Any]:
    """YAML text as a tree that knows its lines; `where` names its source in errors."""
    try:
        tree = YAML(typ="rt").load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark
        at = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise RecipeError(f"recipe {where}{at}: not YAML: {error.problem}") from None
    except YAMLError as error:
        raise RecipeError(f"recipe {where}: not YAML: {error}") from None
    if not isinstance(tree, dict):
        raise RecipeError(
            f"recipe {where}: expected a mapping with name, score, rules ..., found {'nothing' if tree is None else type(tree).__name__}"
        )
    return tree


def merged(base: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` on top of `base`: mappings merge, null removes a key, anything else replaces."""
    for key, value in over.items():
        if value is None and key in base:
            del base[key]
        elif isinstance(value, Mapping) and isinstance(base.get(key), dict):
            merged(base[key], value)
        else:
            base[key] = value
    return base


def apply_setting(tree: dict[str, Any], setting: str) -> None:
    """Change one value of a tree, written as `a.b=value` with the value in YAML."""
    path, equals, raw = setting.partition("=")
    if not equals or not all(path.strip().split(".")):
        raise RecipeError(f"--set {setting!r}: expected a.b=value, for example --set rules.long_enough.min=100")
    try:
        value = YAML(typ="safe").load(raw)
    except YAMLError as error:
        said = getattr(error, "problem", None) or error
        raise RecipeError(f"--set {setting!r}: the value is not YAML: {said}") from None
    set_value(tree, path.strip(), value)


def set_value(tree: dict[str, Any], path: str, value: Any) -> None:
    """Set what lies at `a.b.c` of a tree, making the way there; None takes it away."""
    keys = path.split(".")
    node = tree
    for key in keys[:-1]:
        if not isinstance(node.get(key), dict):
            node[key] = {}
        node = node[key]
    if value is None:
        node.pop(keys[-1], None)  # --set rules.x= takes a rule away
    else:
        node[keys[-1]] = value


def plain(node: Any) -> Any:
    """ruamel's round-trip containers as plain ones."""
    if isinstance(node, Mapping):
        return {"null" if k is None else str(k): plain(v) for k, v in node.items()}  # `null: keep` reads as a null key
    if isinstance(node, list | tuple):
        return [plain(v) for v in node]
    return node


def _tell(error: Any, tree: Mapping[str, Any], where: str) -> str:
    location = tuple(error["loc"])
    line = _line_of(tree, location)
    at = f"{where}:{line}" if line else where
    spot = ".".join(str(p) for p in location) or "recipe"
    if error["type"] == "extra_forbidden":
        known = _known_keys(Recipe, location[:-1])
        return (
            f"recipe {at}: unknown key {spot!r}; here are {', '.join(known)}.{did_you_mean(str(location[-1]), known)}"
        )
    if error["type"] == "missing":
        return f"recipe {at}: {spot!r} is missing"
    near = (
        did_you_mean(str(location[1]), [r for r in tree.get("rules", {}) if r != location[1]])
        if location[:1] == ("rules",) and len(location) > 1
        else ""
    )
    said = error["msg"].removeprefix("Value error, ").replace("a valid tuple", "a list")
    return f"recipe {at}: {spot}: {said}{'.' if near else ''}{near}"


def _line_of(tree: Any, location: Sequence[Any]) -> int | None:
    line = None
    for key in location:
        try:
            line = tree.lc.data[key][0] + 1 if hasattr(tree, "lc") and key in (tree.lc.data or {}) else line
            tree = tree[key]
        except (KeyError, IndexError, TypeError):
            break
    return line


def _known_keys(model: type[BaseModel], location: Sequence[Any]) -> list[str]:
    """The keys allowed at a place of the tree, followed through the model's fields."""
    for key in location:
        fields = {(f.alias or name): f for name, f in model.model_fields.items()}
        if key not in fields:
            continue  # a name the user chose (a rule's), not a field
        found = _model_in(fields[key].annotation)
        if found is None:
            return []
        model = found
    return [f.alias or name for name, f in model.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        found = _model_in(inner)
        if found is not None:
            return found
    return None
