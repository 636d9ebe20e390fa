"""Calibration: fitted, applied, told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pipeline.measures.calibration_error import expected_error
from pipeline.train.calibrate import best_calibration, fit_isotonic, fit_platt, held_out, log_loss
from scorers.models.calibration import apply, logit
from scorers.models.card import ModelError


def overconfident(n: int, seed: int = 0) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Scores whose logit is twice the true one plus one, and what came true."""
    draw = np.random.default_rng(seed)
    true = draw.normal(0, 2, n)
    right = draw.random(n) < 1 / (1 + np.exp(-true))
    return 1 / (1 + np.exp(-(2 * true + 1))), right


def test_platt_finds_the_curve_that_made_the_scores() -> None:
    scores, right = overconfident(50_000)
    fitted = fit_platt(scores, right)
    assert fitted["a"] == pytest.approx(0.5, abs=0.02)
    assert fitted["b"] == pytest.approx(-0.5, abs=0.03)
    assert expected_error(scores, right) > 0.1
    assert expected_error(apply(fitted, scores), right) < 0.01


@pytest.mark.parametrize("fit", [fit_platt, fit_isotonic])
def test_a_calibration_never_changes_the_order(fit: Any) -> None:
    scores, right = overconfident(2000)
    rising = np.sort(scores)
    assert (np.diff(apply(fit(scores, right), rising)) >= 0).all()
    backwards = fit(scores, ~right)
    assert (np.diff(apply(backwards, rising)) >= 0).all()


def test_isotonic_pools_what_does_not_rise() -> None:
    fitted = fit_isotonic(np.array([0.1, 0.2, 0.3, 0.4]), np.array([0, 1, 0, 1]))
    assert fitted["x"] == pytest.approx([0.1, 0.25, 0.4])
    assert fitted["y"] == pytest.approx([0.25, 0.5, 0.75])
    assert apply(fitted, np.array([0.0, 0.175, 1.0])).tolist() == pytest.approx([0.25, 0.375, 0.75])


def test_isotonic_is_chosen_where_platt_cannot_follow() -> None:
    draw = np.random.default_rng(2)
    scores = draw.random(6000)
    right = draw.random(6000) < np.where(scores < 0.5, 0.1, 0.6)
    fold = np.arange(6000) % 3
    assert best_calibration(scores, right, fold)["kind"] == "isotonic"
    assert best_calibration(*overconfident(6000), fold)["kind"] == "platt"
    assert best_calibration(scores[:500], right[:500], fold[:500])["kind"] == "platt"


def test_separable_rows_give_a_curve_with_an_end() -> None:
    fitted = fit_platt(np.array([0.01, 0.02, 0.98, 0.99]), np.array([0, 0, 1, 1]))
    assert 0 < fitted["a"] < 10
    assert 0.5 < apply(fitted, np.array([0.99]))[0] < 0.99


def test_held_out_probabilities_come_from_the_other_folds() -> None:
    scores, right = overconfident(3000)
    fold = np.arange(3000) % 3
    changed = right.copy()
    changed[fold == 0] = ~changed[fold == 0]
    before, after = held_out(scores, right, fold), held_out(scores, changed, fold)
    np.testing.assert_array_equal(before[fold == 0], after[fold == 0])
    assert expected_error(before, right) < 0.03


def test_expected_error_is_the_distance_to_truth_whatever_the_order_of_rows() -> None:
    tied, right = np.repeat([0.2, 0.8], 300), np.arange(600) % 300 < 75  # all that is true comes first
    assert expected_error(tied, right) == pytest.approx(0.3, abs=1e-9)
    assert expected_error(tied[::-1], right[::-1]) == pytest.approx(0.3, abs=1e-9)
    assert expected_error(np.zeros(0), np.zeros(0)) is None
    assert expected_error(np.full(1500, 0.7), np.arange(1500) % 10 < 4) == pytest.approx(0.3, abs=1e-9)
    assert log_loss(np.array([0.5, 0.5]), np.array([0, 1])) == pytest.approx(np.log(2))


def test_scores_of_zero_and_one_stay_finite() -> None:
    assert np.isfinite(logit(np.array([0.0, 1.0]))).all()
    assert apply({"kind": "platt", "a": 1.0, "b": 0.0}, np.array([0.0, 0.5, 1.0])) == pytest.approx(
        [0, 0.5, 1], abs=1e-6
    )


@pytest.mark.parametrize("wrong", [
    {"kind": "beta"}, {"kind": "platt", "a": 1}, {"kind": "isotonic", "x": [1, 0], "y": [0, 1]}, {"a": 1},
    {"kind": "isotonic", "x": [0, 1], "y": [0, 2]}, {"kind": "isotonic", "x": [], "y": []},
])  # fmt: skip
def test_a_calibration_that_means_nothing_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="calibration"):
        apply(wrong, np.array([0.5]))
