"""Which rules each document fails: bounds on Arrow columns, predicates by the engine, whose every statement costs milliseconds.

Bounds compare as the engine does, which previews ask: NaN is above every number, a float32 column is held against a float32.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.recipe.rules import Rule
from pipeline.recipe.tree import Scalar
from pipeline.rules import bounds_of, condition, quoted
from pipeline.schema import VERDICT_TABLE, arrow_schema
from pipeline.sql.engine import query

Flags = npt.NDArray[np.bool_]
Compare = Callable[[Any, Any], Any]
COMPARE: dict[str, Compare] = {"min": np.greater_equal, "max": np.less_equal, "above": np.greater, "below": np.less}
NAN_MEETS = {"min": True, "max": False, "above": True, "below": False}
NOT_MEASURED = "not measured"
ROW = "_row"


@dataclass(frozen=True, slots=True)
class _Failed:
    """Rows that fail one rule, rising; bound: of each row which of the rule's sentences; value: string[n]."""

    rows: npt.NDArray[np.int64]
    bound: npt.NDArray[np.int64]
    sentences: list[str]
    value: pa.Array


def judge_rows(rows: pa.Table, rules: Mapping[str, Rule]) -> pa.Table:
    """The verdict on rows that have doc_id, quarantine and the columns the rules name; same order."""
    asked = pc.is_null(rows.column("quarantine")).to_numpy()
    met = _predicates(rows, {n: r for n, r in rules.items() if r.sql is not None})
    failed = [
        _by_predicate(asked & ~met[name], rule) if name in met else _by_bounds(rows, asked, rule)
        for name, rule in rules.items()
    ]
    lists = _lists(rows.num_rows, list(rules), failed)
    kept = pc.and_(pa.array(asked), pc.equal(pc.list_value_length(lists), 0))
    return pa.table([rows.column("doc_id"), kept, lists], schema=arrow_schema(VERDICT_TABLE))


def _predicates(rows: pa.Table, rules: Mapping[str, Rule]) -> dict[str, Flags]:
    """By rule: bool[rows], whether a document meets it."""
    if not rules:
        return {}
    told = ", ".join(f"{condition(rule)} as r{i}" for i, rule in enumerate(rules.values()))
    numbered = rows.append_column(ROW, pa.array(np.arange(rows.num_rows)))
    made = query(f"select {told} from rows order by {ROW}", rows=numbered)
    return {name: made.column(i).to_numpy() for i, name in enumerate(rules)}


def _by_predicate(fails: Flags, rule: Rule) -> _Failed:
    at = np.flatnonzero(fails)
    return _Failed(at, np.zeros(len(at), np.int64), [rule.sql or ""], pa.nulls(len(at), pa.string()))


def _by_bounds(rows: pa.Table, asked: Flags, rule: Rule) -> _Failed:
    assert rule.column is not None
    column = _column(rows, rule.column)
    missing = column.is_null().to_numpy(zero_copy_only=False)
    bounds = bounds_of(rule)
    first = np.full(len(column), len(bounds))  # of the bounds, which is not met
    for i in reversed(range(len(bounds))):
        first[~_meets(column, missing, bounds[i].name, bounds[i].value)] = i
    first[missing] = len(bounds) + 1 if rule.null == "remove" else len(bounds)
    at = np.flatnonzero(asked & (first != len(bounds)))
    return _Failed(at, first[at], [*(b.sentence for b in bounds), "", NOT_MEASURED], _told(column.take(pa.array(at))))


def _column(rows: pa.Table, path: str) -> pa.Array:
    """`gopher.word_count`, in one piece."""
    name, *inner = path.split(".")
    column = rows.column(name).combine_chunks()
    if isinstance(column, pa.ChunkedArray):  # of no chunks
        column = pa.array([], column.type)
    for field in inner:
        column = pc.struct_field(column, field)
    return column


def _meets(column: pa.Array, missing: Flags, bound: str, value: Any) -> Flags:
    """bool[n]; anything where the value is missing."""
    if bound in ("in", "not_in"):
        there = _is_in(column, missing, value)
        return there if bound == "in" else ~there
    numbers = _numbers(column, missing)
    with np.errstate(invalid="ignore"):
        met: Flags = COMPARE[bound](numbers, _as_compared(numbers.dtype, bound, value))
    return met | np.isnan(numbers) if NAN_MEETS[bound] and numbers.dtype.kind == "f" else met


def _numbers(column: pa.Array, missing: Flags) -> npt.NDArray[Any]:
    zero = pa.scalar(0, column.type)
    found: npt.NDArray[Any] = (pc.fill_null(column, zero) if missing.any() else column).to_numpy(zero_copy_only=False)
    return found


def _as_compared(dtype: np.dtype[Any], bound: str, value: float) -> Any:
    """The bound as values of this type are held against it: integers exactly."""
    if dtype.kind == "f":
        return _float_type(dtype, (value,)).type(value)
    if math.isinf(value):
        return value
    return math.ceil(value) if bound in ("min", "below") else math.floor(value)


def _is_in(column: pa.Array, missing: Flags, values: tuple[Scalar, ...]) -> Flags:
    found: Flags
    if pa.types.is_floating(column.type):
        numbers = _numbers(column, missing)
        found = np.isin(numbers, np.array(values, _float_type(numbers.dtype, values)))
        return found
    if pa.types.is_integer(column.type):
        bounds = np.iinfo(column.type.to_pandas_dtype())
        whole = (int(v) for v in values if not isinstance(v, str) and float(v).is_integer())
        values = tuple(v for v in whole if bounds.min <= v <= bounds.max)
    found = pc.is_in(column, value_set=pa.array(values, column.type)).to_numpy(zero_copy_only=False)
    return found


def _float_type(dtype: np.dtype[Any], values: tuple[Any, ...]) -> np.dtype[Any]:
    """The type that a column of floats is held against literals in."""
    return np.dtype(np.float64) if any("e" in quoted(v) for v in values) else dtype


def _told(values: pa.Array) -> pa.Array:
    """Values as the engine writes them: floats as short as they can be read again, with a point."""
    if not pa.types.is_floating(values.type):
        return values.cast(pa.string())
    numbers = values.to_numpy(zero_copy_only=False)
    # of a float32 the few digits that tell it, as a float
    as_floats = numbers.tolist() if numbers.dtype == np.float64 else [float(str(n)) for n in numbers]
    written = pa.array(map(repr, as_floats), pa.string())
    return pc.if_else(values.is_valid(), written, pa.scalar(None, pa.string())) if values.null_count else written


def _lists(count: int, names: list[str], failed: list[_Failed]) -> pa.Array:
    """list<struct<rule, value, bound>>[count], in each in the order of the rules."""
    of_failed = arrow_schema(VERDICT_TABLE).field("failed").type
    rows = np.concatenate([np.zeros(0, np.int64), *(f.rows for f in failed)])
    rule = np.repeat(np.arange(len(failed)), [len(f.rows) for f in failed])
    sentences = [s for f in failed for s in f.sentences]
    first = np.cumsum([0, *(len(f.sentences) for f in failed)])
    bound = np.concatenate([np.zeros(0, np.int64), *(f.bound + first[i] for i, f in enumerate(failed))])
    values = pa.concat_arrays([pa.nulls(0, pa.string()), *(f.value for f in failed)])
    order = np.argsort(rows, kind="stable")
    taken = [
        pa.array(names, pa.string()).take(pa.array(rule[order])),
        values.take(pa.array(order)),
        pa.array(sentences, pa.string()).take(pa.array(bound[order])),
    ]
    offsets = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=count))]).astype(np.int32)
    structs = pa.StructArray.from_arrays(taken, fields=list(of_failed.value_type))
    return pa.ListArray.from_arrays(pa.array(offsets), structs, type=of_failed)
