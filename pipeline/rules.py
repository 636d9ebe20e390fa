"""Rules as data with two faces: an SQL condition and a sentence. A rule sees measured columns, never text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

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
    return repr(value)


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
    met = " and ".join(sql for sql, _ in _bounds(rule))
    return f"coalesce({met}, {'true' if rule.null == 'keep' else 'false'})"


def failure(name: str, rule: Rule) -> str:
    """SQL for the record of a failed rule: {rule, value, bound}."""
    if rule.sql is not None:
        return f"{{'rule': {quoted(name)}, 'value': NULL::VARCHAR, 'bound': {quoted(rule.sql)}}}"
    assert rule.column is not None
    column = column_sql(rule.column)
    which = " ".join(f"when not ({sql}) then {quoted(text)}" for sql, text in _bounds(rule))
    bound = f"case when {column} is null then 'not measured' {which} end"
    return f"{{'rule': {quoted(name)}, 'value': {column}::VARCHAR, 'bound': {bound}}}"


def sentence(name: str, rule: Rule) -> str:
    """The rule for people: 'long_enough: gopher.word_count min 50, max 100000'."""
    if rule.sql is not None:
        return f"{name}: {rule.sql}"
    null = "; not measured is kept" if rule.null == "keep" else ""
    return f"{name}: {rule.column} {', '.join(text for _, text in _bounds(rule))}{null}"


def _bounds(rule: Rule) -> list[tuple[str, str]]:
    assert rule.column is not None
    column = column_sql(rule.column)
    found = []
    for name, operator in BOUNDS.items():
        value = getattr(rule, name)
        if value is not None:
            found.append((f"{column} {operator} {number(value)}", f"{name} {number(value)}"))
    if rule.in_ is not None:
        found.append((f"{column} in ({', '.join(map(quoted, rule.in_))})", f"in {', '.join(map(str, rule.in_))}"))
    if rule.not_in is not None:
        found.append(
            (f"{column} not in ({', '.join(map(quoted, rule.not_in))})", f"not in {', '.join(map(str, rule.not_in))}")
        )
    return found


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
