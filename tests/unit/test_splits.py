"""Splits keep groups together, whatever the order of rows, and follow from names and a seed."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.errors import UsageError
from pipeline.measures.splits import NO_GROUP, group_folds, leave_one_out

GROUPS = [f"site-{(i * 7) % 13}" for i in range(400)]


def test_no_group_is_in_two_folds_and_folds_are_about_as_large() -> None:
    folds = group_folds(GROUPS, 4)
    for name in set(GROUPS):
        assert len({int(f) for f, g in zip(folds, GROUPS, strict=True) if g == name}) == 1
    sizes = np.bincount(folds, minlength=4)
    assert sizes.sum() == 400
    assert sizes.min() >= 60


def test_folds_do_not_depend_on_the_order_of_rows() -> None:
    folds = dict(zip(GROUPS, group_folds(GROUPS, 4), strict=True))
    assert dict(zip(GROUPS[::-1], group_folds(GROUPS[::-1], 4), strict=True)) == folds


def test_another_seed_splits_otherwise_and_the_same_one_the_same() -> None:
    assert group_folds(GROUPS, 4, seed=1).tolist() == group_folds(GROUPS, 4, seed=1).tolist()
    assert group_folds(GROUPS, 4, seed=1).tolist() != group_folds(GROUPS, 4, seed=2).tolist()


def test_every_fold_has_rows_when_there_are_as_many_groups_as_folds() -> None:
    assert sorted(group_folds(["a", "b", "c"], 3)) == [0, 1, 2]


def test_labels_are_spread_over_folds_as_evenly_as_groups_allow() -> None:
    """Eight groups of one size, half of them of each label: by size alone a fold may get one label only."""
    groups = [f"g{i % 8}" for i in range(160)]
    labels = ["rare" if i % 8 < 4 else "common" for i in range(160)]
    for seed in range(20):
        folds = group_folds(groups, 4, seed, labels)
        for fold in range(4):
            assert (
                sorted(la for la, f in zip(labels, folds, strict=True) if f == fold) == ["common"] * 20 + ["rare"] * 20
            )


def test_a_rare_label_is_in_every_fold_where_groups_of_unlike_sizes_allow_it() -> None:
    groups = [f"site {n % 23}" for n in range(2000)]
    labels = ["rare" if n % 23 in (3, 7, 11, 19, 20) else "common" for n in range(2000)]
    fold = group_folds(groups, 5, 0, labels)
    assert all(sum(la == "rare" for f, la in zip(fold, labels, strict=True) if f == k) > 80 for k in range(5))


def test_rows_without_a_group_stay_together() -> None:
    folds = group_folds([None, "a", "", "b", None], 2)
    assert len({int(folds[k]) for k in (0, 2, 4)}) == 1
    assert [name for name, _ in leave_one_out(["b", None, "a"])] == [NO_GROUP, "a", "b"]


def test_leaving_one_out_holds_every_row_out_once() -> None:
    held = list(leave_one_out(["b", "a", "b"]))
    assert [(name, mask.tolist()) for name, mask in held] == [("a", [False, True, False]), ("b", [True, False, True])]


@pytest.mark.parametrize(("groups", "folds"), [(["a", "a"], 2), (["a", "b"], 1), ([], 2)])
def test_fewer_groups_than_folds_are_refused(groups: list[str], folds: int) -> None:
    with pytest.raises(UsageError, match=r"expected at least 2 folds and as many groups as folds"):
        group_folds(groups, folds)


def test_one_group_cannot_be_left_out() -> None:
    with pytest.raises(UsageError, match=r"expected two groups or more, found 1: a"):
        list(leave_one_out(["a", "a"]))
