"""How signatures are cut into bands."""

from __future__ import annotations

import pytest

from pipeline.dedup.documents.bands import choose_bands, match_probability


@pytest.mark.parametrize(
    ("jaccard", "bands", "rows", "expected"),
    [(0.8, 14, 8, 0.924), (0.8, 9, 13, 0.399), (0.9, 5, 25, 0.311), (0.7, 20, 5, 0.975), (1.0, 1, 128, 1.0)],
)
def test_published_presets_find_what_is_known_of_them(jaccard: float, bands: int, rows: int, expected: float) -> None:
    assert match_probability(jaccard, bands, rows) == pytest.approx(expected, abs=5e-4)


@pytest.mark.parametrize(("num_perm", "cut"), [(112, (18, 6)), (128, (21, 6)), (256, (32, 8))])
def test_bands_at_080_are_those_of_the_table(num_perm: int, cut: tuple[int, int]) -> None:
    assert choose_bands(num_perm, 0.8) == cut
    assert f"| {num_perm} | {cut[0]} x {cut[1]} |" in (choose_bands.__doc__ or "")


@pytest.mark.parametrize("num_perm", [16, 64, 112, 128, 256])
@pytest.mark.parametrize("jaccard", [0.5, 0.7, 0.8, 0.9, 0.95, 1.0])
def test_one_more_row_would_miss_too_many(num_perm: int, jaccard: float) -> None:
    bands, rows = choose_bands(num_perm, jaccard, min_recall=0.95)
    assert bands * rows <= num_perm
    assert match_probability(jaccard, bands, rows) >= 0.95
    for more in range(rows + 1, num_perm + 1):
        assert match_probability(jaccard, num_perm // more, more) < 0.95


@pytest.mark.parametrize(
    "given", [(0, 0.8, 0.99), (128, 0.0, 0.99), (128, 1.1, 0.99), (128, 0.8, 1.0), (128, 0.8, 0.0)]
)
def test_impossible_parameters_are_refused(given: tuple[int, float, float]) -> None:
    with pytest.raises(ValueError, match="bands need"):
        choose_bands(*given)


def test_an_unreachable_recall_says_what_is_reachable() -> None:
    with pytest.raises(ValueError, match=r"4 permutations find at most 0\.5904"):
        choose_bands(4, 0.2, 0.99)
