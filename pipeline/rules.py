"""Rules as data with two faces: an SQL condition and a sentence. A rule sees measured columns, never text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import pyarrow as pa

from pipeline.errors import PlanError, did_you_mean
from pipeline.recipe.rules import Rule
from pipeline.recipe.tree import Scalar

BOUNDS = {"min": ">=", "max": "<=", "above": ">", "below": "<"}


@dataclass(frozen=True, slots=True)
class Measured:
    """What a rule needs to know of a column: its type, and the lowest and highest value that can come out."""

    type: pa.DataType
    low: float | None = None
    high: float | None = None


MOST_INTEGER, DECIMAL_DIGITS = 2**64, 36
"""Beyond these a literal is written with an exponent, which the engine takes for a double whatever it is held against: no integer of a
column is beyond."""
WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def names_in(sql: str) -> set[str]:
    """Every word of an expression, in lower case, as SQL does not tell case; what it may name is among them."""
    return {w.lower() for w in WORD.findall(sql)}


def quoted(value: Scalar) -> str:
    """An SQL literal."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if float(value).is_integer():
        return str(int(value)) if abs(value) <= MOST_INTEGER else repr(float(value))
    digits = format(Decimal(repr(value)), "f")
    return digits if len(digits) <= DECIMAL_DIGITS else repr(value)


def column_sql(path: str) -> str:
    """`gopher.word_count` as SQL."""
    return ".".join('"' + p.replace('"', '""') + '"' for p in path.split("."))


def number(value: float) -> str:
    """A bound as people write it: 50, not 50.0."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def condition(rule: Rule) -> str:
    """SQL that is true exactly where the document meets the rule."""
    if rule.sql is not None:
        return f"coalesce(({rule.sql}\n), {'true' if rule.null == 'keep' else 'false'})"
    assert rule.column is not None
    column = column_sql(rule.column)
    met = " and ".join(_bound_sql(column, bound) for bound in bounds_of(rule))
    return f"coalesce({met}, {'true' if rule.null == 'keep' else 'false'})"


def sentence(name: str, rule: Rule) -> str:
    """The rule for people: 'long_enough: gopher.word_count min 50, max 100000'."""
    if rule.sql is not None:
        return f"{name}: {rule.sql}"
    null = "; not measured is kept" if rule.null == "keep" else ""
    return f"{name}: {rule.column} {', '.join(b.sentence for b in bounds_of(rule))}{null}"


@dataclass(frozen=True, slots=True)
class OneBound:
    """One of a rule's bounds: its key in the recipe (min, max, above, below, in, not_in), the number or values, and its words."""

    name: str
    value: float | tuple[Scalar, ...]
    sentence: str


def bounds_of(rule: Rule) -> list[OneBound]:
    """All bounds that a rule on a column has, in the order in which they are told of."""
    given = [(name, getattr(rule, name)) for name in BOUNDS]
    found = [OneBound(name, value, f"{name} {number(value)}") for name, value in given if value is not None]
    for name, values in (("in", rule.in_), ("not_in", rule.not_in)):
        if values is not None:
            found.append(OneBound(name, values, f"{name.replace('_', ' ')} {', '.join(map(str, values))}"))
    return found


def _bound_sql(column: str, bound: OneBound) -> str:
    if isinstance(bound.value, tuple):
        return f"{column} {bound.name.replace('_', ' ')} ({', '.join(map(quoted, bound.value))})"
    return f"{column} {BOUNDS[bound.name]} {quoted(bound.value)}"


def check(name: str, rule: Rule, columns: Mapping[str, Measured]) -> None:
    """Stop a plan at an unknown column, a bound of the wrong type, or a bound that can never fire or always does."""
    if rule.column is None:
        return
    measured = columns.get(rule.column)
    if measured is None:
        raise PlanError(
            f"rule {name!r}: no column {rule.column!r}; {_what_there_is(rule.column, columns)}{did_you_mean(rule.column, columns)}"
        )
    numeric = pa.types.is_integer(measured.type) or pa.types.is_floating(measured.type)
    for bound in BOUNDS:
        if getattr(rule, bound) is not None and not numeric:
            raise PlanError(
                f"rule {name!r}: {bound} needs a number, but {rule.column} is {measured.type}; use in or not_in"
            )
    for value in (*(rule.in_ or ()), *(rule.not_in or ())):
        if not _fits(value, measured.type):
            raise PlanError(f"rule {name!r}: {value!r} is {type(value).__name__}, but {rule.column} is {measured.type}")
    _check_range(name, rule, measured)


def _what_there_is(path: str, columns: Mapping[str, Measured]) -> str:
    scorer = path.split(".")[0]
    own = [c for c in columns if c.startswith(f"{scorer}.")]
    if own:
        return f"{scorer} has {', '.join(c.split('.', 1)[1] for c in own)}."
    return f"there are {', '.join(sorted({c.split('.')[0] for c in columns}))} (a scorer's columns are named scorer.column; is it in `score`?)."


def _fits(value: Scalar, type_: pa.DataType) -> bool:
    if isinstance(value, bool):
        return bool(pa.types.is_boolean(type_))
    if isinstance(value, str):
        return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_))
    return bool(pa.types.is_integer(type_) or pa.types.is_floating(type_))


def _check_range(name: str, rule: Rule, measured: Measured) -> None:
    low, high = measured.low, measured.high
    never, always = [], []
    if rule.min is not None:
        never.append((low is not None and rule.min <= low, f"min {number(rule.min)}"))
        always.append((high is not None and rule.min > high, f"min {number(rule.min)}"))
    if rule.max is not None:
        never.append((high is not None and rule.max >= high, f"max {number(rule.max)}"))
        always.append((low is not None and rule.max < low, f"max {number(rule.max)}"))
    if rule.above is not None:
        never.append((low is not None and rule.above < low, f"above {number(rule.above)}"))
        always.append((high is not None and rule.above >= high, f"above {number(rule.above)}"))
    if rule.below is not None:
        never.append((high is not None and rule.below > high, f"below {number(rule.below)}"))
        always.append((low is not None and rule.below <= low, f"below {number(rule.below)}"))
    between = f"{rule.column} lies between {'-inf' if low is None else number(low)} and {'inf' if high is None else number(high)}"
    for fires_never, text in never:
        if fires_never:
            raise PlanError(
                f"rule {name!r}: {text} can never remove a document: {between}. Take the bound away (--set rules.{name}=)"
            )
    for fires_always, text in always:
        if fires_always:
            raise PlanError(f"rule {name!r}: {text} would remove every document: {between}")
    lowest = max((v for v in (rule.min, rule.above) if v is not None), default=None)
    highest = min((v for v in (rule.max, rule.below) if v is not None), default=None)
    if lowest is not None and highest is not None and lowest > highest:
        raise PlanError(f"rule {name!r}: nothing is both at least {number(lowest)} and at most {number(highest)}")
