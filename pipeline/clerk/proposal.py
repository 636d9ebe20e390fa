"""Rules to try on what a job has measured: which they are, and which documents fail them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.clerk.asked import bounded
from pipeline.clerk.bands import Columns
from pipeline.clerk.job import OpenJob
from pipeline.errors import PlanError
from pipeline.plan import check_recipe
from pipeline.recipe import Recipe
from pipeline.recipe.rules import Bucket, Rule
from pipeline.recipe_file import apply_setting, validate
from pipeline.rules import condition, names_in
from pipeline.schema import TEXT_TABLE
from pipeline.stages.judge import columns_needed
from pipeline.totals.buckets import BUCKETS, Cuts, bucket_columns, column, cuts_of, histogram

DECIDED_LATER = ("score", "dedup", "input", "export", "version")
"""Parts of a recipe that a preview cannot try: they need another pass, or all documents at once."""
Bits = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Proposal:
    """Rules with the buckets they name. cuts: where those lie in this corpus, by bucket; own: of the rules, those that the
    job itself ran, so that its verdict says already who failed them."""

    rules: dict[str, Rule]
    buckets: dict[str, Bucket]
    cuts: dict[str, Cuts]
    own: frozenset[str]


def present(opened: OpenJob) -> Proposal:
    """The job's own."""
    recipe = opened.recipe
    return Proposal(recipe.rules, recipe.buckets, _cuts_of_job(opened), frozenset(recipe.rules))


def changed(opened: OpenJob, rules: Mapping[str, Any] | None, changes: Sequence[str] | None) -> Recipe:
    """The job's recipe with other rules, or with changes made to it; checked. Raises RecipeError, PlanError."""
    recipe = opened.recipe
    tree: dict[str, Any] = json.loads(recipe.canonical())
    if rules is not None:
        tree["rules"] = dict(rules)
    for change in changes or ():
        apply_setting(tree, change)
    bounded(tree)
    made = validate(tree, "preview")
    other = [part for part in DECIDED_LATER if getattr(made, part) != getattr(recipe, part)]
    if other:
        raise PlanError(f"a preview tries rules and buckets; {', '.join(other)} would need a run: submit it as a job")
    there = opened.scorers()
    missing = sorted({s.alias for s in check_recipe(made).specs} - there.keys())
    if missing:
        raise PlanError(f"job {opened.job.id} has no notes of {', '.join(missing)} yet; ask again when it has scored")
    return made


def proposed(opened: OpenJob, made: Recipe, columns: Sequence[Columns]) -> Proposal:
    """A checked recipe's rules, its changed buckets cut anew."""
    recipe, cuts = opened.recipe, _cuts_of_job(opened)
    new = [n for n, b in made.buckets.items() if b != recipe.buckets.get(n) or n not in cuts]
    cuts = {n: c for n, c in cuts.items() if n in made.buckets} | {n: _cut(columns, made.buckets[n]) for n in new}
    own = {n for n, r in made.rules.items() if _same(r, recipe.rules.get(n)) and not _names_one(r, new)}
    return Proposal(made.rules, made.buckets, cuts, frozenset(own))


def _same(rule: Rule, other: Rule | None) -> bool:
    return other is not None and rule.model_copy(update={"why": other.why}) == other


def _names_one(rule: Rule, buckets: Sequence[str]) -> bool:
    named = names_in(rule.sql) if rule.sql is not None else names_in(rule.column or "")
    return BUCKETS in named and any(b.lower() in named for b in buckets)


def _cuts_of_job(opened: OpenJob) -> dict[str, Cuts]:
    verdict, _ = opened.decided
    return {
        bucket: {group: tuple(bounds) for group, bounds in cuts.items()}
        for bucket, cuts in verdict.details.get("cuts", {}).items()
    }


def _cut(columns: Sequence[Columns], bucket: Bucket) -> Cuts:
    """As `calibrate` cuts it: histograms of all documents that are not taken down, added up."""
    if bucket.values is not None:
        return dict(bucket.values)
    tables = []
    for band in columns:
        rows = rows_of(band, [n for n in (bucket.column, bucket.by) if n is not None])
        rows = rows.filter(pa.array(~band.taken_down()))
        groups = column(rows, bucket.by) if bucket.by else None
        tables.append(histogram(column(rows, bucket.column), groups).table())
    return cuts_of(tables, bucket)[0]


def rows_of(columns: Columns, names: Sequence[str]) -> pa.Table:
    """Columns by their path as a rule sees them: one struct a scorer, plain columns of the text table."""
    plain = columns.provenance([n for n in names if "." not in n])
    fields: dict[str, dict[str, pa.ChunkedArray]] = {}
    for name, values in columns.measured([n for n in names if "." in n]).items():
        alias, _, field = name.partition(".")
        fields.setdefault(alias, {})[field] = values
    structs = {
        alias: pa.chunked_array(
            [
                pa.StructArray.from_arrays(list(c), names=list(own))
                for c in zip(*(v.chunks for v in own.values()), strict=True)
            ]
        )
        for alias, own in fields.items()
    }
    return pa.table({**plain, **structs})


def failing(columns: Columns, proposal: Proposal) -> dict[str, Bits]:
    """By rule, in order: the documents of a band that fail it, as packed bits."""
    said = columns.failed() if proposal.own else {}
    tried = {n: r for n, r in proposal.rules.items() if n not in proposal.own}
    keys = {n: _key(columns, r, proposal) for n, r in tried.items()}
    found = {n: columns.desk.cache.find(key) for n, key in keys.items()}
    new = {n: r for n, r in tried.items() if found[n] is None}
    for name, bits in (_judge(columns, proposal, new) if new else {}).items():
        columns.desk.cache.put(keys[name], bits, bits.nbytes)
        found[name] = bits
    return {n: said[n] if n in proposal.own else found[n] for n in proposal.rules}


def _key(columns: Columns, rule: Rule, proposal: Proposal) -> tuple[Any, ...]:
    tables, band = columns.opened.tables, columns.band
    named = json.dumps(
        [proposal.cuts, [(n, b.model_dump(mode="json")) for n, b in proposal.buckets.items()]], sort_keys=True
    )
    notes = tuple(n.key for n in tables.notes)
    told = rule.model_dump_json(by_alias=True, exclude={"why"})
    return (
        tables.text.key,
        notes,
        band.first,
        band.last,
        told,
        named if _names_one(rule, list(proposal.buckets)) else "",
    )


def _judge(columns: Columns, proposal: Proposal, rules: Mapping[str, Rule]) -> dict[str, Bits]:
    """As the stage judges, over one band."""
    named = {n: b for n, b in proposal.buckets.items() if any(_names_one(r, [n]) for r in rules.values())}
    notes, provenance = columns_needed(rules, _known(columns.opened), named)
    rows = rows_of(columns, [*(provenance or ["text_bytes"]), *notes])
    if named:
        rows = rows.append_column(BUCKETS, bucket_columns(rows, named, proposal.cuts))
    engine = columns.desk.engine
    engine.register("rows", rows)
    try:
        asked = ", ".join(f"not {condition(r)} as r{i}" for i, r in enumerate(rules.values()))
        made = engine.sql(f"select {asked} from rows").to_arrow_table()
    finally:
        engine.unregister("rows")
    return {n: np.packbits(made.column(i).to_numpy()) for i, n in enumerate(rules)}


def _known(opened: OpenJob) -> list[str]:
    """Every column a rule may name."""
    notes = [f"{alias}.{c['name']}" for alias, told in opened.scorers().items() for c in told["columns"]]
    return [*(c.name for c in TEXT_TABLE), *notes]
