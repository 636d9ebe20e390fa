"""A threshold from the two clusters of a score."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.train.clusters import found_below, two_clusters
from pipeline.train.perplexity import harmful_threshold


def two(apart: float, size: int = 4000) -> np.ndarray:
    chance = np.random.default_rng(7)
    return np.concatenate([chance.normal(2.0, 0.3, size), chance.normal(2.0 + apart, 0.2, 3 * size)])


def test_two_normal_clusters_are_found_again() -> None:
    found = two_clusters(two(2.0))
    assert found.means == pytest.approx((2.0, 4.0), abs=0.03)
    assert found.spreads == pytest.approx((0.3, 0.2), abs=0.03)
    assert found.shares == pytest.approx((0.25, 0.75), abs=0.02)
    assert 2.9 < found.threshold < 3.4
    assert found.separation > 5


def test_one_cluster_is_told_by_its_separation() -> None:
    assert two_clusters(np.random.default_rng(1).normal(3, 0.4, 5000)).separation < 2


def test_precision_and_recall_are_counted() -> None:
    found = found_below(np.array([1.0, 2, 3, 4, 5]), np.array([True, True, False, True, False]), 3.5)
    assert (found.precision, found.recall, found.f1) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    assert found_below(np.array([1.0]), np.array([True]), 0.5).f1 == 0


def test_the_same_sample_gives_the_same_threshold() -> None:
    assert two_clusters(two(1.0)) == two_clusters(two(1.0))
    mixture, found = harmful_threshold(two(2.0)[:4000], two(2.0)[4000:])
    assert found.precision > 0.99
    assert found.recall > 0.99
    assert mixture.means[0] < mixture.threshold < mixture.means[1]


def test_too_few_documents_are_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        two_clusters(np.zeros(5))
