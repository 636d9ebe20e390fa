"""Clusters as stars: every removed document is verified similar to the one that is kept in its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from scorers.kernels.jit import kernel

NOT_TAKING_PART = -1


@kernel
def neighbours(
    a: Any, b: Any, jaccard: Any, rank: Any, takes_part: Any, bounds: Any, other: Any, similarity: Any
) -> None:
    """K edges as lists of the worse neighbours of each document: a, b: i32[K], jaccard: f64[K], rank: [D], takes_part: bool[D]
    -> bounds: i64[D+2], all 0 to begin with, where the lists of documents begin; other: i32[K], similarity: f64[K]. Edges of
    documents that take no part are left out."""
    for k in range(a.size):
        if takes_part[a[k]] and takes_part[b[k]] and a[k] != b[k]:
            bounds[(a[k] if rank[a[k]] < rank[b[k]] else b[k]) + 2] += 1
    for d in range(2, bounds.size):
        bounds[d] += bounds[d - 1]
    for k in range(a.size):
        if takes_part[a[k]] and takes_part[b[k]] and a[k] != b[k]:
            better, worse = (a[k], b[k]) if rank[a[k]] < rank[b[k]] else (b[k], a[k])
            other[bounds[better + 1]] = worse
            similarity[bounds[better + 1]] = jaccard[k]
            bounds[better + 1] += 1


@kernel
def assign(
    rank: Any, takes_part: Any, bounds: Any, other: Any, similarity: Any, order: Any, keeper: Any, to_keeper: Any
) -> None:
    """Walk documents by rank; who is still free becomes a keeper and takes every free neighbour, none of which is better
    than it: those had their turn.

    order: i32[D] -> documents by rank; keeper: i32[D], all -1 to begin with; to_keeper: f64[D], all 0.
    """
    for d in range(rank.size):
        order[rank[d]] = d
    for d in order:
        if not takes_part[d] or keeper[d] >= 0:
            continue
        keeper[d] = d
        to_keeper[d] = 1.0
        for e in range(bounds[d], bounds[d + 1]):
            x = other[e]
            if keeper[x] < 0 or keeper[x] == d:
                keeper[x] = d
                to_keeper[x] = max(to_keeper[x], similarity[e])


def stars(
    rank: npt.NDArray[np.integer[Any]],
    a: npt.NDArray[np.int32],
    b: npt.NDArray[np.int32],
    jaccard: npt.NDArray[np.float64],
    takes_part: npt.NDArray[np.bool_],
    empty: Callable[[int, Any], npt.NDArray[Any]] = np.empty,
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float64]]:
    """Greedy stars over verified pairs. rank: [D], 0..D-1 in some order, the lower the rather kept; a, b: i32[K] and
    jaccard: f64[K], pairs that passed the threshold, in any order; takes_part: bool[D]; empty: where arrays come from.

    -> keeper: i32[D], itself for a kept document and -1 for one that takes no part; to_keeper: f64[D], the similarity
    to it.

    Unlike connected components, chains of neighbours never glue what is not alike. Every document that is removed has
    a verified pair with its keeper, and no two keepers have one (a maximal independent set, greedy by rank).
    Memory: 24 bytes a document and 12 a pair.
    """
    documents = len(rank)
    bounds, order = empty(documents + 2, np.int64), empty(documents, np.int32)
    bounds.fill(0)
    other, similarity = empty(len(a), np.int32), empty(len(a), np.float64)
    neighbours(a, b, jaccard, rank, takes_part, bounds, other, similarity)
    keeper, to_keeper = empty(documents, np.int32), empty(documents, np.float64)
    keeper.fill(NOT_TAKING_PART)
    to_keeper.fill(0.0)
    assign(rank, takes_part, bounds, other, similarity, order, keeper, to_keeper)
    return keeper, to_keeper
