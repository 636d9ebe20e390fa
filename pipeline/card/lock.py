"""A recipe with nothing left open: every default written out, and what it was locked to as comments above it, so that
`winnow run recipe.lock.yaml` is a recipe like any other."""

from __future__ import annotations

import hashlib
import io
import json
from typing import Any

from ruamel.yaml import YAML

from pipeline.dedup.corpus_columns import measured_by
from pipeline.recipe import Recipe
from pipeline.scoring import ScorerSpec
from pipeline.storage.manifest import Manifest
from pipeline.storage.notes import Notes
from scorers import base, models

ONE_LINE = 10_000
"""Wide enough that nothing is wrapped: a locked recipe is compared line by line."""


def as_yaml(tree: Any) -> str:
    """Plain data as YAML, keys in their order, leaves on one line."""
    yaml = YAML(typ="rt")
    yaml.default_flow_style = None
    yaml.width = ONE_LINE
    stream = io.StringIO()
    yaml.dump(tree, stream)
    return stream.getvalue()


def recipe_yaml(recipe: Recipe, defaults: bool = False) -> str:
    """The recipe as a file to run; defaults: with everything it did not say."""
    tree = recipe.model_dump(mode="json", by_alias=True, exclude_defaults=not defaults, exclude_none=True)
    return as_yaml({"version": recipe.version, **tree})


def scorers_of(notes: Notes) -> dict[str, dict[str, Any]]:
    """What the notes' passes say of each scorer the recipe names: scorer, version, parameters, fingerprint, columns."""
    told = {alias: notes.passes[n].parameters["scorers"][alias] for alias, n in notes.where.items()}
    # sorted, as they are in a manifest read back: the first run and one that reuses its work write the same bytes
    return {alias: t | {"parameters": dict(sorted(t["parameters"].items()))} for alias, t in told.items()}


def input_digest(notes: Notes) -> str:
    """64 hex digits over the names and sizes of the input files and all that was measured of their text. No time or
    folder goes into it: a copy of the same files has the same digest."""
    files = [(f["name"], f["bytes"]) for f in notes.text.details.get("files", [])]
    measured = [[p.sha256 for p in notes.passes[n].parts] for n in sorted(set(notes.where.values()))]
    return hashlib.sha256(json.dumps([files, notes.text.rows, measured]).encode()).hexdigest()


def lock_text(recipe: Recipe, made: Manifest, notes: Notes, version: str) -> str:
    """The file `recipe.lock.yaml` of an export."""
    # what lines and passages say of the whole corpus is asked for by `dedup`, not by `score`
    by_dedup = {c.alias for c in measured_by(recipe.dedup)}
    told = {alias: t for alias, t in scorers_of(notes).items() if alias not in by_dedup}
    score = [_entry(alias, told[alias]) for alias in told]
    tree = recipe.model_dump(mode="json", by_alias=True, exclude_none=True) | {"score": score}
    lock = {
        "winnow": version,
        "recipe_digest": Recipe.model_validate(tree).digest(),
        "input": {"digest": input_digest(notes), "rows": notes.text.rows, "text_bytes": made.details["text_bytes_in"]},
        "scorers": {alias: _locked(alias, told[alias]) for alias in told},
    }
    head = [
        "Locked by Winnow. The recipe as it ran, defaults included; run it again with: winnow run recipe.lock.yaml",
        "",
    ]
    comment = "".join(f"# {line}".rstrip() + "\n" for line in [*head, *as_yaml({"lock": lock}).splitlines()])
    return comment + as_yaml({"version": recipe.version, **tree})


def _entry(alias: str, told: dict[str, Any]) -> str | dict[str, Any]:
    """A scorer as `score` names it, with all of its parameters."""
    given = ({} if told["scorer"] == alias else {"use": told["scorer"]}) | told["parameters"]
    return {alias: given} if given else alias


def _locked(alias: str, told: dict[str, Any]) -> dict[str, Any]:
    found = {"scorer": told["scorer"], "version": told["version"], "fingerprint": told["fingerprint"]}
    parameters = tuple(sorted((k, tuple(v) if isinstance(v, list) else v) for k, v in told["parameters"].items()))
    used = base.models_of(ScorerSpec(alias, told["scorer"], parameters).build())
    return found | ({"models": {name: models.known(name).sha256 for name in used}} if used else {})
