"""What is truly alike in a corpus, by brute force, and how well a system's kept documents and signatures agree with it."""

from __future__ import annotations

import math
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.exact_jaccard import shingles
from benchmarks.peers import texts
from benchmarks.peers.peer import JACCARD

LEAST = 0.5
"""Pairs less alike than this are not kept; a removed document that is less like all that stay is lost."""


@dataclass(frozen=True)
class Truth:
    """ids: of the corpus, in order; a, b: i64[K], every pair with a Jaccard similarity of LEAST and more; jaccard: f64[K]."""

    ids: list[str]
    a: npt.NDArray[np.int64]
    b: npt.NDArray[np.int64]
    jaccard: npt.NDArray[np.float64]


def truth_of(folder: Path) -> Truth:
    """All pairs of documents, by which documents each shingle is in."""
    ids, documents = texts.read(folder)
    numbers: dict[tuple[str, ...], int] = {}
    sets = [np.array([numbers.setdefault(s, len(numbers)) for s in sorted(shingles(t))], np.int64) for t in documents]
    sizes = np.array([len(s) for s in sets])
    bounds = np.concatenate([[0], np.cumsum(sizes)])
    flat = np.concatenate(sets)
    holder = np.repeat(np.arange(len(sets)), sizes)[np.argsort(flat, kind="stable")]
    starts = np.concatenate([[0], np.cumsum(np.bincount(flat, minlength=len(numbers)))])
    found: list[tuple[npt.NDArray[Any], ...]] = []
    for d in range(len(sets)):
        own = flat[bounds[d] : bounds[d + 1]]
        shared = np.zeros(len(sets), np.int64)
        for s in own[starts[own + 1] - starts[own] > 1]:
            shared[holder[starts[s] : starts[s + 1]]] += 1
        shared[: d + 1] = 0
        others = np.flatnonzero(shared)
        alike = shared[others] / (sizes[d] + sizes[others] - shared[others])
        kept = alike >= LEAST
        found.append((np.full(kept.sum(), d), others[kept], alike[kept]))
    a, b, jaccard = (np.concatenate(column) for column in zip(*found, strict=True))
    return Truth(ids, a, b, jaccard)


def of_kept(truth: Truth, kept: set[str]) -> dict[str, Any]:
    """How well the documents that stay agree with the truth.

    pairs: similar pairs; found: of them, without one that stays; removed; right: removed documents with one as similar that stays;
    lost: removed documents that nothing left is even half like.
    """
    stays = np.array([i in kept for i in truth.ids])
    similar = truth.jaccard >= JACCARD
    a, b = truth.a[similar], truth.b[similar]
    nearest = np.zeros(len(truth.ids))
    for one, other in ((truth.a, truth.b), (truth.b, truth.a)):
        np.maximum.at(nearest, one, np.where(stays[other], truth.jaccard, 0.0))
    gone = ~stays
    return {
        "pairs": len(a),
        "found": int((~(stays[a] & stays[b])).sum()),
        "removed": int(gone.sum()),
        "right": int((nearest[gone] >= JACCARD).sum()),
        "lost": int((nearest[gone] < LEAST).sum()),
    }


def of_signatures(truth: Truth, rows: list[list[int]], left_out: Set[str] = frozenset()) -> dict[str, Any]:
    """Root mean square of estimate minus exact Jaccard, over the pairs of the first documents.

    left_out: documents whose white space and marks were changed, where those that cut words elsewhere estimate something else.
    """
    plain = np.array([i not in left_out for i in truth.ids])
    inside = (truth.a < len(rows)) & (truth.b < len(rows)) & plain[truth.a] & plain[truth.b]
    errors = [
        sum(x == y for x, y in zip(rows[i], rows[j], strict=True)) / len(rows[i]) - exact
        for i, j, exact in zip(
            truth.a[inside].tolist(), truth.b[inside].tolist(), truth.jaccard[inside].tolist(), strict=True
        )
    ]
    return {"pairs": len(errors), "rmse": math.sqrt(sum(e * e for e in errors) / len(errors))} if errors else {}
