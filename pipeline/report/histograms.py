"""How the measurements lie, and where the rules cut them: one histogram for every column that a rule looks at."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import duckdb
import numpy as np
import numpy.typing as npt

from pipeline.recipe import Recipe
from pipeline.recipe.rules import Rule
from pipeline.rules import BOUNDS, column_sql, number, quoted
from pipeline.sql.engine import rows_as_dicts

BINS = 48
SAMPLE_DOCUMENTS = 500_000
"""Above this, every k-th row is binned; what a bound removed is counted over all of them even so."""
TAIL_FRAC = 0.005
LOG_FROM = 100
CATEGORIES = 8
COLUMN = re.compile(r"\b[A-Za-z_]\w*\.[A-Za-z_]\w*\b")

Scale = Literal["linear", "log"]


@dataclass(frozen=True, slots=True)
class Cut:
    """A bound drawn into a histogram. documents: how many failed it, over all documents."""

    rule: str
    bound: str
    at: float
    removes: Literal["below", "above"]
    documents: int


@dataclass(frozen=True, slots=True)
class Histogram:
    """One measured column, in bins. edges: f64[bins + 1], in log10(1 + x) where scale is 'log'; values beyond the ends
    are in the first and last bin. every: 1 where all documents are binned, k for every k-th."""

    column: str
    unit: str
    meaning: str
    scale: Scale
    edges: tuple[float, ...]
    kept: tuple[int, ...]
    removed: tuple[int, ...]
    cuts: tuple[Cut, ...]
    unmeasured: int
    every: int

    def place(self, value: float) -> float:
        """A value on the axis: 0 at its left end, 1 at its right."""
        at = _scaled(value, self.scale)
        return (at - self.edges[0]) / (self.edges[-1] - self.edges[0])

    def value(self, edge: float) -> float:
        """What is measured at an edge."""
        return 10**edge - 1 if self.scale == "log" else edge


@dataclass(frozen=True, slots=True)
class Categories:
    """One column of names or flags: (value, kept, removed), the most frequent first."""

    column: str
    meaning: str
    values: tuple[tuple[str, int, int], ...]
    rules: tuple[str, ...]
    every: int


@dataclass(frozen=True, slots=True)
class Shape:
    """Where a column's values lie: the least and the most of them, and the ends of their middle 99 %."""

    low: float
    high: float
    middle: tuple[float, float]

    @staticmethod
    def of(sample: npt.NDArray[np.float64], low: float, high: float) -> Shape:
        """From a sample of the values, and the ends of all of them."""
        ends = np.quantile(sample, [TAIL_FRAC, 1 - TAIL_FRAC])
        return Shape(low, high, (float(ends[0]), float(ends[1])))


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is known of a column before it is binned."""

    name: str
    alias: str
    type: str
    unit: str
    meaning: str


def histograms(connection: duckdb.DuckDBPyConnection, recipe: Recipe) -> list[Histogram | Categories]:
    """One picture a column, in the order in which the rules first name it."""
    seen = _columns(connection, recipe.rules)
    if not seen:
        return []
    every = _measure(connection, seen)
    failed = _failures(connection)
    shapes = _shapes(connection, [s for s in seen if _numeric(s)])
    found: list[Histogram | Categories] = []
    for column in seen:
        rules = {n: r for n, r in recipe.rules.items() if column.name in names_of(r)}
        if not _numeric(column):
            found.append(_categories(connection, column, rules, every))
        elif shapes[column.alias]["n"]:
            found.append(_histogram(connection, column, rules, failed, shapes[column.alias], every))
    return found


def names_of(rule: Rule) -> list[str]:
    """The measured columns that a rule looks at."""
    return [rule.column] if rule.column is not None else COLUMN.findall(rule.sql or "")


def _numeric(column: _Seen) -> bool:
    return column.type.startswith(("int", "uint", "double", "float"))


def _columns(connection: duckdb.DuckDBPyConnection, rules: Mapping[str, Rule]) -> list[_Seen]:
    known = rows_as_dicts(connection, "select * from columns where \"table\" in ('documents', 'text')")
    told = {c["name"]: c for c in known if c["type"].startswith(("int", "uint", "double", "float", "bool", "string"))}
    names = [n for n in dict.fromkeys(n for r in rules.values() for n in names_of(r)) if n in told]
    return [_Seen(n, f"c{i}", told[n]["type"], told[n]["unit"], told[n]["meaning"]) for i, n in enumerate(names)]


def _measure(connection: duckdb.DuckDBPyConnection, seen: Sequence[_Seen]) -> int:
    """The table `measured`: what the columns say about the documents to bin. Returns k of every k-th."""
    rows = rows_as_dicts(connection, "select count(*) as n from text_rows")[0]["n"]
    every: int = max(1, math.ceil(rows / SAMPLE_DOCUMENTS))
    picked = ", ".join(f"{column_sql(s.name)}::{'double' if _numeric(s) else 'varchar'} as {s.alias}" for s in seen)
    connection.execute(
        f"""
        create or replace temp table measured as select copies > 0 as is_kept, {picked} from documents
        where stage is distinct from 'quarantine' and (shard + row) % {every} = 0
        """
    )
    return every


def _failures(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], int]:
    """Documents that failed, by rule and bound."""
    found = rows_as_dicts(
        connection,
        "select f.rule, f.bound, count(*) as n from (select unnest(failed) as f from verdicts) group by all",
    )
    return {(f["rule"], f["bound"]): f["n"] for f in found}


def _shapes(connection: duckdb.DuckDBPyConnection, seen: Sequence[_Seen]) -> dict[str, dict[str, Any]]:
    """Where each column lies, all of them in one pass."""
    if not seen:
        return {}
    asked = ", ".join(
        f"{{'n': count({s.alias}), 'null': count(*) - count({s.alias}), 'low': min({s.alias}), 'high': max({s.alias}), "
        f"'middle': quantile_cont({s.alias}, [{TAIL_FRAC}, {1 - TAIL_FRAC}])}} as {s.alias}"
        for s in seen
    )
    return rows_as_dicts(connection, f"select {asked} from measured")[0]


def _histogram(
    connection: duckdb.DuckDBPyConnection,
    column: _Seen,
    rules: Mapping[str, Rule],
    failed: Mapping[tuple[str, str], int],
    shape: Mapping[str, Any],
    every: int,
) -> Histogram:
    cuts = tuple(_cut(n, r, b, failed) for n, r in rules.items() for b in BOUNDS if getattr(r, b) is not None)
    lies = Shape(shape["low"], shape["high"], (shape["middle"][0], shape["middle"][1]))
    scale, edges = edges_of(lies, [c.at for c in cuts], "int" in column.type, column.unit)
    value = f"log10(1 + greatest({column.alias}, 0))" if scale == "log" else column.alias
    bins = len(edges) - 1
    position = f"floor(({value} - {edges[0]!r}) / {edges[-1] - edges[0]!r} * {bins})"
    found = rows_as_dicts(
        connection,
        f"""
        select greatest(0, least({bins - 1}, {position}))::int as bin, count(*) filter (is_kept) as kept, count(*) as n
        from measured where {column.alias} is not null group by 1
        """,
    )
    kept, removed = [0] * bins, [0] * bins
    for row in found:
        kept[row["bin"]], removed[row["bin"]] = row["kept"], row["n"] - row["kept"]
    told = (column.name, column.unit, column.meaning, scale)
    return Histogram(*told, tuple(edges), tuple(kept), tuple(removed), cuts, shape["null"], every)


def _cut(name: str, rule: Rule, bound: str, failed: Mapping[tuple[str, str], int]) -> Cut:
    at = getattr(rule, bound)
    told = f"{bound} {number(at)}"
    return Cut(name, told, at, "below" if bound in ("min", "above") else "above", failed.get((name, told), 0))


def _scaled(value: float, scale: Scale) -> float:
    return math.log10(1 + max(value, 0.0)) if scale == "log" else value


def edges_of(
    shape: Shape, bounds: Sequence[float], whole: bool, unit: str, bins: int = BINS
) -> tuple[Scale, list[float]]:
    """Bins over the middle 99 % of the values and every bound that is not far off; counts on a log axis. whole: they are
    whole numbers, which have bins of their own where they are few."""
    low, high = shape.middle
    scale: Scale = "log" if whole and high >= LOG_FROM and low >= 0 and high > 20 * max(low, 1) else "linear"
    reach = math.inf if scale == "log" or unit == "fraction" or low == high else 2 * (high - low)
    near = [b for b in bounds if low - reach <= b <= high + reach]
    if whole and max([high, *near]) - min([low, *near]) < bins:
        low, high = math.floor(min([low, *near])) - 0.5, math.ceil(max([high, *near])) + 0.5
        return "linear", [low + i for i in range(round(high - low) + 1)]
    ends = [_scaled(v, scale) for v in (low, high, *near)]
    # a bound at the very end would leave nothing of what it removes
    pad = 0.07 * (max(ends) - min(ends)) or 0.5
    low = min(_scaled(low, scale), *(_scaled(b, scale) - pad for b in near)) if near else ends[0]
    high = max(_scaled(high, scale), *(_scaled(b, scale) + pad for b in near)) if near else ends[1]
    low = max(low, _scaled(min(shape.low, *near, 0.0) if near else shape.low, scale))
    high = high if high > low else low + pad
    return scale, [low + (high - low) * i / bins for i in range(bins + 1)]


def _categories(
    connection: duckdb.DuckDBPyConnection, column: _Seen, rules: Mapping[str, Rule], every: int
) -> Categories:
    found = rows_as_dicts(
        connection,
        f"""
        select coalesce({column.alias}, {quoted("(not measured)")}) as value, count(*) filter (is_kept) as kept,
               count(*) filter (not is_kept) as removed
        from measured group by 1 order by kept + removed desc, 1 limit {CATEGORIES}
        """,
    )
    values = tuple((f["value"], f["kept"], f["removed"]) for f in found)
    return Categories(column.name, column.meaning, values, tuple(rules), every)
