"""How a signature is cut into bands, and what share of similar pairs that finds."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt


def match_probability(jaccard: float, bands: int, rows: int) -> float:
    """Probability that two documents of this Jaccard similarity agree in all rows of at least one band.

    Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, 3.4.2: 1 - (1 - s^r)^b.
    """
    return 1.0 - (1.0 - jaccard**rows) ** bands


@cache
def choose_bands(num_perm: int, jaccard: float, min_recall: float = 0.99) -> tuple[int, int]:
    """(bands, rows) with the most rows whose match probability at the threshold is at least `min_recall`.

    More rows mean fewer false candidates. Those cost time only, because each is verified; a missed pair cannot be
    won back. So recall is the bound, unlike in datasketch's weighing of both errors, which finds 40 % at 0.8.

    | num_perm | bands x rows | 0.7 | 0.75 | 0.8 | 0.85 | 0.9 | at 0.5 (false candidates) |
    |---|---|---|---|---|---|---|---|
    | 112 | 18 x 6 | 0.8949 | 0.9706 | 0.9958 | 0.9998 | 1.0000 | 0.247 |
    | 128 | 21 x 6 | 0.9278 | 0.9837 | 0.9983 | 1.0000 | 1.0000 | 0.282 |
    | 256 | 32 x 8 | 0.8504 | 0.9658 | 0.9972 | 1.0000 | 1.0000 | 0.118 |
    """
    if num_perm < 1 or not 0.0 < jaccard <= 1.0 or not 0.0 < min_recall < 1.0:
        raise ValueError(
            f"bands need num_perm >= 1, 0 < jaccard <= 1 and 0 < min_recall < 1, "
            f"got num_perm={num_perm}, jaccard={jaccard}, min_recall={min_recall}"
        )
    for rows in range(num_perm, 0, -1):
        bands = num_perm // rows
        if match_probability(jaccard, bands, rows) >= min_recall:
            return bands, rows
    best = match_probability(jaccard, num_perm, 1)
    raise ValueError(
        f"{num_perm} permutations find at most {best:.4f} of the pairs at Jaccard {jaccard}, asked for {min_recall}: "
        f"raise num_perm or the threshold, or lower min_recall"
    )


@cache
def weighed_bands(num_perm: int, jaccard: float, weights: tuple[float, float] = (0.5, 0.5)) -> tuple[int, int]:
    """(bands, rows) as datasketch's MinHashLSH chooses them: the least weighted sum of the areas under the curve of match
    probabilities below the threshold (false positives) and above it (false negatives). weights: of these two.

    What it takes for an error is the curve's shape over all similarities alike; at 0.8 with 128 permutations the 9 x 13 it
    chooses find 40 % of the pairs. By name, for who wants those results; `choose_bands` is the default.
    """
    wrong, missed = weights
    # polynomials of degree up to num_perm: so many points integrate them exactly
    points, masses = np.polynomial.legendre.leggauss(min(256, num_perm // 2 + 1))
    best, least = (0, 0), np.inf
    for bands in range(1, num_perm + 1):
        rows = np.arange(1, num_perm // bands + 1)
        below = _area(points, masses, 0.0, jaccard, bands, rows)
        above = (1.0 - jaccard) - _area(points, masses, jaccard, 1.0, bands, rows)
        errors = wrong * below + missed * above
        at = int(np.argmin(errors))
        if errors[at] < least - 1e-12:
            best, least = (bands, int(rows[at])), float(errors[at])
    return best


Floats = npt.NDArray[np.float64]


def _area(points: Floats, masses: Floats, low: float, high: float, bands: int, rows: npt.NDArray[np.int64]) -> Floats:
    """Integral of the match probability from low to high, for each number of rows: i64[R] -> f64[R]."""
    jaccard = low + (high - low) * (points + 1) / 2
    matched = 1.0 - (1.0 - jaccard[:, None] ** rows[None, :]) ** bands
    area: Floats = (high - low) / 2 * (masses @ matched)
    return area
