"""Clusters as stars: every removed document is verified similar to the one that is kept in its place."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from scorers.kernels.jit import kernel

NOT_TAKING_PART = -1


@kernel
def neighbours(a: Any, b: Any, jaccard: Any, takes_part: Any) -> Any:
    """Both directions of K edges as lists: a, b: i32[K], jaccard: f64[K], takes_part: bool[D]
    -> bounds: i64[D+1], other: i32[2K], similarity: f64[2K]. Edges of documents that take no part are left out."""
    bounds = np.zeros(takes_part.size + 2, np.int64)
    for k in range(a.size):
        if takes_part[a[k]] and takes_part[b[k]]:
            bounds[a[k] + 2] += 1
            bounds[b[k] + 2] += 1
    for d in range(2, bounds.size):
        bounds[d] += bounds[d - 1]
    other = np.empty(bounds[-1], np.int32)
    similarity = np.empty(bounds[-1], np.float64)
    for k in range(a.size):
        if takes_part[a[k]] and takes_part[b[k]]:
            for x, y in ((a[k], b[k]), (b[k], a[k])):
                other[bounds[x + 1]] = y
                similarity[bounds[x + 1]] = jaccard[k]
                bounds[x + 1] += 1
    return bounds[:-1], other, similarity


@kernel
def assign(order: Any, takes_part: Any, bounds: Any, other: Any, similarity: Any, keeper: Any, to_keeper: Any) -> None:
    """Walk documents in `order`: [D]; who is still free becomes a keeper and takes every free neighbour.

    keeper: i32[D], all -1 to begin with; to_keeper: f64[D], all 0.
    """
    for d in order:
        if not takes_part[d] or keeper[d] >= 0:
            continue
        keeper[d] = d
        to_keeper[d] = 1.0
        for e in range(bounds[d], bounds[d + 1]):
            x = other[e]
            if keeper[x] < 0 or (keeper[x] == d and x != d):
                keeper[x] = d
                to_keeper[x] = max(to_keeper[x], similarity[e])


def stars(
    rank: npt.NDArray[np.integer[Any]],
    a: npt.NDArray[np.int32],
    b: npt.NDArray[np.int32],
    jaccard: npt.NDArray[np.float64],
    takes_part: npt.NDArray[np.bool_],
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float64], npt.NDArray[np.int32]]:
    """Greedy stars over verified pairs. rank: [D], the lower the rather kept, no two alike; a, b: i32[K] and
    jaccard: f64[K], pairs that passed the threshold, in any order; takes_part: bool[D].

    -> keeper: i32[D], itself for a kept document and -1 for one that takes no part; to_keeper: f64[D], the similarity
    to it; size: i32[D], documents of the star that a keeper stands for, itself included, 0 elsewhere.

    Unlike connected components, chains of neighbours never glue what is not alike. Every document that is removed has
    a verified pair with its keeper, and no two keepers have one (a maximal independent set, greedy by rank).
    Memory: 32 bytes a document and 24 a pair.
    """
    bounds, other, similarity = neighbours(a, b, jaccard, takes_part)
    keeper = np.full(len(rank), NOT_TAKING_PART, dtype=np.int32)
    to_keeper = np.zeros(len(rank), dtype=np.float64)
    assign(np.argsort(rank, kind="stable"), takes_part, bounds, other, similarity, keeper, to_keeper)
    size = np.bincount(keeper[keeper >= 0], minlength=len(rank)).astype(np.int32)
    return keeper, to_keeper, size
