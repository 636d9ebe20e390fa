"""From equal hashes and verified pairs to clusters, as arrays: no disk, no engine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scorers.kernels.stars import stars

Rows = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
NONE = -1


@dataclass(frozen=True, slots=True)
class Clusters:
    """keeper: i64[D], the row that is kept in a document's place (itself for a keeper, NONE for one that takes no
    part); jaccard: f64[D], exact similarity to it; size: i64[D], documents of the cluster."""

    keeper: Rows
    jaccard: npt.NDArray[np.float64]
    size: Rows


def first_of_equals(digests: npt.NDArray[np.uint64], takes_part: Flags) -> Rows:
    """The first row with the same 128-bit digest: digests: u64[D, 2] -> i64[D]; NONE where a row takes no part."""
    rows = np.flatnonzero(takes_part)
    first = np.full(len(takes_part), NONE, dtype=np.int64)
    if len(rows) == 0:
        return first
    order = np.lexsort((rows, digests[rows, 1], digests[rows, 0]))
    ordered = digests[rows[order]]
    begins = np.ones(len(rows), dtype=bool)
    begins[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    heads = rows[order[begins]]
    first[rows[order]] = heads[np.cumsum(begins) - 1]
    return first


def leaders(groups: Rows, rank: Rows) -> Rows:
    """The best-ranked row of each row's group: groups: i64[D] (NONE: no part), rank: i64[D], lower is better -> i64[D]."""
    rows = np.flatnonzero(groups != NONE)
    leader = np.full(len(groups), NONE, dtype=np.int64)
    order = rows[np.lexsort((rank[rows], groups[rows]))]
    begins = np.ones(len(order), dtype=bool)
    begins[1:] = groups[order][1:] != groups[order][:-1]
    if len(order):
        leader[order] = order[begins][np.cumsum(begins) - 1]
    return leader


def join_by_url(made: Clusters, leader: Rows) -> Clusters:
    """The clusters with the documents that another of the same address stands for. leader: i64[D], the best-ranked row of
    each row's address (itself, or NONE without one). Each goes where its leader goes; their texts were not compared."""
    keeper, jaccard = made.keeper.copy(), made.jaccard.copy()
    goes = np.flatnonzero((leader != NONE) & (leader != np.arange(len(leader))))
    heads = leader[goes]
    alone = heads[keeper[heads] == NONE]
    keeper[alone], jaccard[alone] = alone, 1.0
    keeper[goes], jaccard[goes] = keeper[heads], 0.0
    in_cluster = np.flatnonzero(keeper != NONE)
    members = np.bincount(keeper[in_cluster], minlength=len(keeper))
    size = np.zeros(len(keeper), dtype=np.int64)
    size[in_cluster] = members[keeper[in_cluster]]
    return Clusters(keeper, jaccard, size)


def cluster(
    groups: Rows, rank: Rows, a: Rows, b: Rows, jaccard: npt.NDArray[np.float64], takes_part: Flags
) -> Clusters:
    """Stars over groups of equal documents. groups: i64[D], the group's name by any of its rows; a, b: rows whose
    groups are similar by `jaccard` (already at or above the threshold); takes_part: bool[D].

    Each group is led by its best-ranked member; leaders form stars; a member goes where its leader goes. So every
    removed document is exactly as similar to its keeper as is written down, and chains never glue.
    """
    own = np.where(takes_part, groups, NONE)
    leader = leaders(own, rank)
    # a pair names groups by a row of theirs that may have been judged out: its place is taken by the group's leader
    by_group = np.full(len(groups), NONE, dtype=np.int64)
    led = leader != NONE
    by_group[groups[led]] = leader[led]
    left, right = by_group[groups[a]], by_group[groups[b]]
    both = (left != NONE) & (right != NONE) & (left != right)
    is_leader = leader == np.arange(len(groups))
    star, to_keeper, _ = stars(
        rank, left[both].astype(np.int32), right[both].astype(np.int32), jaccard[both], is_leader
    )
    keeper = np.where(leader == NONE, NONE, star[leader])
    similarity = np.where(leader == NONE, 0.0, to_keeper[leader])
    in_cluster = np.flatnonzero(keeper != NONE)
    members = np.bincount(keeper[in_cluster], minlength=len(groups))
    size = np.zeros(len(groups), dtype=np.int64)
    size[in_cluster] = members[keeper[in_cluster]]
    return Clusters(keeper, similarity, size)
