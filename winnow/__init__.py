"""Winnow from Python: the same recipes, the same tables, the same words as on the command line.

import winnow
result = winnow.run("fineweb", "crawl/*.parquet", output="curated/")
winnow.sql("select reason, count(*) from documents group by 1").to_pandas()
"""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from pipeline.result import Result

if TYPE_CHECKING:
    import pyarrow as pa

    from pipeline.recipe import Recipe

__all__ = ["DEFAULT_WORKSPACE", "Result", "plan", "recipe", "run", "sql", "why"]
__version__ = "0.1.0"

DEFAULT_WORKSPACE = "winnow-workspace"
Path: TypeAlias = str | os.PathLike[str]


def recipe(
    source: Path | Mapping[str, Any], inputs: Path | Sequence[Path] = (), changes: str | Sequence[str] = ()
) -> Recipe:
    """A checked recipe from a preset's name, a file's path or plain data. inputs: one path or several, of files, folders, globs or URLs;
    changes: as in `--set a.b=c`, one or several.

    Raises pipeline.errors.RecipeError.
    """
    from pipeline.recipe_file import load_recipe, recipe_of

    paths, changed = _several(inputs), _several(changes)
    if isinstance(source, str | os.PathLike):
        return load_recipe(os.fspath(source), changed, paths)
    return recipe_of(copy.deepcopy(dict(source)), "recipe given as data", changed, paths)


def _several(given: Path | Sequence[Path]) -> list[str]:
    return [os.fspath(one) for one in ([given] if isinstance(given, str | os.PathLike) else given)]


def plan(
    source: Path | Mapping[str, Any],
    inputs: Path | Sequence[Path] = (),
    *,
    workspace: Path = DEFAULT_WORKSPACE,
    changes: str | Sequence[str] = (),
) -> dict[str, Any]:
    """What a run would do: stages, passes over the text, rules, a forecast in seconds. Does no work.

    Raises pipeline.errors.PlanError where the recipe does not fit the input.
    """
    from pipeline.plan import make_plan
    from pipeline.storage.store import Store

    return make_plan(Store(os.fspath(workspace)), recipe(source, inputs, changes)).told(workers=1)


def run(
    source: Path | Mapping[str, Any],
    inputs: Path | Sequence[Path] = (),
    *,
    workspace: Path = DEFAULT_WORKSPACE,
    output: Path | None = None,
    changes: str | Sequence[str] = (),
    **settings: Any,
) -> Result:
    """Run a recipe to the end. settings: executor, workers, ray_address, corpus, copy, overwrite, until.

    The same call after anything that stopped it goes on where it stopped. Raises pipeline.errors.WinnowError.
    """
    from pipeline import run as runner

    into = None if output is None else os.fspath(output)
    return runner.run(recipe(source, inputs, changes), os.fspath(workspace), runner.Settings(output=into, **settings))


def sql(query: str, *, workspace: Path = DEFAULT_WORKSPACE, job: str | None = None) -> pa.Table:
    """Ask a workspace in SQL (DuckDB): documents, verdicts, duplicates, shards, stages, jobs, scorers, columns, quarantine."""
    from pipeline.catalog.views import open_catalog
    from pipeline.storage.store import Store

    return open_catalog(Store(os.fspath(workspace)), job).sql(query).to_arrow_table()


def why(doc_id: str, *, workspace: Path = DEFAULT_WORKSPACE, job: str | None = None) -> list[dict[str, Any]]:
    """What became of a document, and why; one entry for each document with this id."""
    from pipeline.explain import explain
    from pipeline.storage.store import Store

    return explain(Store(os.fspath(workspace)), doc_id, job)
