"""Buckets: cuts from histograms that add up, and which bucket a value is in."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.recipe.rules import Bucket
from pipeline.totals.buckets import ALL, bucket_of, cuts_of, histogram

NUMBERS = st.floats(-(2.0**100), 2.0**100, width=32)


def tables(values: list[float | None], groups: list[str | None] | None, shards: int) -> list[pa.Table]:
    """The histograms of a corpus cut into shards."""
    found = []
    for n in range(shards):
        named = None if groups is None else pa.array(groups[n::shards], pa.string())
        found.append(histogram(pa.array(values[n::shards], pa.float64()), named).table())
    return found


@given(st.lists(NUMBERS, min_size=1, max_size=300), st.floats(1, 99))
def test_a_cut_lies_at_its_percentile_within_a_bin(values: list[float], percent: float) -> None:
    bucket = Bucket(column="a.b", percentiles={"low": percent}, min_docs=1)
    (cut,) = cuts_of(tables(values, None, 1), bucket)[0][ALL]
    ordered = np.sort(np.array(values, dtype=np.float64))
    exact = ordered[int(np.ceil(percent / 100 * len(values))) - 1]
    assert abs(cut - exact) <= max(abs(exact) * 2**-10, 1e-30)


@given(st.lists(NUMBERS, min_size=1, max_size=100), st.integers(1, 7))
def test_cuts_are_the_same_however_the_corpus_is_cut_into_shards(values: list[float], shards: int) -> None:
    bucket = Bucket(column="a.b", min_docs=1)
    assert cuts_of(tables(values, None, shards), bucket) == cuts_of(tables(values, None, 1), bucket)


def test_each_group_has_cuts_of_its_own_and_small_groups_have_none() -> None:
    values = [float(v) for v in range(1, 101)] + [float(v) * 10 for v in range(1, 101)] + [5.0] * 3
    groups: list[str | None] = ["en"] * 100 + ["de"] * 100 + ["fr"] * 3
    cuts, documents = cuts_of(tables(values, groups, 3), Bucket(column="a.b", by="a.c"))
    assert documents == {"en": 100, "de": 100, "fr": 3}
    assert {g: [round(c) for c in b] for g, b in cuts.items()} == {"en": [30, 60], "de": [300, 600]}


def test_what_is_null_is_in_no_histogram_and_no_bucket() -> None:
    values = pa.array([1.0, None, 3.0], pa.float64())
    groups = pa.array(["en", "en", None], pa.string())
    assert histogram(values, groups).table().num_rows == 1
    bucket = Bucket(column="a.b", by="a.c")
    assert bucket_of(values, groups, bucket, {"en": (0.5, 2.0)}).to_pylist() == ["middle", None, None]


def test_a_bound_belongs_to_the_bucket_above_it() -> None:
    bucket = Bucket(column="a.b")
    found = bucket_of(pa.array([9.99, 10.0, 20.0, 1e9]), None, bucket, {ALL: (10.0, 20.0)})
    assert found.to_pylist() == ["head", "middle", "tail", "tail"]


def test_the_last_bucket_is_not_empty_where_the_highest_value_is_shared() -> None:
    values = [float(n) for n in range(70)] + [100.0] * 30
    bucket = Bucket(column="a.b", percentiles={"rest": 90}, rest="top")
    cuts, _ = cuts_of(tables(values, None, 1), bucket)
    assert bucket_of(pa.array(values), None, bucket, cuts).to_pylist().count("top") == 30


def test_an_empty_shard_is_normal() -> None:
    assert bucket_of(pa.array([], pa.float64()), None, Bucket(column="a.b"), {}).to_pylist() == []
    assert cuts_of(tables([], None, 1), Bucket(column="a.b")) == ({}, {})


@pytest.mark.parametrize(("given", "words"), [
    ({"percentiles": {"head": 60, "middle": 30}}, "must rise"),
    ({"percentiles": {}}, "must rise"),
    ({"rest": "head"}, "is the name of another bucket"),
    ({"values": {"en": [1.0]}}, "expected 2 rising bounds"),
    ({"values": {"en": [2.0, 1.0]}}, "expected 2 rising bounds"),
    ({"percentiles": {"head": 100}}, "less than 100"),
])  # fmt: skip
def test_a_wrong_bucket_says_what_is_wrong(given: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Bucket.model_validate({"column": "a.b", **given})


def test_integers_that_a_float_rounds_are_in_buckets_too() -> None:
    sizes = pa.array([5, 7, 2**24 + 1, 2**53 + 1])
    bucket = Bucket(column="exact.text_bytes", percentiles={"small": 50}, rest="large", min_docs=1)
    cuts, _ = cuts_of([histogram(sizes, None).table()], bucket)
    assert bucket_of(sizes, None, bucket, cuts).to_pylist() == ["small", "small", "large", "large"]
