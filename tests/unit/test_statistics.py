"""Statistics of columns: what they say of a shard, and that shards add up to the whole, exactly."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
import pytest

from pipeline.totals.bins import SHIFT_COARSE, SHIFT_FINE, bins, lower_edge
from pipeline.totals.statistics import MOST_NAMES, ColumnStatistics, measure

VALUES = [0.0, -0.0, 1.0, 0.999, 1.125, 3.0, 1e-30, -1e-30, 7.5, -7.5, 1e30, -2.0, 1e300, float("inf"), -1e300, 5e-324]


def measured(values: pa.Array) -> ColumnStatistics:
    found = measure("a.b", values)
    assert found is not None
    return found


@pytest.mark.parametrize("shift", [SHIFT_FINE, SHIFT_COARSE])
@pytest.mark.parametrize("value", VALUES)
def test_a_value_lies_between_the_edges_of_its_bin(value: float, shift: int) -> None:
    with np.errstate(over="ignore"):
        rounded = float(np.float32(value))
    found = int(bins(np.array([value]), shift)[0])
    assert lower_edge(found, shift) <= rounded
    assert rounded < lower_edge(found + 1, shift) or np.isinf(rounded)


def test_bins_rise_with_their_values() -> None:
    ordered = sorted(VALUES)
    found = bins(np.array(ordered), SHIFT_COARSE).tolist()
    assert found == sorted(found)


@pytest.mark.parametrize("value", [1.0, 1.99, 40.0, 0.3, 12345.6, 1e-9])
def test_a_bin_is_at_most_an_eighth_of_its_lower_edge_wide(value: float) -> None:
    found = int(bins(np.array([value]), SHIFT_COARSE)[0])
    low, high = lower_edge(found, SHIFT_COARSE), lower_edge(found + 1, SHIFT_COARSE)
    assert 1 / 16 < (high - low) / low <= 1 / 8


def test_numbers_say_rows_nulls_least_largest_and_sum() -> None:
    found = measured(pa.array([3, None, 5, 40, 40], pa.int64()))
    assert (found.kind, found.rows, found.nulls, found.min, found.max, found.total) == ("number", 5, 1, 3.0, 40.0, 88.0)
    assert [(lower_edge(b, SHIFT_COARSE), n) for b, n in found.bins.items()] == [(3.0, 1), (5.0, 1), (40.0, 2)]


def test_flags_count_as_ones_and_zeros() -> None:
    found = measured(pa.array([True, None, False, True]))
    assert (found.kind, found.nulls, found.min, found.max, found.total) == ("flag", 1, 0.0, 1.0, 2.0)
    assert {lower_edge(b, SHIFT_COARSE): n for b, n in found.bins.items()} == {0.0: 1, 1.0: 2}


def test_names_are_counted() -> None:
    found = measured(pa.array(["en", "de", "en", None]))
    assert (found.kind, found.nulls, found.names, found.others) == ("name", 1, {"en": 2, "de": 1}, 0)


@pytest.mark.parametrize("kind", [pa.int64(), pa.float64(), pa.bool_(), pa.string()])
@pytest.mark.parametrize("rows", [0, 3])
def test_a_column_without_values_has_no_least_and_no_bins(kind: pa.DataType, rows: int) -> None:
    found = measured(pa.nulls(rows, kind))
    assert (found.rows, found.nulls, found.min, found.max, found.total) == (rows, rows, None, None, 0.0)
    assert (found.bins, found.names) == ({}, {})


@pytest.mark.parametrize("values", [pa.array([[1]]), pa.array([b"ab"], pa.binary(2))])
def test_lists_and_signatures_have_no_statistics(values: pa.Array) -> None:
    assert measure("a.b", values) is None


def test_shards_add_up_to_the_whole() -> None:
    pick = random.Random(5)
    numbers = pa.array([pick.choice([None, pick.randint(-500, 10**6)]) for _ in range(5000)])
    whole = measured(numbers)
    added = ColumnStatistics("a.b", "number")
    for start in range(0, 5000, 700):
        added.add(measured(numbers.slice(start, 700)))
    for found in (whole, added):
        found.bins = dict(sorted(found.bins.items()))
    assert vars(added) == vars(whole)


def test_rare_names_become_others_and_no_row_is_lost() -> None:
    found = measured(pa.array([f"n{i % 200:03d}" for i in range(1000)] + ["often"] * 50))
    found.keep_names(MOST_NAMES)
    assert list(found.names.items())[:2] == [("often", 50), ("n000", 5)]
    assert (len(found.names), sum(found.names.values()) + found.others) == (MOST_NAMES, 1050)
