"""Similarities that are known already, found again for pairs of any rows."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.dedup.documents.candidate_pairs import MOST_PACKED, with_unmeasured_mirrored
from pipeline.dedup.documents.measured_before import similarities_of


@pytest.mark.parametrize("offset", [0, MOST_PACKED])
def test_a_pair_that_was_measured_has_its_similarity_and_another_has_none(offset: int) -> None:
    known = (np.array([1, 1, 4, 9]) + offset, np.array([2, 5, 6, 12]) + offset, np.array([0.1, 0.2, 0.3, 0.4]))
    found = similarities_of(np.array([1, 2, 4, 9]) + offset, np.array([5, 6, 6, 13]) + offset, known)
    assert found.tolist() == pytest.approx([0.2, float("nan"), 0.3, float("nan")], nan_ok=True)


def test_nothing_known_is_nothing_found() -> None:
    nothing = (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    assert np.isnan(similarities_of(np.array([1]), np.array([2]), nothing)).all()


@pytest.mark.parametrize("far", [0, 1 << 32])
def test_a_pair_that_is_still_to_be_measured_stands_there_from_both_sides(far: int) -> None:
    a, b = np.array([1, 1, 2]) + far, np.array([3, 4, 5]) + far
    document, other, jaccard = with_unmeasured_mirrored(a, b, np.array([0.5, np.nan, np.nan]))
    told = zip((document - far).tolist(), (other - far).tolist(), np.isnan(jaccard).tolist(), strict=True)
    assert list(told) == [(1, 3, False), (1, 4, True), (2, 5, True), (4, 1, True), (5, 2, True)]
    assert jaccard[0] == 0.5
