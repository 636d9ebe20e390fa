"""check_recipe, plan, recipes, recipe: what a recipe says, held against scorers, models and input."""

from __future__ import annotations

import json
import os
from typing import Any

from pipeline.clerk.asked import recipe_of
from pipeline.clerk.desk import Desk
from pipeline.errors import NotFound, did_you_mean
from pipeline.plan import Checked, check_models, make_plan
from pipeline.plan import check_recipe as check
from pipeline.recipe import Recipe
from pipeline.recipe_file import load_recipe, presets
from pipeline.rules import sentence
from pipeline.stages.judge import columns_needed

Given = str | dict[str, Any]


def check_recipe(
    _: Desk, *, recipe: Given, inputs: list[str] | None = None, changes: list[str] | None = None
) -> dict[str, Any]:
    """The recipe as it will run, every default written out; nothing is listed and no input is looked at.

    recipe: canonical tree; digest: 32 hex digits; columns: that rules, buckets and deduplication read.
    """
    made = recipe_of(recipe, inputs, changes or [])
    checked = check(made)
    check_models(checked.specs)
    return {
        "name": made.name,
        "description": made.description,
        "digest": made.digest(),
        "recipe": json.loads(made.canonical()),
        "inputs": list(made.input.paths),
        "scorers": [{"alias": s.alias, "scorer": s.scorer, "parameters": dict(s.parameters)} for s in checked.specs],
        "columns": _columns(checked),
        "rules": [sentence(n, r) for n, r in made.rules.items()],
        "dedup": dedup_of(made),
    }


def _columns(checked: Checked) -> list[dict[str, Any]]:
    notes, provenance = columns_needed(checked.recipe.rules, tuple(checked.columns), checked.recipe.buckets)
    return [{"column": name, "type": str(checked.columns[name].type)} for name in (*provenance, *notes)]


def plan(
    desk: Desk,
    *,
    recipe: Given,
    inputs: list[str] | None = None,
    changes: list[str] | None = None,
    corpus: str | None = None,
    copy: bool = False,
    workers: int | None = None,
) -> dict[str, Any]:
    """What a run would do: stages, units, passes over the text, a forecast. Lists the input and reads footers, no more."""
    made = make_plan(desk.store, recipe_of(recipe, inputs, changes or []), corpus, copy)
    return made.told(workers or os.cpu_count() or 1)


def recipes(_: Desk) -> dict[str, Any]:
    """The presets, a line each."""
    loaded = [load_recipe(name) for name in presets()]
    items = [
        {
            "recipe": r.name,
            "description": r.description,
            "rules": len(r.rules),
            "dedup": dedup_of(r),
            "digest": r.digest(),
        }
        for r in loaded
    ]
    return {"items": items}


def recipe(_: Desk, *, name: str) -> dict[str, Any]:
    """One preset: as its file has it, and as the canonical tree."""
    known = presets()
    if name not in known:
        raise NotFound(f"no preset {name!r}; there are {', '.join(known)}.{did_you_mean(name, known)}")
    loaded = load_recipe(name)
    return {
        "name": name,
        "description": loaded.description,
        "digest": loaded.digest(),
        "yaml": known[name].read_text(encoding="utf-8"),
        "recipe": json.loads(loaded.canonical()),
        "rules": [sentence(n, r) for n, r in loaded.rules.items()],
    }


def dedup_of(recipe: Recipe) -> list[str]:
    """Kinds of duplicates that a recipe removes."""
    return recipe.dedup.kinds if recipe.dedup else []
