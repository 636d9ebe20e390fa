"""What a command asks for, made precise: the scorer behind a column, the threshold of a recipe, the fields to read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from pipeline.errors import UsageError
from pipeline.evaluate import hatecheck, threshold
from pipeline.evaluate.data import columns_of, data_of, known_column, measure, recipe_for
from pipeline.evaluate.evaluation import Question, evaluate
from pipeline.evaluate.held_out import evaluate_held_out
from pipeline.evaluate.resampling import USUAL, How
from pipeline.evaluate.threshold import Side
from pipeline.evaluate.trainers import trainer_of
from pipeline.progress import Progress
from pipeline.recipe import Recipe
from pipeline.recipe_file import load_recipe
from pipeline.scoring import parse_spec, specs_of
from scorers import base, models
from scorers.base import Column

SOURCE = "source"
"""Rows of one source are drawn together where the data name it."""
SURENESS = ("confidence", "probability", "score")
"""Columns beside a predicted name that say how sure it is, in the order of preference."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of `winnow evaluate`, as given."""

    column: str
    data: tuple[str, ...]
    label: str | None = None
    positive: tuple[str, ...] = ()
    text: str | None = None
    by: tuple[str, ...] = ()
    threshold: float | None = None
    recipe: str | None = None
    scorers: tuple[Any, ...] = ()
    low: bool = False
    keeps: Side = "negative"
    hatecheck: bool = False
    confidence: str | None = None
    how: How = USUAL
    leave_one_out: str | None = None
    train: Any = None


def ask(asked: Asked, workspace: str, workers: int | None = None, progress: Progress | None = None) -> dict[str, Any]:
    """Check everything, measure what is not measured yet, evaluate."""
    if (asked.leave_one_out is None) != (asked.train is None):
        raise UsageError(
            "--leave-one-out COLUMN and --train NAME belong together: a model is trained on all groups but one"
        )
    if asked.threshold is not None and asked.recipe is not None:
        raise UsageError("--threshold and --recipe both say where to cut; give one of them")
    label = asked.label or (hatecheck.LABEL if asked.hatecheck else None)
    if label is None:
        raise UsageError("--label is missing: the data's column that holds the truth")
    by = tuple(dict.fromkeys([*asked.by, *(hatecheck.GROUPS if asked.hatecheck else ())]))
    recipe = None if asked.recipe is None else load_recipe(asked.recipe)
    cut = None if asked.threshold is None else threshold.given(asked.threshold, asked.low)
    if recipe is not None:
        cut = threshold.from_recipe(recipe, asked.column)
    if asked.leave_one_out is not None:
        return _held_out(asked, asked.leave_one_out, label, by, cut, workspace, workers, progress)
    measuring = recipe_for(data_of(asked.data, asked.text), [scorer_of(asked.column, asked.scorers, recipe)])
    columns = columns_of(measuring)
    alias = asked.column.partition(".")[0]
    sure = asked.confidence or next(
        (c for s in SURENESS if (c := f"{alias}.{s}") in columns and c != asked.column), None
    )
    if asked.confidence is not None:
        known_column(asked.confidence, columns)
    question = Question(
        asked.column, known_column(asked.column, columns), label, asked.positive, by, asked.low, cut, asked.keeps, sure,
        how=asked.how,
    )  # fmt: skip
    found = measure(
        measuring, workspace, question.columns(), question.fields(), (SOURCE,), workers=workers, progress=progress
    )
    if SOURCE in found.fields:
        question = replace(question, clusters=SOURCE)
    told = {"data": list(asked.data), "job": found.job, "learnt_from": learnt_from(measuring, asked.data)}
    return told | evaluate(question, found)


def learnt_from(recipe: Recipe, paths: Sequence[str]) -> list[dict[str, str]]:
    """The files under evaluation that a model behind the scores was trained on, by its card: {file, model}. By name: a
    file's without its ending, as cards write their data."""
    stems = {re.split(r"[/\\]", p.rstrip("/"))[-1].partition(".")[0]: p for p in paths}
    found = []
    for spec in specs_of(recipe):
        for model in base.models_of(spec.build()):
            names = {
                str(item.get("name", "")).rsplit("/", 1)[-1].partition(".")[0] for item in models.known(model).card.data
            }
            found += [{"file": stems[name], "model": model} for name in sorted(names & set(stems))]
    return found


def _held_out(
    asked: Asked, out: str, label: str, by: tuple[str, ...], cut: threshold.Cut | None, workspace: str,
    workers: int | None, progress: Progress | None,
) -> dict[str, Any]:  # fmt: skip
    """Evaluate a way of training: each group is scored by a model of all the others."""
    if asked.low or asked.confidence is not None or asked.scorers:
        raise UsageError(
            "--low, --confidence and --scorer are about a scorer; with --train the scores are a new model's"
        )
    name, given = (asked.train, {}) if isinstance(asked.train, str) else next(iter(asked.train.items()))
    train = trainer_of(name, given or {})
    by = tuple(dict.fromkeys([out, *by]))
    about = Column("probability", pa.float64(), "probability", "", 0.0, 1.0)
    question = Question(asked.column, about, label, asked.positive, by, cut=cut, keeps=asked.keeps, how=asked.how)
    recipe = recipe_for(data_of(asked.data, asked.text), [])
    found = measure(recipe, workspace, [], question.fields(), (SOURCE,), text=True, workers=workers, progress=progress)
    if SOURCE in found.fields:
        question = replace(question, clusters=SOURCE)
    return {"data": list(asked.data), "job": found.job, **evaluate_held_out(question, found, out, train)}


def scorer_of(column: str, given: Sequence[Any], recipe: Recipe | None) -> Any:
    """The entry of `score` behind a column: one that was given, the recipe's, or the scorer of that name."""
    alias, dot, name = column.partition(".")
    if not dot or not name:
        raise UsageError(
            f"{column!r}: expected SCORER.COLUMN, such as toxicity.probability; `winnow scorers` lists them"
        )
    entries = [*given, *(recipe.score if recipe is not None else ())]
    found = next((e for e in entries if parse_spec(e).alias == alias), None)
    if found is None and given:
        told = ", ".join(parse_spec(e).alias for e in given)
        raise UsageError(f"--scorer gives {told}, but the column is {column!r}: name it {told}.{name}")
    if found is None and recipe is not None and alias not in base.available():
        aliases = ", ".join(parse_spec(e).alias for e in recipe.score)
        raise UsageError(f"no scorer {alias!r}, and recipe {recipe.name!r} has {aliases}")
    return found if found is not None else alias
