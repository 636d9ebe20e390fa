"""Measures against slow twins and against scikit-learn's values (1.9.1, on the same made-up rows)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from pipeline.evaluate.binary import Rows, best_cut, metrics, reliability_curves, threshold_curve
from pipeline.evaluate.resampling import How, draws, intervals
from pipeline.evaluate.several import labelled, per_class
from pipeline.evaluate.several import metrics as class_metrics
from pipeline.evaluate.threshold import Cut, given
from pipeline.measures import ranking
from pipeline.measures.calibration_error import bin_of, calibration_error, reliability
from pipeline.measures.classes import coverage, table
from tests.oracle_metrics import auc_by_pairs, average_precision_by_thresholds, calibration_error_by_width

Reals = npt.NDArray[np.float64]
NONE = How(times=0)


def made_up(n: int, seed: int) -> tuple[Reals, npt.NDArray[np.bool_]]:
    """Scores of two digits, so that many tie, and labels: plain arithmetic, the same everywhere."""
    k = np.arange(n)
    h = ((k * 2654435761 + seed * 40503) % 4294967296) / 4294967296
    y = ((k * 40503 + seed * 7919) % 1009) / 1009
    return np.round(0.55 * y + 0.45 * h, 2), y + 0.3 * (h - 0.5) > 0.6


def curve_of(scores: Reals, positive: npt.NDArray[np.bool_], weights: Reals | None = None) -> ranking.Curve:
    return ranking.curve(ranking.rank(scores, positive), weights)


@pytest.mark.parametrize(("n", "seed", "auc", "precision", "f1", "cells", "weighted"), [
    (500, 1, 0.9545902268819179, 0.9335589426660795, 0.8395061728395062, (146, 16, 53, 285), (0.9559736938253562, 0.934573069029526)),
    (2000, 3, 0.9554741094978215, 0.9350461860941436, 0.8421694088970141, (593, 68, 206, 1133), (0.9553058653211456, 0.9345810614183064)),
])  # fmt: skip
def test_a_ranking_has_the_values_of_scikit_learn(
    n: int, seed: int, auc: float, precision: float, f1: float, cells: tuple[int, ...], weighted: tuple[float, float]
) -> None:
    scores, positive = made_up(n, seed)
    curve = curve_of(scores, positive)
    assert ranking.roc_auc(curve) == pytest.approx(auc, abs=1e-12)
    assert ranking.average_precision(curve) == pytest.approx(precision, abs=1e-12)
    place = ranking.best_f1(curve)
    assert place is not None
    assert ranking.confusion(curve, place).f1 == pytest.approx(f1, abs=1e-12)
    told = metrics(Rows(scores, positive), given(0.6, low=False), NONE)
    assert tuple(told["confusion"].values()) == cells
    heavy = curve_of(scores, positive, (np.arange(n) * 7919 % 5).astype(np.float64))
    assert (ranking.roc_auc(heavy), ranking.average_precision(heavy)) == pytest.approx(weighted, abs=1e-12)


@pytest.mark.parametrize(("n", "seed", "uniform", "quantile"), [
    (500, 1, (15, 6.620254120573993, 7.529930031295373), (15, 6.076925412620629, 7.558854750805306)),
    (2000, 3, (15, 6.592569191638552, 7.523327859404602), (15, 6.125830715182284, 7.554336768912511)),
])  # fmt: skip
def test_bins_are_those_of_scikit_learns_calibration_curve(
    n: int, seed: int, uniform: tuple[float, ...], quantile: tuple[float, ...]
) -> None:
    scores, positive = made_up(n, seed)
    for strategy, golden in (("equal_width", uniform), ("equal_mass", quantile)):
        found = reliability(scores, positive.astype(np.float64), bin_of(scores, strategy))  # type: ignore[arg-type]
        assert (len(found.rows), found.observed.sum(), found.predicted.sum()) == pytest.approx(golden, abs=1e-9)
        assert found.rows.sum() == n


@pytest.mark.parametrize("seed", range(6))
def test_a_ranking_has_the_values_of_its_slow_twin(seed: int) -> None:
    scores, positive = made_up(60, seed)
    scores = np.round(scores, 1)  # nearly all tie
    weights = (np.arange(60) * 31 % 4).astype(np.float64)
    curve = curve_of(scores, positive)
    assert ranking.roc_auc(curve) == pytest.approx(auc_by_pairs(list(scores), list(positive)))
    assert ranking.roc_auc(curve_of(scores, positive, weights)) == pytest.approx(
        auc_by_pairs(list(scores), list(positive), list(weights))
    )
    assert ranking.average_precision(curve) == pytest.approx(
        average_precision_by_thresholds(list(scores), list(positive))
    )
    error = calibration_error(positive - scores, bin_of(scores, "equal_width"))
    assert error == pytest.approx(calibration_error_by_width(list(scores), list(positive), 15))


def test_weights_in_a_calibration_error_count_as_repeated_rows() -> None:
    scores, positive = made_up(40, 1)
    weights = np.arange(40) % 3
    gap, bins = positive - scores, bin_of(scores, "equal_mass")
    repeated = calibration_error(np.repeat(gap, weights), np.repeat(bins, weights))
    assert calibration_error(gap, bins, weights.astype(np.float64)) == pytest.approx(repeated)
    assert repeated != pytest.approx(calibration_error(gap, bins))


def test_the_order_of_rows_changes_nothing() -> None:
    scores, positive = made_up(300, 5)
    there, back = (
        metrics(Rows(scores[::step], positive[::step], probability=True), given(0.5, low=False), NONE)
        for step in (1, -1)
    )
    figures = [k for k, v in there.items() if isinstance(v, float)]
    assert len(figures) == 9
    assert [back[k] for k in figures] == pytest.approx([there[k] for k in figures], abs=1e-12)
    assert back["confusion"] == there["confusion"]


def test_all_scores_tied_rank_nothing() -> None:
    told = metrics(Rows(np.full(4, 0.5), np.array([True, False, True, False])), given(0.5, low=False), NONE)
    assert (told["roc_auc"], told["average_precision"], told["f1"]) == pytest.approx((0.5, 0.5, 2 / 3))


def test_a_group_of_negatives_alone_has_a_false_positive_rate_and_nothing_else() -> None:
    told = metrics(
        Rows(np.array([0.2, 0.9]), np.array([False, False]), probability=True), given(0.5, low=False), How(20)
    )
    assert (told["roc_auc"], told["average_precision"], told["recall"], told["f1"]) == (None, None, None, None)
    assert told["false_positive_rate"] == 0.5
    assert told["intervals"]["roc_auc"] is None
    assert told["said"] == "no positives: AUC, average precision and recall are not defined"


def test_the_area_of_rows_that_each_count_once_is_that_of_their_curve() -> None:
    scores, positive = np.array([0.1, 0.4, 0.4, 0.8]), np.array([False, False, True, True])
    assert ranking.area_under_curve(scores, positive) == pytest.approx(3.5 / 4)
    assert ranking.area_under_curve(scores, np.ones(4, np.bool_)) is None


def test_a_group_of_positives_alone_has_no_auc_and_says_so() -> None:
    told = metrics(Rows(np.array([0.2, 0.9]), np.array([True, True])), given(0.5, low=False), NONE)
    assert (told["roc_auc"], told["false_positive_rate"], told["recall"]) == (None, None, 0.5)
    assert told["said"] == "only positives: AUC and the false-positive rate are not defined"


def test_scores_that_were_not_measured_are_counted_and_in_no_figure() -> None:
    rows = Rows(np.array([0.1, np.nan, 0.8, np.nan]), np.array([False, True, True, False]))
    told = metrics(rows, given(0.5, low=False), NONE)
    assert (told["rows"], told["not_measured"], told["not_measured_positives"]) == (4, 2, 1)
    assert (told["roc_auc"], sum(told["confusion"].values())) == (1.0, 2)


def test_no_rows_at_all_give_no_figure() -> None:
    told = metrics(Rows(np.zeros(0), np.zeros(0, bool), probability=True), given(0.5, low=False), How(10))
    assert (told["rows"], told["roc_auc"], told["calibration_error_equal_mass"]) == (0, None, None)
    assert told["said"] == "no measured rows: nothing is defined"


def test_low_scores_may_mean_positive() -> None:
    scores, positive = np.array([10.0, 20.0, 400.0, 500.0]), np.array([True, True, False, True])
    told = metrics(Rows(scores, positive, low=True), given(20, low=True), NONE)
    assert told["confusion"] == {"true_positive": 2, "false_positive": 0, "false_negative": 1, "true_negative": 1}
    assert told["roc_auc"] == pytest.approx(2 / 3)
    best = best_cut(Rows(scores, positive, low=True))
    assert best is not None
    assert (best.value, best.high_has_it) == (500.0, False)


@pytest.mark.parametrize(("cut", "low", "flagged", "keeps"), [
    (Cut(2, True, "min 2", True), False, [False, True, True], "positive"),
    (Cut(2, False, "max 2", False), False, [False, False, True], "negative"),
    (Cut(2, False, "max 2", False), True, [True, True, False], "positive"),
    (Cut(2, True, "min 2", True), True, [True, False, False], "negative"),
    (given(2, low=True), True, [True, True, False], None),
])  # fmt: skip
def test_the_value_at_a_bound_is_on_the_side_where_the_rule_has_it(
    cut: Cut, low: bool, flagged: list[bool], keeps: str | None
) -> None:
    assert cut.flagged(np.array([1.0, 2.0, 3.0]), low).tolist() == flagged
    assert cut.keeps(low) == keeps


def test_a_threshold_curve_ends_where_everything_is_flagged() -> None:
    scores, positive = made_up(1000, 2)
    points = threshold_curve(Rows(scores, positive), "negative")
    assert points[0]["threshold"] == scores.min()
    assert (points[0]["kept"], points[0]["recall"], points[-1]["threshold"]) == (0.0, 1.0, scores.max())
    kept = [p["kept"] for p in points]
    assert kept == sorted(kept)  # type: ignore[type-var]
    middle = next(p for p in points if p["threshold"] == 0.5)
    assert middle["kept"] == pytest.approx((scores < 0.5).mean())
    assert middle["kept_positives"] == pytest.approx((scores[positive] < 0.5).mean())


def test_a_score_that_is_no_probability_has_no_reliability() -> None:
    assert reliability_curves(Rows(np.array([3.0]), np.array([True]))) == {}


def test_classes_have_the_values_of_scikit_learn() -> None:
    k = np.arange(300)
    truth, predicted = (k * 7) % 5, np.where((k * 13) % 7 < 4, (k * 7) % 5, (k * 11) % 6)
    found = table(truth, predicted, 6)
    assert found.accuracy == pytest.approx(0.6366666666666667, abs=1e-12)
    assert found.macro_f1 == pytest.approx(0.5507412960186574, abs=1e-12)
    precision, recall, f1 = found.by_class()
    assert precision == pytest.approx([0.6909090909090909] * 3 + [0.6842105263157895, 0.6785714285714286, 0.0])
    assert recall[:5] == pytest.approx([0.6333333333333333] * 3 + [0.65, 0.6333333333333333])
    assert f1[5] == 0
    abstaining = table(truth, np.where(k % 10 == 0, -1, predicted), 6)
    assert abstaining.macro_f1 == pytest.approx(0.5097679548188336, abs=1e-12)
    assert (abstaining.accuracy, abstaining.abstention) == pytest.approx((0.5666666666666667, 0.1))
    assert abstaining.answered_accuracy == pytest.approx(0.5666666666666667 / 0.9)


def test_a_class_that_is_never_predicted_or_never_true_has_no_precision_or_recall() -> None:
    rows = labelled(["a", "a", "b"], ["a", "c", None])
    told = {c["class"]: (c["rows"], c["predicted"], c["precision"], c["recall"], c["f1"]) for c in per_class(rows)}
    assert told == {"a": (2, 1, 1.0, 0.5, 2 / 3), "b": (1, 0, None, 0.0, 0.0), "c": (0, 1, 0.0, None, 0.0)}
    assert class_metrics(rows, NONE)["abstained"] == 1


def test_coverage_answers_the_surest_rows_first_and_ties_together() -> None:
    right = np.array([True, False, True, True])
    points = coverage(right, np.array([0.9, 0.5, 0.9, -np.inf]), points=4)
    assert points == [(0.5, 1.0, 0.9), (0.75, pytest.approx(2 / 3), 0.5)]
    assert coverage(right, np.full(4, -np.inf)) == []


def test_intervals_are_the_same_on_every_run_and_differ_by_seed() -> None:
    scores, positive = made_up(200, 4)
    rows = Rows(scores, positive)
    one, two = (metrics(rows, None, How(100, 0), "x")["intervals"]["roc_auc"] for _ in range(2))
    assert one == two
    assert one != metrics(rows, None, How(100, 1), "x")["intervals"]["roc_auc"]
    auc = metrics(rows, None, NONE)["roc_auc"]
    assert one[0] < auc < one[1]


def test_an_interval_of_a_mean_is_as_wide_as_theory_says() -> None:
    values = (np.arange(400) % 2).astype(np.float64)
    found = intervals(draws(None, 400, How(2000)), lambda w: {"mean": float(w @ values / w.sum())})["mean"]
    assert found is not None
    assert found[1] - found[0] == pytest.approx(2 * 1.96 * 0.5 / 20, rel=0.1)


def test_groups_are_drawn_as_one_where_there_are_enough() -> None:
    groups = [f"site-{i % 8}" for i in range(80)]
    plan = draws(groups, 80, How(50))
    weights = next(plan.weights())
    assert plan.groups is not None
    assert [len(set(weights[[g == f"site-{k}" for g in groups]])) for k in range(8)] == [1] * 8
    assert draws(["a", "b"] * 40, 80, How(50)).groups is None


def test_an_interval_is_left_out_where_most_draws_have_no_value() -> None:
    scores, positive = np.linspace(0, 1, 50), np.arange(50) == 49
    told = metrics(Rows(scores, positive), None, How(100))["intervals"]
    assert told["roc_auc"] is not None
    assert intervals(draws(None, 50, How(100)), lambda w: {"rare": None if w[0] < 3 else 1.0})["rare"] is None
