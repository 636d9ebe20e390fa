"""The budgets of `dedup.guard`, held against what deduplication would do: plain counts in, rows and sentences out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import pyarrow as pa

from pipeline.dedup.documents.schema import EFFECTS_TABLE
from pipeline.errors import GuardHeld
from pipeline.recipe.dedup import Guard
from pipeline.schema import arrow_schema

LISTED = 10
"""Sources and clusters in the table, the worst first; whatever breaks a budget is in it besides."""
NAMED = 3
SOURCE, CLUSTER = "source", "cluster"
"""What a row of the table `effects` is about."""


@dataclass(frozen=True)
class Effect:
    """What deduplication does to the documents that rules kept. sources: name -> (kept by rules, removed of these); clusters:
    (documents, name) of the largest; near: near-duplicates removed, edge: those less than `guard.edge` above the threshold."""

    documents: int
    removed: int
    sources: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    clusters: tuple[tuple[int, str], ...] = ()
    near: int = 0
    edge: int = 0


class Held(NamedTuple):
    """One thing held against one budget; the columns of GUARDS_TABLE."""

    guard: str
    name: str | None
    documents: int
    removed: int
    value: float
    budget: float | None

    @property
    def broken(self) -> bool:
        return self.budget is not None and self.value > self.budget


def added_up(effects: pa.Table) -> pa.Table:
    """Counts of several runs of shards (EFFECTS_TABLE) as one row for each source or cluster, by name."""
    summed = effects.group_by(["about", "name"]).aggregate([("documents", "sum"), ("removed", "sum")])
    made = summed.rename_columns(["about", "name", "documents", "removed"]).sort_by([
        ("about", "ascending"), ("name", "ascending")
    ])  # fmt: skip
    return made.cast(arrow_schema(EFFECTS_TABLE))


def held_against(guard: Guard, effect: Effect) -> list[Held]:
    """Everything that is measured, guard by guard, the worst first: at most LISTED of each and all that is broken."""
    return [row for rows in _measured(guard, effect) for n, row in enumerate(rows) if n < LISTED or row.broken]


def _measured(guard: Guard, effect: Effect) -> Iterator[list[Held]]:
    whole = effect.documents
    yield [Held("max_removed_frac", None, whole, effect.removed, _frac(effect.removed, whole), guard.max_removed_frac)]
    yield _worst(
        Held("max_source_loss", name, of, removed, _frac(removed, of), guard.max_source_loss)
        for name, (of, removed) in effect.sources.items()
        if of >= guard.min_source_docs
    )
    yield _worst(Held("max_cluster_docs", name, whole, n, n, guard.max_cluster_docs) for n, name in effect.clusters)
    if guard.max_cluster_frac is not None:
        budget = guard.max_cluster_frac
        yield _worst(Held("max_cluster_frac", name, whole, n, _frac(n, whole), budget) for n, name in effect.clusters)
    if effect.near:
        value = _frac(effect.edge, effect.near)
        yield [Held("max_edge_frac", None, effect.near, effect.edge, value, guard.max_edge_frac)]


def _frac(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _worst(rows: Iterable[Held]) -> list[Held]:
    return sorted(rows, key=lambda row: (-row.value, -row.removed, row.name or ""))


def broken(rows: Iterable[Held]) -> dict[str, list[Held]]:
    """What breaks each budget that is broken, the worst first."""
    found: dict[str, list[Held]] = {}
    for row in rows:
        if row.broken:
            found.setdefault(row.guard, []).append(row)
    return found


def sentences(rows: Iterable[Held], guard: Guard) -> list[str]:
    """One a broken budget, with the worst that break it."""
    said = []
    for key, worst in broken(rows).items():
        named = ", ".join(_told(row, guard) for row in worst[:NAMED])
        more = f" and {len(worst) - NAMED} more" if len(worst) > NAMED else ""
        said.append(f"dedup.guard.{key} is {worst[0].budget:g}: {named}{more}")
    return said


def _told(row: Held, guard: Guard) -> str:
    if row.guard == "max_source_loss":
        return f"{row.name} loses {row.removed} of {row.documents}"
    if row.guard.startswith("max_cluster"):
        return f"cluster {row.name} has {row.removed} of {row.documents} documents"
    if row.guard == "max_edge_frac":
        return f"{row.removed} of {row.documents} near-duplicates lie less than {guard.edge:g} above the threshold"
    return f"{row.removed} of {row.documents} documents would go"


def acceptance(rows: Iterable[Held]) -> str:
    """`--set` for every broken budget, with the least value that lets this corpus through."""
    return " ".join(
        f"--set dedup.guard.{key}={worst[0].removed if key == 'max_cluster_docs' else _above(worst[0].value)}"
        for key, worst in broken(rows).items()
    )


def _above(value: float) -> str:
    """A share with four digits, rounded up, at most 1."""
    return f"{min(1.0, -(-value * 10_000 // 1) / 10_000):g}"


def hold(guard: Guard, rows: Iterable[Held], job: str) -> None:
    """GuardHeld where a budget is broken: all that are, where to look, and how to accept it."""
    rows = list(rows)
    said = sentences(rows, guard)
    if said:
        what = "a budget is broken" if len(said) == 1 else f"{len(said)} budgets are broken"
        raise GuardHeld(
            f"held before the commit: {what}. " + "; ".join(said) + ". Nothing was exported. "
            f"Look: winnow guards --job {job} shows documents of each; the clusters are in winnow sql --job {job} "
            f"'select * from duplicates order by cluster_size desc'. To accept: the same command with {acceptance(rows)} "
            "(what was found is used again)"
        )
