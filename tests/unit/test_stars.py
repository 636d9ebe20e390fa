"""Clusters as stars around the documents that are kept."""

from __future__ import annotations

import numpy as np

from scorers.kernels.stars import NOT_TAKING_PART, stars


def cluster(
    rank: list[int], edges: list[tuple[int, int, float]], takes_part: list[bool] | None = None
) -> tuple[list[int], list[float], list[int]]:
    """Keeper, similarity to it, size."""
    keeper, to_keeper = stars(
        np.array(rank, dtype=np.int64),
        np.array([a for a, _, _ in edges], dtype=np.int32),
        np.array([b for _, b, _ in edges], dtype=np.int32),
        np.array([s for _, _, s in edges], dtype=np.float64),
        np.array(takes_part if takes_part is not None else [True] * len(rank), dtype=np.bool_),
    )
    size = np.bincount(keeper[keeper >= 0], minlength=len(rank))
    return keeper.tolist(), to_keeper.tolist(), size.tolist()


def test_a_chain_is_not_glued() -> None:
    # 0 is like 1 and 1 like 2, but 2 is not like 0: it stays, and 1 is not its duplicate's duplicate
    assert cluster([0, 1, 2], [(0, 1, 0.9), (1, 2, 0.9)]) == ([0, 0, 2], [1.0, 0.9, 1.0], [2, 0, 1])


def test_the_lowest_rank_is_kept() -> None:
    assert cluster([2, 0, 1], [(0, 1, 0.8), (1, 2, 0.85), (0, 2, 0.99)]) == ([1, 1, 1], [0.8, 1.0, 0.85], [0, 3, 0])


def test_a_document_belongs_to_the_better_ranked_of_two_keepers() -> None:
    assert cluster([0, 1, 2], [(1, 2, 0.99), (0, 2, 0.8)])[0] == [0, 1, 0]


def test_who_takes_no_part_neither_keeps_nor_goes() -> None:
    found = cluster([0, 1, 2], [(0, 1, 0.9), (1, 2, 0.9)], [False, True, True])
    assert found == ([NOT_TAKING_PART, 1, 1], [0.0, 1.0, 0.9], [0, 2, 0])


def test_an_edge_told_twice_counts_once_with_its_highest_similarity() -> None:
    assert cluster([0, 1], [(0, 1, 0.8), (1, 0, 0.9), (0, 1, 0.85), (0, 0, 0.5)]) == ([0, 0], [1.0, 0.9], [2, 0])


def test_without_edges_everyone_is_kept() -> None:
    assert cluster([1, 0], []) == ([0, 1], [1.0, 1.0], [1, 1])
    assert cluster([], []) == ([], [], [])
