"""A plan: a recipe held against an input, every name and bound checked, nothing done yet."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline import rules as rule_checks
from pipeline.dedup.corpus_columns import measured_by, unmeasured_by
from pipeline.dedup.documents import forecast as fuzzy_forecast
from pipeline.dedup.documents.planner import banding
from pipeline.dedup.lines import forecast as line_forecast
from pipeline.dedup.substrings import forecast as substring_forecast
from pipeline.errors import PlanError, did_you_mean, placed
from pipeline.recipe import Recipe
from pipeline.rules import Measured
from pipeline.schema import OUTPUT_COLUMNS, TEXT_TABLE
from pipeline.scoring import ScorerSpec, measured_columns, notes_schema, specs_of
from pipeline.sources.folders import WILD
from pipeline.sql import gate
from pipeline.sql.engine import check_expression
from pipeline.stages.ingest import Ingest, plan_ingest
from pipeline.stages.score import notes_key
from pipeline.steps.references import PlannedReference, plan_references
from pipeline.storage.files import same_place
from pipeline.storage.manifest import manifest_path
from pipeline.storage.notes import plan_passes
from pipeline.storage.store import Store
from pipeline.takedown.tombstones import held_elsewhere
from pipeline.totals.buckets import BUCKETS
from scorers import models
from scorers.base import models_of, parameters
from scorers.models.card import ModelError
from scorers.spans import SPANS

SCORE_MB_PER_S = {
    "language": 60.0,
    "gopher": 200.0,
    "repetition": 120.0,
    "lines": 200.0,
    "signals": 40.0,
    "minhash": 150.0,
    "identity": 140.0,
    "exact": 800.0,
    "contamination": 150.0,
}
"""Rough speed of each scorer on one core of the machine in benchmarks/README.md, for the forecast only."""


@dataclass(frozen=True)
class Plan:
    """Everything a run needs, checked. measured: of each pass, whether its notes are there already."""

    recipe: Recipe
    corpus: str
    ingest: Ingest
    specs: tuple[ScorerSpec, ...]
    columns: dict[str, Measured]
    passes: tuple[tuple[ScorerSpec, ...], ...]
    measured: tuple[bool, ...]
    references: tuple[PlannedReference, ...] = ()
    held_elsewhere: tuple[str, ...] = ()
    """Corpora with takedowns that have files of this input, too."""

    def told(self, workers: int) -> dict[str, Any]:
        """The plan for people and --json: stages, units, forecast."""
        total_bytes = self.ingest.total_bytes
        missing = [s for specs, there in zip(self.passes, self.measured, strict=True) if not there for s in specs]
        rates = [SCORE_MB_PER_S.get(s.scorer, 20.0) for s in missing]
        lines = self.recipe.dedup.lines if self.recipe.dedup else None
        passages = self.recipe.dedup.substrings if self.recipe.dedup else None
        score_s = sum(total_bytes / 1e6 / r for r in rates) / workers
        if passages is not None:
            score_s += substring_forecast.seconds(passages, total_bytes) / workers
        return {
            "recipe": self.recipe.name,
            "recipe_digest": self.recipe.digest(),
            "corpus": self.corpus,
            "input": {"files": len(self.ingest.files), "text_bytes": total_bytes, "units": len(self.ingest.units())},
            "stages": [s for s, wanted in self._stages() if wanted],
            "scorers": [{"alias": s.alias, "scorer": s.scorer, "parameters": dict(s.parameters)} for s in self.specs],
            "passes": [[s.alias for s in p if s in self.specs] for p in self.passes],
            "measured": list(self.measured),
            "rules": [rule_checks.sentence(n, r) for n, r in self.recipe.rules.items()],
            "warnings": self.ingest.warnings() + self.warnings(),
            "fuzzy": self._fuzzy(),
            "lines": line_forecast.sentences(lines, total_bytes) if lines else [],
            "substrings": substring_forecast.sentences(passages, total_bytes) if passages else [],
            "against": [r.told() for r in self.references],
            "forecast": {"workers": workers, "seconds": round(3 + total_bytes / 1e6 / 150 / workers + score_s, 1)},
        }

    def _fuzzy(self) -> list[str]:
        fuzzy = self.recipe.dedup.fuzzy if self.recipe.dedup else None
        if fuzzy is None:
            return []
        minhash = next(s for s in self.specs if s.alias == fuzzy.on)
        return fuzzy_forecast.sentences(fuzzy, parameters(minhash.build()), self.ingest.total_bytes)

    def warnings(self) -> list[str]:
        """Takedowns that do not hold here; what the scorers have to say before they measure: their optional method `warnings()`."""
        held = [
            f"these files are part of corpus {other!r}, too, whose takedowns do not hold for corpus {self.corpus!r}: name it with "
            f"--corpus {other}, or take the documents down here as well"
            for other in self.held_elsewhere
        ]
        told = (getattr(s.build(), "warnings", None) for s in self.specs)
        return held + [w for says in told if callable(says) for w in says()]

    def _stages(self) -> list[tuple[str, bool]]:
        dedup = self.recipe.dedup
        return [("ingest", True), ("score", bool(self.specs)), ("judge", True), ("pairs", bool(dedup and dedup.fuzzy)),
                ("dedup", dedup is not None), ("lines", bool(dedup and dedup.lines)),
                ("substrings", bool(dedup and dedup.substrings)), ("mix", True), ("export", True)]  # fmt: skip


@dataclass(frozen=True)
class Checked:
    """What a recipe says by itself, held against the scorers there are. columns: what its rules may name."""

    recipe: Recipe
    specs: tuple[ScorerSpec, ...]
    columns: dict[str, Measured]


def check_recipe(recipe: Recipe) -> Checked:
    """All of a recipe that can be checked without input: scorers, columns, bounds, SQL, deduplication, export."""
    specs = specs_of(recipe)
    columns = measured_columns(specs)
    with placed("buckets"):
        _check_buckets(recipe, columns)
    for measured in measured_by(recipe.dedup):
        columns |= measured.columns
    columns |= {f"{BUCKETS}.{name}": Measured(pa.string()) for name in recipe.buckets}
    _check_rules(recipe, specs, columns)
    with placed("dedup"):
        _check_dedup(recipe, specs)
    with placed("export"):
        _check_export(recipe, specs, columns)
    return Checked(recipe, specs, columns)


def make_plan(store: Store, recipe: Recipe, corpus: str | None = None, copy: bool = False) -> Plan:
    """Check a recipe against the scorers there are and the input it names."""
    checked = check_recipe(recipe)
    specs, columns = checked.specs, checked.columns
    if not recipe.input.paths:
        raise PlanError(
            f"recipe {recipe.name!r} names no input; give paths on the command line: winnow run {recipe.name} data/*.parquet"
        )
    if any(same_place(path, store.root) for path in recipe.input.paths):
        raise PlanError(
            f"input: {store.root} is the workspace, too: the next run would take its tables for input; choose another --workspace"
        )
    name = corpus or corpus_name(recipe.input.paths)
    ingest = plan_ingest(store, name, recipe.input, copy)
    passes = plan_passes(store, ingest.key, name, specs)
    tables = (manifest_path(name, "notes", notes_key(p, ingest.key)) for p in passes)
    measured = tuple(store.exists(t) for t in tables)
    check_models([s for p, there in zip(passes, measured, strict=True) if not there for s in p])
    references = plan_references(store, recipe.dedup.against if recipe.dedup else (), name)
    elsewhere = held_elsewhere(store, name, {f.path for f in ingest.files})
    return Plan(recipe, name, ingest, specs, columns, tuple(passes), measured, references, tuple(elsewhere))


def check_models(specs: Sequence[ScorerSpec]) -> None:
    """Every model these scorers read is here and is the file its card names; PlanError says how to get it."""
    for spec in specs:
        for name in models_of(spec.build()):
            try:
                models.check(name)
            except ModelError as error:
                raise PlanError(f"scorer {spec.alias!r}: {error}") from None


def corpus_name(paths: Sequence[str]) -> str:
    """A name from the last folder or file that is no pattern: of the one path, or of what several have in common, so that a
    pattern names the same corpus whoever expands it. Inputs may share a name: tables are told apart by what is in them."""
    places = [_pieces(p if len(paths) == 1 or "://" in p else os.path.abspath(p)) for p in paths]
    common = takewhile(lambda names: len(set(names)) == 1, zip(*places, strict=False))
    pieces = [names[0] for names in common] or _pieces(paths[0]) or [Path.cwd().name]
    stem = re.sub(r"\.(parquet|pq|jsonl?|ndjson|txt|md|gz|zst)$", "", re.sub(r"\.(gz|zst)$", "", pieces[-1]))
    return re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-.") or "corpus"


def _pieces(path: str) -> list[str]:
    """Folders and file of a path, without patterns."""
    pieces = re.split(r"[/\\]", path.split("://")[-1])
    return [p for p in pieces if p and not WILD.search(p) and p not in (".", "..")]


def rule_schema(specs: Sequence[ScorerSpec]) -> pa.Schema:
    """What a predicate may name: provenance, and a struct per scorer without signatures and spans."""
    fields = [pa.field(c.name, c.type) for c in TEXT_TABLE]
    for field in list(notes_schema(specs))[1:]:
        plain = [f for f in field.type if not (pa.types.is_nested(f.type) or pa.types.is_fixed_size_binary(f.type))]
        fields.append(pa.field(field.name, pa.struct(plain)))
    return pa.schema(fields)


def _with_dedup(recipe: Recipe, schema: pa.Schema) -> pa.Schema:
    """What a predicate may name, with the shares of repeated lines and passages where they are measured."""
    for measured in measured_by(recipe.dedup):
        schema = schema.append(pa.field(measured.alias, measured.struct))
    return schema


def _check_measured(recipe: Recipe, name: str, asked: str) -> None:
    for missing in unmeasured_by(recipe.dedup):
        if missing.alias in rule_checks.names_in(asked):
            raise PlanError(
                f"rule {name!r} asks for {missing.alias}, which this recipe does not measure; "
                f"set dedup.{missing.key}.action: measure, or both"
            )


def _check_buckets(recipe: Recipe, columns: dict[str, Measured]) -> None:
    taken = (*OUTPUT_COLUMNS, *recipe.export.notes)
    for name, bucket in recipe.buckets.items():
        if name in taken:
            raise PlanError(
                f"buckets.{name}: the output has a column {name!r} already, as it has {', '.join(taken)}; take another name"
            )
        for what, path, wants in (("column", bucket.column, "a number"), ("by", bucket.by, "a string")):
            if path is None:
                continue
            if path not in columns:
                raise PlanError(f"buckets.{name}.{what}: no column {path!r}.{did_you_mean(path, columns)}")
            found = columns[path].type
            number = pa.types.is_integer(found) or pa.types.is_floating(found)
            if number != (wants == "a number") or not (number or pa.types.is_string(found)):
                raise PlanError(f"buckets.{name}.{what}: {path} is {found}, expected {wants}")


def _check_rules(recipe: Recipe, specs: Sequence[ScorerSpec], columns: dict[str, Measured]) -> None:
    schema = rule_schema(specs)
    schema = _with_dedup(recipe, schema)
    if recipe.buckets:
        schema = schema.append(pa.field(BUCKETS, pa.struct([pa.field(n, pa.string()) for n in recipe.buckets])))
    for name, rule in recipe.rules.items():
        with placed("rules", name):
            _check_measured(recipe, name, rule.sql or rule.column or "")
            rule_checks.check(name, rule, columns)
            if rule.sql is not None:
                gate.check(f"rule {name!r}", rule.sql)
                check_expression(rule.sql, schema, f"rule {name!r}", wants="bool")


def _check_dedup(recipe: Recipe, specs: Sequence[ScorerSpec]) -> None:
    dedup = recipe.dedup
    if dedup is None:
        return
    aliases = {s.alias: s for s in specs}
    if dedup.against and not (dedup.exact or dedup.fuzzy or dedup.url):
        raise PlanError("dedup.against: nothing is compared; set dedup.exact, dedup.fuzzy or dedup.url")
    if dedup.exact and not any(s.scorer == "exact" for s in specs):
        raise PlanError("dedup.exact needs the scorer 'exact' in `score`")
    if dedup.fuzzy is not None:
        found = aliases.get(dedup.fuzzy.on)
        if found is None or found.scorer != "minhash":
            known = [a for a, s in aliases.items() if s.scorer == "minhash"]
            raise PlanError(
                f"dedup.fuzzy.on: {dedup.fuzzy.on!r} is not a minhash scorer in `score`; there are {known or 'none'}.{did_you_mean(dedup.fuzzy.on, known)}"
            )
        if not any(s.scorer == "exact" for s in specs):
            raise PlanError(
                "dedup.fuzzy needs the scorer 'exact' in `score`: exact copies are collapsed before pairs are compared"
            )
        banding(dedup.fuzzy, int(parameters(found.build())["num_perm"]))  # what cannot be had stops the plan
    gate.check("dedup.keep", dedup.keep, ordering=True)
    check_expression(dedup.keep, _with_dedup(recipe, rule_schema(specs)), "dedup.keep")


def _check_export(recipe: Recipe, specs: Sequence[ScorerSpec], columns: dict[str, Measured]) -> None:
    for edit in recipe.export.edits:
        measured = columns.get(edit)
        if measured is None or measured.type != SPANS:
            spans = [c for c, m in columns.items() if m.type == SPANS]
            raise PlanError(
                f"export.edits: {edit!r} is not a column of spans; there are {spans or 'none'}.{did_you_mean(edit, spans)}"
            )
    aliases = [s.alias for s in specs]
    for alias in recipe.export.notes:
        if alias not in aliases:
            raise PlanError(
                f"export.notes: no scorer {alias!r} in `score`; there are {', '.join(aliases)}.{did_you_mean(alias, aliases)}"
            )
