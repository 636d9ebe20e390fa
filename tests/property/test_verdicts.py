"""Verdicts on arrays are those of one statement of SQL: every type of column, every bound, nulls, NaN and integers that no float holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.recipe.rules import Rule
from pipeline.verdict import judge_rows
from tests import oracle_verdicts

LARGE = 2**53 + 1
EDGES = [2.0**63, 2.0**64, -(2.0**63)]
NUMBERS = st.sampled_from(
    [0, 1, -1, 3, 0.5, -0.5, 0.1, 1e-7, 2.0, 100.25, 1e16, 123456789.123, LARGE, -LARGE, 1e300, -1e300, 1e-300, *EDGES]
)
FLOATS = st.one_of(
    st.floats(),
    st.sampled_from(
        [
            float("nan"),
            float("inf"),
            -0.0,
            0.1,
            0.5,
            1e16,
            1e15,
            999999999999999.9,
            1e-4,
            1e-5,
            9.9e-5,
            123456789.123,
            1e6,
            5e-324,
        ]
    ),
)
AS_32 = [float(np.float32(v)) for v in (0.1, 0.5, 1e6, 1e10, 1e16, 1e15, 1e-5, 1e-4, 123456792.0)]
FLOATS_32 = st.one_of(st.floats(width=32), st.sampled_from(AS_32))
VALUES: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "i": (pa.int64(), st.one_of(st.integers(-3, 3), st.sampled_from([LARGE, -LARGE, LARGE - 1, 2**63 - 1, -(2**63)]))),
    "j": (pa.int32(), st.integers(-3, 120)),
    "u": (pa.uint64(), st.one_of(st.integers(0, 3), st.sampled_from([2**64 - 1, 2**63, 2**63 - 1]))),
    "f": (pa.float64(), FLOATS),
    "g": (pa.float32(), FLOATS_32),
    "b": (pa.bool_(), st.booleans()),
    "s": (pa.string(), st.text("ab'ü\u0000 ", max_size=3)),
    "l": (pa.large_string(), st.sampled_from(["en", "de", ""])),
}  # fmt: skip
IN = {
    "b": st.booleans(), "s": st.text("ab'ü ", max_size=3), "l": st.sampled_from(["en", "fr"]),
    **dict.fromkeys("ij", st.sampled_from([0, 1, 2, -1, 0.5, LARGE])), "u": st.sampled_from([0, 1, 0.5, LARGE, *EDGES]),
    **dict.fromkeys("fg", st.sampled_from([0, 0.1, 0.5, 1, 1e16, 1e-5, 1e300])),
}  # fmt: skip


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    n = draw(st.integers(0, 6))

    def column(kind: pa.DataType, values: st.SearchStrategy[Any]) -> pa.Array:
        return pa.array(draw(st.lists(st.one_of(st.none(), values), min_size=n, max_size=n)), kind)

    made = {name: column(*of) for name, of in VALUES.items()}
    mask = pa.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)), pa.bool_())
    struct = pa.StructArray.from_arrays(list(made.values()), names=list(made), mask=mask)
    quarantine = column(pa.string(), st.just("null_text"))
    ids = pa.array([f"d{i}" for i in range(n)], pa.string())
    table = pa.table({"doc_id": ids, "quarantine": quarantine, "m": struct, **made})
    cut = draw(st.integers(0, n))
    return pa.concat_tables([table.slice(0, cut), table.slice(cut)])


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    name = draw(st.sampled_from(list(VALUES)))
    null: Any = draw(st.sampled_from(["remove", "keep"]))
    if draw(st.integers(0, 9)) == 0:
        return Rule(sql=draw(st.sampled_from(["i > 1", "m.f < j", "s = 'a'''", "null", "-- all\ntrue"])), null=null)
    bounds: dict[str, Any] = {}
    if name in "ijufg":
        bounds = draw(st.dictionaries(st.sampled_from(["min", "max", "above", "below"]), NUMBERS, max_size=3))
    among = st.lists(IN[name], min_size=1, max_size=3).map(tuple)
    if not bounds or draw(st.booleans()):
        bounds[draw(st.sampled_from(["in_", "not_in"]))] = draw(among)
    return Rule(column=draw(st.sampled_from([name, f"m.{name}"])), null=null, **bounds)


@settings(max_examples=400, deadline=None)
@given(rows=tables(), several=st.lists(rules(), min_size=1, max_size=4))
def test_a_verdict_is_that_of_sql(rows: pa.Table, several: list[Rule]) -> None:
    named = {f"r{i}": rule for i, rule in enumerate(several)}
    made = judge_rows(rows, named)
    made.validate(full=True)
    assert made.to_pylist() == oracle_verdicts.verdict(rows, named).to_pylist()


@pytest.mark.parametrize("n", [0, 3])
def test_without_rules_all_that_was_taken_in_is_kept(n: int) -> None:
    rows = pa.table({"doc_id": [f"d{i}" for i in range(n)], "quarantine": pa.array([None, "x", None][:n], pa.string())})
    rows = rows.set_column(0, "doc_id", rows.column("doc_id").cast(pa.string()))
    made = judge_rows(rows, {})
    assert made.column("kept").to_pylist() == [True, False, True][:n]
    assert made.column("failed").to_pylist() == [[]] * n
