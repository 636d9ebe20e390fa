"""A threshold from the two clusters that a score makes: "Perplexed by Quality" (Jansen et al., arXiv:2212.10440).

A model that read only harmful text finds harmful text likely: of a mixed sample, documents of low perplexity are the
suspects. Two normal distributions over log perplexity say where the one cluster ends and the other begins.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]

ROUNDS = 500
CLOSE_ENOUGH = 1e-9
LEAST_SPREAD = 1e-3
LEAST_SAMPLE = 20


@dataclass(frozen=True, slots=True)
class Mixture:
    """Two normal distributions, the lower first: means, spreads (standard deviations) and shares."""

    means: tuple[float, float]
    spreads: tuple[float, float]
    shares: tuple[float, float]

    @property
    def threshold(self) -> float:
        """Where both are equally likely, between the means; the middle where they are not apart."""
        points = np.linspace(self.means[0], self.means[1], 10_001)
        lower, upper = (_log_density(points, self, i) for i in (0, 1))
        crossed = np.flatnonzero(lower <= upper)
        return float(points[crossed[0]]) if len(crossed) and crossed[0] > 0 else float(np.mean(self.means))

    @property
    def separation(self) -> float:
        """Distance of the means in spreads (Ashman's D): below 2 there are not two clusters to speak of."""
        return float(np.sqrt(2) * (self.means[1] - self.means[0]) / np.hypot(*self.spreads))


@dataclass(frozen=True, slots=True)
class Found:
    """What a bound finds of labelled documents: precision and recall of `suspect`, and F1."""

    precision: float
    recall: float
    f1: float


def _log_density(x: F64, mixture: Mixture, i: int) -> F64:
    mean, spread, share = mixture.means[i], mixture.spreads[i], mixture.shares[i]
    found: F64 = np.log(share) - np.log(spread) - 0.5 * ((x - mean) / spread) ** 2
    return found


def two_clusters(sample: F64) -> Mixture:
    """Fit two normal distributions by expectation and maximisation, from the quartiles: the same sample, the same result.
    ValueError for fewer than 20 values."""
    if len(sample) < LEAST_SAMPLE:
        raise ValueError(f"{len(sample)} documents are too few to see clusters; expected {LEAST_SAMPLE} or more")
    low, high = np.quantile(sample, [0.25, 0.75])
    spread = max(float(sample.std()), LEAST_SPREAD)
    found = Mixture((float(low), float(high)), (spread, spread), (0.5, 0.5))
    likelihood = -np.inf
    for _ in range(ROUNDS):
        a, b = _log_density(sample, found, 0), _log_density(sample, found, 1)
        together = np.logaddexp(a, b)
        if together.mean() - likelihood < CLOSE_ENOUGH:
            break
        likelihood = together.mean()
        found = _maximised(sample, np.exp(a - together))
    if found.means[0] > found.means[1]:
        found = Mixture(found.means[::-1], found.spreads[::-1], found.shares[::-1])
    return found


def _maximised(sample: F64, lower: F64) -> Mixture:
    parts = []
    for weight in (lower, 1 - lower):
        total = max(float(weight.sum()), 1e-12)
        mean = float((weight * sample).sum()) / total
        spread = float(np.sqrt((weight * (sample - mean) ** 2).sum() / total))
        parts.append((mean, max(spread, LEAST_SPREAD), max(total / len(sample), 1e-6)))
    (m0, s0, p0), (m1, s1, p1) = parts
    return Mixture((m0, m1), (s0, s1), (p0, p1))


def found_below(scores: F64, suspect: npt.NDArray[np.bool_], threshold: float) -> Found:
    """Of documents whose truth is known, what a score below the threshold finds."""
    below = scores < threshold
    right = int((below & suspect).sum())
    precision = right / below.sum() if below.any() else 0.0
    recall = right / suspect.sum() if suspect.any() else 0.0
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    return Found(float(precision), float(recall), float(f1))
