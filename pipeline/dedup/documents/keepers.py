"""Which keeper a document of a cluster has, where the keepers of several clusters have one id: told from the tables that the
clusters were made of, because the table `dedup` names keepers by id alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.dedup.documents.clusters import NONE, Nodes, Similarities
from pipeline.dedup.documents.graph import Graph
from pipeline.dedup.room import chunks

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Members:
    """M documents of some clusters, as the table `dedup` tells of them. rows: i64[M], rising global rows; keep, by_url: bool[M];
    jaccard: f64[M], NaN for those of an address."""

    rows: Rows
    keep: npt.NDArray[np.bool_]
    by_url: npt.NDArray[np.bool_]
    jaccard: Similarities


def keepers_of(graph: Graph, members: Members) -> Rows:
    """The place in `members` of each one's keeper: i64[M], NONE where several could be. All documents of the clusters that are
    meant are among the members.

    A document that is alike has its text in common with its keeper, or is in a pair of that very similarity with it; one of an
    address goes where the one of that address goes that is compared by text (see `pipeline.dedup.documents.clusters`).
    """
    nodes = np.searchsorted(graph.documents, members.rows)
    groups, urls = graph.groups[nodes], graph.urls[nodes].tolist()
    found = np.where(members.keep, np.arange(len(nodes)), NONE)
    keeper_of = {g: k for k, g in enumerate(groups.tolist()) if members.keep[k] and g != NONE}
    similar = _similar(graph, groups, keeper_of)
    for at in np.flatnonzero(~members.keep & ~members.by_url).tolist():
        group = int(groups[at])
        others = [k for k, jaccard in similar.get(group, {}).items() if jaccard == members.jaccard[at]]
        possible = [keeper_of[group]] if group in keeper_of else others
        found[at] = possible[0] if len(possible) == 1 else NONE
    first = {urls[at]: found[at] for at in np.flatnonzero(~members.by_url).tolist() if urls[at] != NONE}
    for at in np.flatnonzero(members.by_url).tolist():
        found[at] = first.get(urls[at], NONE)
    return found


def _similar(graph: Graph, groups: Nodes, keeper_of: dict[int, int]) -> dict[int, dict[int, float]]:
    """By group of equal texts: the keepers that it is similar to, and how; of several pairs of their documents the most."""
    leading = np.array(sorted(keeper_of), np.int32)
    made: dict[int, dict[int, float]] = {}
    for here in chunks(len(graph.a)):
        of_a, of_b, jaccard = graph.groups[graph.a[here]], graph.groups[graph.b[here]], graph.jaccard[here]
        for own, other in ((of_a, of_b), (of_b, of_a)):
            for edge in np.flatnonzero(np.isin(own, leading) & np.isin(other, groups)).tolist():
                told, keeper = made.setdefault(int(other[edge]), {}), keeper_of[int(own[edge])]
                told[keeper] = max(told.get(keeper, 0.0), float(jaccard[edge]))
    return made
