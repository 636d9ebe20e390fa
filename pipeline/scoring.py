"""Scorers as a recipe names them: an alias, a scorer, its parameters; buildable in any process from plain data."""

from __future__ import annotations

import hashlib
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.decontamination.eval_sets import with_index
from pipeline.errors import PlanError, WinnowError, placed
from pipeline.recipe import NAME, Recipe
from pipeline.rules import Measured
from pipeline.schema import TEXT_TABLE
from scorers import base
from scorers.text import TextBatch

RESERVED = frozenset(c.name for c in TEXT_TABLE) | {
    *("text", "metadata", "shard", "row", "kept", "failed", "buckets", "corpus_lines", "corpus_substrings")
}


@dataclass(frozen=True, slots=True)
class ScorerSpec:
    """alias names the struct column in the notes; parameters are (name, value) pairs, so that a spec is hashable; source
    is the sha256 of a user's own file, so that an edited file is another scorer, in this process too."""

    alias: str
    scorer: str
    parameters: tuple[tuple[str, Any], ...] = ()
    source: str = ""

    def build(self) -> base.Scorer:
        """The scorer, built once per process."""
        return _build(self.scorer, self.parameters, self.source)

    def fingerprint(self) -> str:
        """32 hex digits over everything that determines what it measures, its own source where it is a user's file."""
        own = base.fingerprint(self.build())
        return hashlib.sha256((own + self.source).encode()).hexdigest()[:32] if self.source else own


@cache
def _build(scorer: str, parameters: tuple[tuple[str, Any], ...], source: str) -> base.Scorer:
    if source and source_digest(scorer) != source:
        raise PlanError(f"scorer file {scorer!r} changed while the job ran; run the job again")
    return base.build(scorer, dict(parameters))


def source_digest(scorer: str) -> str:
    """sha256 of a user's scorer file; nothing for a scorer by name."""
    path = Path(scorer)
    return hashlib.sha256(path.read_bytes()).hexdigest() if scorer.endswith(".py") and path.is_file() else ""


def specs_of(recipe: Recipe) -> tuple[ScorerSpec, ...]:
    """The recipe's scorers in order, each checked by building it; errors name the place in the recipe."""
    specs = []
    for i, entry in enumerate(recipe.score):
        with placed("score", i):
            specs.append(spec_of(entry, i))
    seen: set[str] = set()
    for spec in specs:
        if spec.alias in seen:
            raise PlanError(
                f"score: {spec.alias!r} is there twice; give one of them a name of its own: {{my_name: {{use: {spec.scorer}}}}}"
            )
        seen.add(spec.alias)
    return tuple(specs)


def spec_of(entry: Any, position: int = 0) -> ScorerSpec:
    """A checked spec: its scorer is there and takes these parameters, and what it compares with is read."""
    spec = parse_spec(with_index(entry), position)
    try:
        spec.build()
    except base.ScorerError as error:
        raise PlanError(f"score[{position}]: {error}") from None
    return spec


def parse_spec(entry: Any, position: int = 0) -> ScorerSpec:
    """A spec from `name`, `{name: {parameters}}`, `{alias: {use: name, parameters}}` or a path to a .py file."""
    if isinstance(entry, str):
        alias, given = entry, {}
    elif len(entry) == 1:
        alias, given = next(iter(entry.items()))
        given = dict(given or {})
    else:
        raise PlanError(
            f"score[{position}]: expected one scorer, found {len(entry)} ({', '.join(entry)}); write each as a list item of its own"
        )
    scorer = str(given.pop("use", alias))
    if scorer.endswith(".py"):
        scorer = str(Path(scorer).absolute())
        alias = Path(alias).stem if alias.endswith(".py") else alias
    if not NAME.fullmatch(alias) or alias in RESERVED:
        raise PlanError(
            f"score[{position}]: {alias!r} cannot name a column of the notes; use letters, digits and '_', and not a column of the text table"
        )
    given_pairs = tuple(sorted((k, _hashable(v)) for k, v in given.items()))
    return ScorerSpec(alias, scorer, given_pairs, source_digest(scorer))


def _hashable(value: Any) -> Any:
    return tuple(_hashable(v) for v in value) if isinstance(value, list) else value


def measured_columns(specs: Sequence[ScorerSpec]) -> dict[str, Measured]:
    """Every column a rule may name: `alias.column` for the notes, plain names for the text table's provenance."""
    columns = {
        c.name: Measured(c.type, low=0 if pa.types.is_integer(c.type) else None)
        for c in TEXT_TABLE
        if c.name != "quarantine_detail"
    }
    for spec in specs:
        for column in spec.build().columns():
            columns[f"{spec.alias}.{column.name}"] = Measured(column.type, column.low, column.high)
    return columns


def notes_schema(specs: Sequence[ScorerSpec]) -> pa.Schema:
    """doc_id, then one struct per scorer."""
    return pa.schema(
        [pa.field("doc_id", pa.string()), *(pa.field(s.alias, base.struct_type(s.build())) for s in specs)]
    )


def measure(spec: ScorerSpec, batch: TextBatch) -> pa.StructArray:
    """What one scorer says about a batch, checked against its declaration; an error names the scorer."""
    scorer = spec.build()
    try:
        return base.as_struct(scorer, scorer.score(batch), len(batch))
    except base.ScorerError as error:
        raise WinnowError(str(error)) from error
    except (MemoryError, OSError):
        raise  # may pass on another attempt
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{frame.filename}:{frame.lineno}"
        raise WinnowError(f"scorer {spec.alias!r} failed at {where}: {type(error).__name__}: {error}") from error


def columns_told(columns: Iterable[base.Column]) -> list[dict[str, str]]:
    """Columns as manifests have them."""
    return [{"name": c.name, "type": str(c.type), "unit": c.unit, "meaning": c.meaning} for c in columns]
