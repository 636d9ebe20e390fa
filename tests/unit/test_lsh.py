"""Candidate pairs from signatures."""

from __future__ import annotations

import numpy as np
import pytest

from scorers.kernels.lsh import NEIGHBOURS, NO_KEY, band_keys, candidate_pairs

EMPTY = [0xFFFFFFFF] * 4


def pairs(signatures: list[list[int]], bands: int, rows: int) -> list[tuple[int, int]]:
    """Candidates as tuples."""
    keys = band_keys(np.array(signatures, dtype=np.uint32), bands, rows)
    found = candidate_pairs(keys, np.arange(len(signatures)))
    return list(zip(found.a.tolist(), found.b.tolist(), strict=True))


def test_a_pair_that_shares_one_band_is_a_candidate_once() -> None:
    signatures = [[1, 2, 3, 4], [9, 9, 3, 4], [1, 2, 3, 4], [1, 3, 2, 4]]
    assert pairs(signatures, bands=2, rows=2) == [(0, 1), (0, 2), (1, 2)]


def test_one_differing_row_parts_a_band() -> None:
    assert pairs([[1, 2, 3, 4], [1, 2, 3, 5]], bands=1, rows=4) == []
    assert pairs([[1, 2, 3, 4], [1, 2, 3, 5]], bands=1, rows=3) == [(0, 1)]


def test_documents_without_shingles_are_never_candidates() -> None:
    assert pairs([EMPTY, EMPTY, [1, 2, 3, 4], EMPTY], bands=2, rows=2) == []
    assert (band_keys(np.array([EMPTY], dtype=np.uint32), 2, 2) == NO_KEY).all()


def test_no_documents_make_no_pairs() -> None:
    found = candidate_pairs(np.empty((3, 0), dtype=np.uint64), np.empty(0, dtype=np.int64))
    assert (found.a.size, found.b.size, found.overflowed_buckets) == (0, 0, 0)


def test_keys_of_shards_join_like_keys_of_the_whole() -> None:
    signatures = np.random.default_rng(0).integers(0, 3, (50, 4), dtype=np.uint32)
    shards = np.concatenate([band_keys(signatures[:20], 2, 2), band_keys(signatures[20:], 2, 2)], axis=1)
    np.testing.assert_array_equal(shards, band_keys(signatures, 2, 2))


def test_a_poisoned_bucket_costs_a_bounded_number_of_pairs() -> None:
    documents = 20_000
    rank = np.random.default_rng(0).permutation(documents)
    found = candidate_pairs(np.full((2, documents), 5, dtype=np.uint64), rank)
    assert found.overflowed_buckets == 2
    assert documents - 1 <= len(found.a) <= (NEIGHBOURS + 1) * documents
    best = int(np.argmin(rank))
    partners = np.where(found.a == best, found.b, found.a)[(found.a == best) | (found.b == best)]
    assert sorted(partners.tolist()) == [d for d in range(documents) if d != best]


def test_members_of_a_poisoned_bucket_meet_those_like_them() -> None:
    # all share the first band; twos share the other two as well, and lie far apart
    documents = 2000
    keys = np.empty((3, documents), dtype=np.uint64)
    keys[0] = 7
    keys[1] = keys[2] = np.arange(documents) % (documents // 2) + 1
    found = candidate_pairs(keys[:, ::-1], np.arange(documents), max_bucket=100, neighbours=1)
    told = set(zip(found.a.tolist(), found.b.tolist(), strict=True))
    assert {(i, documents // 2 + i) for i in range(documents // 2 - 1)} <= told


def test_a_bucket_at_the_limit_has_all_its_pairs() -> None:
    at_limit = candidate_pairs(np.full((1, 30), 5, dtype=np.uint64), np.arange(30), max_bucket=30)
    over_it = candidate_pairs(np.full((1, 31), 5, dtype=np.uint64), np.arange(31), max_bucket=30, neighbours=2)
    assert (len(at_limit.a), at_limit.overflowed_buckets) == (30 * 29 // 2, 0)
    assert over_it.overflowed_buckets == 1
    assert len(over_it.a) < 3 * 31


def test_the_set_of_pairs_grows_as_it_must() -> None:
    keys = np.repeat(np.arange(1, 41, dtype=np.uint64), 100)[None, :]
    assert len(candidate_pairs(keys, np.arange(4000)).a) == 40 * 100 * 99 // 2


@pytest.mark.parametrize("cut", [(0, 1), (1, 0), (3, 2)])
def test_bands_that_do_not_fit_are_refused(cut: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="bands of"):
        band_keys(np.zeros((1, 4), dtype=np.uint32), *cut)
