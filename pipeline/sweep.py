"""A sweep: one recipe, several corpora. Every variant changes a few values of the recipe; what they measure is the
same, so that the text is scored once and each further corpus costs its decisions and its export."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.errors import PlanError
from pipeline.plan import make_plan
from pipeline.progress import Progress, Silent
from pipeline.recipe import Recipe
from pipeline.recipe_file import set_value, validate
from pipeline.result import Result
from pipeline.run import Settings, run
from pipeline.storage.store import Store


@dataclass(frozen=True)
class Made:
    """One corpus of a sweep. units_scored: shards whose text was read to measure it; the first variant pays for all."""

    variant: str
    changes: Mapping[str, Any]
    units_scored: int
    result: Result


def variants(recipe: Recipe) -> dict[str, Recipe]:
    """The recipes of a sweep, by name, each without a sweep of its own. PlanError where the recipe has none."""
    if not recipe.sweep:
        raise PlanError(
            f"recipe {recipe.name!r} has no sweep; add one: sweep: {{loose: {{rules.not_toxic.max: 0.9}}, strict: {{…}}}}"
        )
    tree = recipe.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"sweep"})
    made = {}
    for name, changes in recipe.sweep.items():
        changed = copy.deepcopy(tree) | {"name": f"{recipe.name}.{name}"}
        for path, value in changes.items():
            set_value(changed, path, value)
        made[name] = validate(changed, f"{recipe.name}, sweep.{name}")
    return made


def run_sweep(
    recipe: Recipe, workspace: str, settings: Settings, progress: Callable[[], Progress] = Silent
) -> list[Made]:
    """Run every variant; each is exported to a folder of its name under the output. All are planned before the first
    is run. Interrupted, the same call goes on where it stopped."""
    made = []
    planned = variants(recipe)
    for variant in planned.values():
        make_plan(Store(workspace), variant, settings.corpus, settings.copy)
    for name, variant in planned.items():
        output = f"{settings.output.rstrip('/')}/{name}" if settings.output else None
        result = run(variant, workspace, dataclasses.replace(settings, output=output), progress())
        made.append(Made(name, recipe.sweep[name], _units_scored(Store(workspace), result.job_id), result))
    return made


def _units_scored(store: Store, job_id: str) -> int:
    from pipeline.catalog.chosen import read_job

    events = read_job(store, job_id).events
    return sum(e["verb"] == "unit_done" and e["stage"] == "notes" for e in events)
