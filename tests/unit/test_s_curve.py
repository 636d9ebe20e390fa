"""The measured S-curve, against pairs whose bands are drawn with known probabilities."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from pipeline.dedup.documents import curves
from pipeline.report.dedup_charts import s_curve_svg
from scorers.kernels.lsh import band_keys


def drawn(bands: int, rows: int, factor: float = 1.0, pairs: int = 200_000) -> tuple[curves.Curve, np.ndarray]:
    """(the curve of the found ones, all pairs by bin). factor: how much more often bands agree than theory has it."""
    random = np.random.default_rng(7)
    jaccard = random.uniform(0.3, 1.0, pairs)
    agreeing = random.binomial(bands, np.minimum(1.0, factor * jaccard**rows))
    found = agreeing > 0
    tally = curves.Tally()
    tally.add(jaccard[found], 0.8)
    made = curves.s_curve(tally, bands, rows, jaccard[found], agreeing[found])
    return made, np.bincount(curves.bin_of(jaccard), minlength=curves.BINS)


@pytest.mark.parametrize(("bands", "rows"), [(9, 13), (21, 6), (14, 8)])
def test_what_was_missed_is_estimated_within_its_error(bands: int, rows: int) -> None:
    made, pairs = drawn(bands, rows)
    known = made.pairs >= 50
    missed = pairs - made.pairs
    assert known.sum() >= 8
    assert (np.abs(made.missed - missed)[known] <= 4 * made.error[known] + 4).all()
    share = made.pairs[known] / pairs[known]
    assert np.abs(made.expected[known] - share).max() < 0.03
    enough = made.pairs >= 1_000
    assert enough.sum() >= 6
    assert np.abs(made.measured - made.pairs / np.maximum(pairs, 1))[enough].max() < 0.03


def test_the_measured_share_does_not_trust_the_theory() -> None:
    made, pairs = drawn(9, 13, factor=1.3)
    bins = slice(14, 18)  # Jaccard 0.7 to 0.9
    share = made.pairs[bins] / pairs[bins]
    assert (share - made.expected[bins] > 0.02).all()
    assert np.abs(made.measured[bins] - share).max() < 0.01


def test_no_pairs_have_no_shares() -> None:
    made = curves.s_curve(curves.Tally(), 9, 13, np.zeros(0), np.zeros(0, np.int64))
    assert np.isnan(made.expected).all()
    assert np.isnan(made.measured).all()
    assert made.missed.sum() == made.pairs.sum() == 0


def test_one_band_cannot_be_measured_by_others() -> None:
    tally = curves.Tally()
    tally.add(np.array([0.9, 0.9]), 0.8)
    made = curves.s_curve(tally, 1, 128, np.array([0.9, 0.9]), np.array([1, 1]))
    assert np.isnan(made.measured[18])
    assert made.expected[18] == pytest.approx(0.90005**128, rel=1e-3)


def test_similarities_lie_in_the_bin_they_begin() -> None:
    at = curves.bin_of(np.array([0.0, 0.05, 0.7999, 0.8, 0.85, 0.999, 1.0, 4 / 5, 17 / 20]))
    assert at.tolist() == [0, 1, 15, 16, 17, 19, 19, 16, 17]
    tally = curves.Tally()
    tally.add(np.array([0.79, 0.8, 0.8, 1.0]), 0.8)
    assert tally.verified[16] == 2
    assert tally.verified[19] == 1
    assert tally.verified.sum() == 3


def test_agreeing_bands_are_counted_row_by_row() -> None:
    signatures = np.array([[1, 2, 3, 4, 5, 6, 9], [1, 2, 3, 9, 5, 6, 8]], dtype=np.uint32)

    def agreeing(bands: int, rows: int, other: int) -> list[int]:
        keys = band_keys(signatures, bands, rows).T
        return curves.agreeing_bands(keys[[0]], keys[[other]]).tolist()

    assert agreeing(3, 2, other=1) == [2]
    assert agreeing(2, 3, other=1) == [1]
    assert agreeing(7, 1, other=0) == [7]


def test_a_sample_takes_evenly_of_every_bin_and_only_what_is_allowed() -> None:
    jaccard = np.r_[np.full(1_000, 0.9), np.full(3, 0.5)]
    allowed = np.ones(1_003, dtype=bool)
    allowed[0] = False
    chosen = curves.sample(jaccard, allowed, per_bin=100)
    assert len(chosen) == 100 + 3
    assert 0 not in chosen
    assert np.diff(chosen)[:99].tolist() == [10] * 99


def test_the_picture_shows_what_was_measured() -> None:
    row = {
        "jaccard_low": 0.8, "jaccard_high": 0.85, "pairs": 80, "pairs_verified": 60, "expected_frac": 0.99,
        "sampled": 80, "measured_frac": 0.5, "missed": 1.0, "missed_error": 0.1,
    }  # fmt: skip
    unmeasured = row | {
        "jaccard_low": 0.1,
        "jaccard_high": 0.15,
        "measured_frac": None,
        "pairs": 1,
        "pairs_verified": 0,
    }
    tree = ET.fromstring(s_curve_svg([unmeasured, row], 21, 6, 0.8))
    dots = [e for e in tree.iter() if e.get("class") == "dot"]
    assert len(dots) == 1
    assert float(dots[0].get("cy", "0")) == pytest.approx((22 + 190) / 2)
    said = "".join(tree.itertext())
    assert "0.80 to 0.85: 80 candidate pairs, about 1 missed" in said
    assert "threshold 0.8" in said
    ET.fromstring(s_curve_svg([], 21, 6, 0.8))
