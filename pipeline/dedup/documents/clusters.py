"""From equal documents and verified pairs to clusters, as arrays: no disk, no engine.

Documents are numbered densely here, those alone that equal or resemble another. About 60 bytes a document and 56 a pair.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scorers.kernels.stars import stars

Nodes = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]
Similarities = npt.NDArray[np.float64]
NONE = -1


@dataclass(frozen=True, slots=True)
class Clusters:
    """keeper: i32[N], the document that is kept in another's place (itself for a keeper, NONE for one that takes no
    part); jaccard: f64[N], exact similarity to it; size: i32[N], documents of the cluster."""

    keeper: Nodes
    jaccard: Similarities
    size: Nodes


def leaders(groups: Nodes, rank: Nodes) -> Nodes:
    """The best-ranked member of each group, by the group's name: groups: i32[N], each named by any number below N (NONE:
    no part); rank: i32[N], 0..N-1 in some order, lower is better -> i32[N], NONE where no group has the name."""
    last_first = np.empty(len(rank), dtype=np.int32)
    last_first[len(rank) - 1 - rank] = np.arange(len(rank), dtype=np.int32)
    last_first = last_first[groups[last_first] != NONE]
    best = np.full(len(rank), NONE, dtype=np.int32)
    best[groups[last_first]] = last_first  # of several values for one place the last one stays
    return best


def join_by_url(made: Clusters, leader: Nodes) -> Clusters:
    """The clusters with the documents that another of the same address stands for. leader: i32[N], the best-ranked one of
    each document's address (itself, or NONE without one). Each goes where its leader goes; their texts were not compared."""
    keeper, jaccard = made.keeper.copy(), made.jaccard.copy()
    goes = np.flatnonzero((leader != NONE) & (leader != np.arange(len(leader))))
    heads = leader[goes]
    alone = heads[keeper[heads] == NONE]
    keeper[alone], jaccard[alone] = alone, 1.0
    keeper[goes], jaccard[goes] = keeper[heads], 0.0
    return Clusters(keeper, jaccard, _sizes(keeper))


def without_copies(made: Clusters, others: Flags) -> Clusters:
    """The clusters less the documents among `others` (bool[N]: of reference sets) that are kept for nobody: those are told of
    nowhere, and a cluster is no larger for them."""
    goes = others & (made.keeper != np.arange(len(others)))
    keeper = np.where(goes, np.int32(NONE), made.keeper)
    return Clusters(keeper, made.jaccard, _sizes(keeper))


def cluster(groups: Nodes, rank: Nodes, a: Nodes, b: Nodes, jaccard: Similarities, takes_part: Flags) -> Clusters:
    """Stars over groups of equal documents. groups: i32[N], the group's name by any of its documents (NONE: no part);
    a, b: i32[K], documents whose groups are similar by `jaccard`: f64[K] (already at or above the threshold);
    takes_part: bool[N].

    Each group is led by its best-ranked member; leaders form stars; a member goes where its leader goes. So every
    removed document is exactly as similar to its keeper as is written down, and chains never glue.
    """
    own = np.where(takes_part, groups, np.int32(NONE))
    best = leaders(own, rank)
    # a pair names groups by a document of theirs that may have been judged out: its place is taken by the group's leader
    left, right = best[groups[a]], best[groups[b]]
    both = (left != NONE) & (right != NONE) & (left != right)
    leads = np.zeros(len(groups), dtype=bool)
    leads[best[best != NONE]] = True
    star, to_keeper, _ = stars(rank, left[both], right[both], jaccard[both], leads)
    leader = np.where(own == NONE, np.int32(NONE), best[own])
    keeper = np.where(leader == NONE, np.int32(NONE), star[leader])
    similarity = np.where(leader == NONE, 0.0, to_keeper[leader])
    return Clusters(keeper, similarity, _sizes(keeper))


def _sizes(keeper: Nodes) -> Nodes:
    members = np.bincount(keeper[keeper != NONE], minlength=len(keeper)).astype(np.int32)
    return np.where(keeper == NONE, np.int32(0), members[keeper])
