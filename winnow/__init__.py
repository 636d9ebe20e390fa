"""Winnow from Python: the same recipes, the same tables, the same words as on the command line.

import winnow
result = winnow.run("fineweb", ["crawl/*.parquet"], output="curated/")
winnow.sql("select reason, count(*) from documents group by 1").to_pandas()
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pipeline.result import Result

if TYPE_CHECKING:
    import pyarrow as pa

    from pipeline.recipe import Recipe

__all__ = ["DEFAULT_WORKSPACE", "Result", "plan", "recipe", "run", "sql", "why"]
__version__ = "0.1.0"

DEFAULT_WORKSPACE = "winnow-workspace"


def recipe(source: str | Mapping[str, Any], inputs: Sequence[str] = (), changes: Sequence[str] = ()) -> Recipe:
    """A checked recipe from a preset's name, a file's path or plain data; changes as in `--set a.b=c`.

    Raises pipeline.errors.RecipeError.
    """
    from pipeline.recipe_file import load_recipe, recipe_of

    if isinstance(source, str):
        return load_recipe(source, changes, inputs)
    return recipe_of(copy.deepcopy(dict(source)), "recipe given as data", changes, inputs)


def plan(
    source: str | Mapping[str, Any],
    inputs: Sequence[str] = (),
    *,
    workspace: str = DEFAULT_WORKSPACE,
    changes: Sequence[str] = (),
) -> dict[str, Any]:
    """What a run would do: stages, passes over the text, rules, a forecast in seconds. Does no work.

    Raises pipeline.errors.PlanError where the recipe does not fit the input.
    """
    from pipeline.plan import make_plan
    from pipeline.storage.store import Store

    return make_plan(Store(workspace), recipe(source, inputs, changes)).told(workers=1)


def run(
    source: str | Mapping[str, Any],
    inputs: Sequence[str] = (),
    *,
    workspace: str = DEFAULT_WORKSPACE,
    output: str | None = None,
    changes: Sequence[str] = (),
    **settings: Any,
) -> Result:
    """Run a recipe to the end. settings: executor, workers, ray_address, corpus, copy, overwrite, until.

    The same call after anything that stopped it goes on where it stopped. Raises pipeline.errors.WinnowError.
    """
    from pipeline import run as runner

    return runner.run(recipe(source, inputs, changes), workspace, runner.Settings(output=output, **settings))


def sql(query: str, *, workspace: str = DEFAULT_WORKSPACE, job: str | None = None) -> pa.Table:
    """Ask a workspace in SQL (DuckDB): documents, verdicts, duplicates, shards, stages, jobs, scorers, columns, quarantine."""
    from pipeline.catalog.views import open_catalog
    from pipeline.storage.store import Store

    return open_catalog(Store(workspace), job).sql(query).to_arrow_table()


def why(doc_id: str, *, workspace: str = DEFAULT_WORKSPACE, job: str | None = None) -> list[dict[str, Any]]:
    """What became of a document, and why; one entry for each document with this id."""
    from pipeline.explain import explain
    from pipeline.storage.store import Store

    return explain(Store(workspace), doc_id, job)
