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


def bin_of(jaccard: Floats) -> npt.NDArray[np.intp]:
    """The bin of each similarity: f64[K] -> [K]; 1 lies in the last."""
    return np.clip(np.searchsorted(EDGES, jaccard, side="right") - 1, 0, BINS - 1)


def agreeing_bands(
    left: npt.NDArray[np.uint32], right: npt.NDArray[np.uint32], bands: int, rows: int
) -> npt.NDArray[np.int64]:
    """In how many bands the signatures of K pairs agree: u32[K, P] twice -> i64[K]."""
    equal = left[:, : bands * rows] == right[:, : bands * rows]
    agreed: npt.NDArray[np.int64] = equal.reshape(len(left), bands, rows).all(axis=2).sum(axis=1)
    return agreed


def s_curve(
    jaccard: Floats, threshold: float, bands: int, rows: int, sampled: npt.NDArray[np.int64], agreeing: Counts
) -> Curve:
    """jaccard: f64[K], exact, of every pair that was found; sampled: i64[S], some of these; agreeing: i64[S], their bands that
    agree.

    missed: a pair of similarity s is found with p = 1 - (1 - s^rows)^bands, so that each found one stands for 1/p pairs
    (Horvitz and Thompson): unbiased if bands agree as often as the theory has it. measured does not take that on trust. For
    each band, pairs that some other band found are an independent sample: how often the band agrees on these, against how
    often it should by their similarities, corrects s^rows in that bin.
    """
    at = bin_of(jaccard)
    one_band = np.maximum(jaccard, 1e-9) ** rows  # whatever was found is a little alike
    found = _found(one_band, bands)
    pairs: Counts = np.bincount(at, minlength=BINS)
    missed = _summed(at, 1 / found - 1)
    error = np.sqrt(_summed(at, (1 - found) / found**2))
    factor = _correction(at[sampled], one_band[sampled], agreeing, bands)
    corrected = _found(np.minimum(one_band * np.where(np.isnan(factor), 0.0, factor)[at], 1.0), bands)
    missed_then = _summed(at, 1 / corrected - 1)
    verified = np.bincount(at[jaccard >= threshold], minlength=BINS)
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = pairs / (pairs + missed)
        measured = np.where(np.isnan(factor), np.nan, pairs / (pairs + missed_then))
    inside = np.bincount(at[sampled], minlength=BINS)
    return Curve(pairs, verified, expected, inside, measured, missed, error)


def _summed(at: npt.NDArray[np.intp], values: Floats) -> Floats:
    """Sums by bin: f64[BINS]."""
    return np.bincount(at, weights=values, minlength=BINS).astype(np.float64)


def _found(one_band: Floats, bands: int) -> Floats:
    """Probability that at least one of the bands agrees, without loss for the tiniest."""
    with np.errstate(divide="ignore"):
        found: Floats = np.maximum(-np.expm1(bands * np.log1p(-one_band)), 1e-150)
    return found


def _correction(at: npt.NDArray[np.intp], one_band: Floats, agreeing: Counts, bands: int) -> Floats:
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
