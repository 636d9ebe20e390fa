"""From equal documents and verified pairs to clusters, as arrays: no tables, no engine.

Documents are numbered densely here, those alone that equal or resemble another. About 64 bytes a document and 28 a pair, in the
room that is given; what is held beside it does not grow with them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.dedup.room import Room, chunks
from scorers.kernels.stars import stars

Nodes = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]
Similarities = npt.NDArray[np.float64]
NONE = -1


@dataclass(frozen=True, slots=True)
class Clusters:
    """keeper: i32[N], the document that is kept in another's place (itself for a keeper, NONE for one that takes no
    part); jaccard: f64[N], exact similarity to it."""

    keeper: Nodes
    jaccard: Similarities


def leaders(groups: Nodes, rank: Nodes, room: Room) -> Nodes:
    """The best-ranked member of each group, by the group's name: groups: i32[N], each named by any number below N (NONE:
    no part); rank: i32[N], 0..N-1 in some order, lower is better -> i32[N], NONE where no group has the name."""
    by_rank, best = room.empty(len(rank), np.int32), room.full(len(rank), np.int32, NONE)
    for here in chunks(len(rank)):
        by_rank[rank[here]] = np.arange(here.start, here.stop, dtype=np.int32)
    for here in reversed(list(chunks(len(rank)))):
        last_first = by_rank[here][::-1]
        last_first = last_first[groups[last_first] != NONE]
        best[groups[last_first]] = last_first  # of several values for one place the last one stays
    return best


def leads_by_url(urls: Nodes, rank: Nodes, takes_part: Flags, room: Room) -> Nodes:
    """i32[N]: the best-ranked document of each one's address, itself included; NONE for those without address or part. urls:
    i32[N], equal addresses by any document of theirs (NONE: none)."""
    of_address, leader = room.empty(len(urls), np.int32), room.empty(len(urls), np.int32)
    for here in chunks(len(urls)):
        of_address[here] = np.where(takes_part[here], urls[here], np.int32(NONE))
    best = leaders(of_address, rank, room)
    for here in chunks(len(urls)):
        leader[here] = np.where(of_address[here] == NONE, np.int32(NONE), best[of_address[here]])
    return leader


def join_by_url(made: Clusters, leader: Nodes) -> None:
    """Put into the clusters the documents that another of the same address stands for. leader: i32[N], the best-ranked one of
    each document's address (itself, or NONE without one). Each goes where its leader goes; their texts were not compared."""
    keeper, jaccard = made.keeper, made.jaccard
    for here in chunks(len(leader)):
        goes = _led(leader, here)
        heads = leader[goes]
        alone = heads[keeper[heads] == NONE]
        keeper[alone], jaccard[alone] = alone, 1.0
        keeper[goes], jaccard[goes] = keeper[heads], 0.0


def _led(leader: Nodes, here: slice) -> npt.NDArray[np.int64]:
    """Those of some documents that another leads."""
    led = (leader[here] != NONE) & (leader[here] != np.arange(here.start, here.stop))
    nodes: npt.NDArray[np.int64] = np.flatnonzero(led) + here.start
    return nodes


def drop_copies(made: Clusters, others: int) -> None:
    """Take out of the clusters the documents from `others` on (of reference sets) that are kept for nobody: those are told of
    nowhere, and a cluster is no larger for them."""
    for here in chunks(len(made.keeper)):
        keeper = made.keeper[here]
        nodes = np.arange(here.start, here.stop)
        keeper[(nodes >= others) & (keeper != nodes)] = NONE


def sizes(keeper: Nodes, room: Room) -> Nodes:
    """i32[N]: documents of each one's cluster, 0 for one that is in none."""
    members, found = room.full(len(keeper), np.int32, 0), room.empty(len(keeper), np.int32)
    for here in chunks(len(keeper)):
        np.add.at(members, keeper[here][keeper[here] != NONE], np.int32(1))
    for here in chunks(len(keeper)):
        found[here] = np.where(keeper[here] == NONE, np.int32(0), members[keeper[here]])
    return found


def cluster(
    groups: Nodes, rank: Nodes, a: Nodes, b: Nodes, jaccard: Similarities, takes_part: Flags, room: Room
) -> Clusters:
    """Stars over groups of equal documents. groups: i32[N], the group's name by any of its documents (NONE: no part);
    a, b: i32[K], documents whose groups are similar by `jaccard`: f64[K] (already at or above the threshold; the three are
    used up); takes_part: bool[N].

    Each group is led by its best-ranked member; leaders form stars; a member goes where its leader goes. So every
    removed document is exactly as similar to its keeper as is written down, and chains never glue.
    """
    own, leads = room.empty(len(groups), np.int32), room.full(len(groups), np.bool_, False)
    for here in chunks(len(groups)):
        own[here] = np.where(takes_part[here], groups[here], np.int32(NONE))
    best = leaders(own, rank, room)
    for here in chunks(len(groups)):
        leads[best[here][best[here] != NONE]] = True
    pairs = _between_leaders(best, groups, a, b, jaccard)
    star, to_keeper = stars(rank, a[:pairs], b[:pairs], jaccard[:pairs], leads, room.empty)
    keeper, similarity = room.full(len(groups), np.int32, NONE), room.full(len(groups), np.float64, 0.0)
    for here in chunks(len(groups)):
        within = np.flatnonzero(own[here] != NONE)
        leader = best[own[here][within]]
        keeper[here][within], similarity[here][within] = star[leader], to_keeper[leader]
    return Clusters(keeper, similarity)


def _between_leaders(best: Nodes, groups: Nodes, a: Nodes, b: Nodes, jaccard: Similarities) -> int:
    """Put pairs between the leaders of groups in the place of those between any documents of theirs; how many that are. (A pair
    names groups by a document that may have been judged out.)"""
    end = 0
    for here in chunks(len(a)):
        left, right = best[groups[a[here]]], best[groups[b[here]]]
        both = np.flatnonzero((left != NONE) & (right != NONE) & (left != right))
        more = end + len(both)
        a[end:more], b[end:more], jaccard[end:more] = left[both], right[both], jaccard[here][both]
        end = more
    return end
