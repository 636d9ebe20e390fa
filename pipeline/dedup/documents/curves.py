"""The measured S-curve: which share of similar pairs the bands found, and how many they missed. Arrays, no disk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

BINS = 20
EDGES = np.round(np.linspace(0.0, 1.0, BINS + 1), 10)
SAMPLED_PER_BIN = 4_000
"""Pairs whose signatures are looked at: a share of a half is known to 0.01 then."""


@dataclass(frozen=True)
class Curve:
    """By bin of exact Jaccard similarity, each [BINS]: pairs, verified, sampled: i64; the others f64, NaN where nothing was
    found. expected, measured: shares found; missed: pairs no band found, error: its standard error."""

    pairs: Counts
    verified: Counts
    expected: Floats
    sampled: Counts
    measured: Floats
    missed: Floats
    error: Floats


FINE = 10_000
"""Steps of similarity that pairs are counted by: within one the match probability moves by a thousandth of itself."""


def step_of(jaccard: Floats) -> npt.NDArray[np.int64]:
    """The step each similarity lies in: f64[K] -> i64[K], 0..FINE-1; 1 lies in the last."""
    return np.minimum(np.floor(jaccard * FINE + 1e-7), FINE - 1).astype(np.int64)


def bin_of(jaccard: Floats) -> npt.NDArray[np.int64]:
    """The bin likewise: 0..BINS-1."""
    return step_of(jaccard) // (FINE // BINS)


class Tally:
    """Counts of pairs by similarity, added up part by part. pairs: i64[FINE]; verified: i64[BINS]."""

    def __init__(self) -> None:
        self.pairs: Counts = np.zeros(FINE, dtype=np.int64)
        self.verified: Counts = np.zeros(BINS, dtype=np.int64)

    def add(self, jaccard: Floats, threshold: float) -> None:
        """Some pairs: f64[K], exact."""
        self.pairs += np.bincount(step_of(jaccard), minlength=FINE)
        self.verified += np.bincount(bin_of(jaccard[jaccard >= threshold]), minlength=BINS)


def agreeing_bands(left: npt.NDArray[np.uint64], right: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """In how many bands K pairs agree, by the keys of their buckets: u64[K, bands] twice -> i64[K]."""
    agreed: npt.NDArray[np.int64] = (left == right).sum(axis=1)
    return agreed


def s_curve(tally: Tally, bands: int, rows: int, sampled: Floats, agreeing: Counts) -> Curve:
    """tally: of every pair that was found; sampled: f64[S], similarities of some of them; agreeing: i64[S], their bands that agree.

    missed: a pair of similarity s is found with p = 1 - (1 - s^rows)^bands, so that each found one stands for 1/p pairs
    (Horvitz and Thompson): unbiased if bands agree as often as the theory has it. measured does not take that on trust. For
    each band, pairs that some other band found are an independent sample: how often the band agrees on these, against how
    often it should by their similarities, corrects s^rows in that bin.
    """
    middle = (np.arange(FINE) + 0.5) / FINE
    one_band = np.where(np.arange(FINE) == FINE - 1, 1.0, middle) ** rows
    found = _found(one_band, bands)
    at = bin_of(sampled)
    factor = _correction(at, np.maximum(sampled, 1e-9) ** rows, agreeing, bands)
    by_step = np.repeat(np.nan_to_num(factor), FINE // BINS)
    corrected = _found(np.minimum(one_band * by_step, 1.0), bands)
    pairs = tally.pairs.reshape(BINS, -1).sum(axis=1)
    missed = _summed(tally.pairs, 1 / found - 1)
    missed_then = _summed(tally.pairs, 1 / corrected - 1)
    error = np.sqrt(_summed(tally.pairs, (1 - found) / found**2))
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = pairs / (pairs + missed)
        measured = np.where(np.isnan(factor), np.nan, pairs / (pairs + missed_then))
    return Curve(pairs, tally.verified, expected, np.bincount(at, minlength=BINS), measured, missed, error)


def _summed(pairs: Counts, values: Floats) -> Floats:
    """Values of all pairs by bin: i64[FINE], f64[FINE] -> f64[BINS]."""
    summed: Floats = np.where(pairs > 0, pairs * values, 0.0).reshape(BINS, -1).sum(axis=1)
    return summed


def _found(one_band: Floats, bands: int) -> Floats:
    """Probability that at least one of the bands agrees, without loss for the tiniest."""
    with np.errstate(divide="ignore"):
        found: Floats = np.maximum(-np.expm1(bands * np.log1p(-one_band)), 1e-150)
    return found


def _correction(at: npt.NDArray[np.int64], one_band: Floats, agreeing: Counts, bands: int) -> Floats:
    """How often bands agree on pairs that another band found, over how often they should: f64[BINS], NaN without any."""
    alone = agreeing == 1
    agreed = np.bincount(at, weights=np.where(alone, 0, agreeing), minlength=BINS)
    should = np.bincount(at, weights=(bands - alone) * one_band, minlength=BINS)
    enough = (should > 0) & (agreed > 0)
    factor: Floats = np.divide(agreed, should, out=np.full(BINS, np.nan), where=enough)
    return factor


def sample(jaccard: Floats, allowed: npt.NDArray[np.bool_], per_bin: int = SAMPLED_PER_BIN) -> npt.NDArray[np.int64]:
    """Up to `per_bin` allowed pairs of every bin, evenly spread over their order: f64[K], bool[K] -> i64[S]."""
    rows = np.flatnonzero(allowed)
    bins = bin_of(jaccard[rows])
    chosen = [np.zeros(0, dtype=np.int64)]
    for b in range(BINS):
        here = rows[bins == b]
        step = max(1, -(-len(here) // per_bin))
        chosen.append(here[::step])
    return np.sort(np.concatenate(chosen))
