"""Equal documents, shared buckets and clusters: the same whatever the order, the shards and the ranges."""

from __future__ import annotations

import tempfile
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.dedup.documents.clusters import NONE, cluster, leaders, sizes
from pipeline.dedup.documents.equals import digest_order, equal_rows
from pipeline.dedup.ranges import range_bounds, range_of
from pipeline.dedup.room import Room
from pipeline.stages.documents.bands import text_rank
from scorers.kernels.entries import sorted_entries
from scorers.kernels.lsh import Entries, band_keys, bucket_pairs
from scorers.kernels.slots import Meetings
from tests import oracle_dedup as oracle

minima = st.lists(
    st.one_of(st.just([0xFFFFFFFF] * 6), st.lists(st.integers(0, 2), min_size=6, max_size=6)), min_size=0, max_size=40
)
FAR = 2**33
ROOMS = [(Room(), 1 << 20), (Room(Path(tempfile.gettempdir())), 3)]
"""And how many rows are worked on at a time."""
BANDINGS = st.sampled_from([(1, 6), (2, 3), (3, 2), (6, 1)])


def entries(signatures: list[list[int]], banding: tuple[int, int]) -> Entries:
    """As the parts of shards hold them, by key and row; equal signatures have equal texts here."""
    keys = band_keys(np.array(signatures, np.uint32).reshape(-1, 6), *banding)
    names = {s: n for n, s in enumerate(sorted({tuple(s) for s in signatures}))}
    text = np.array([names[tuple(s)] for s in signatures], np.uint64)
    (columns,) = sorted_entries(keys, text, np.ones(len(signatures), np.bool_))
    return Entries(*columns)


@settings(deadline=None, max_examples=150)
@given(minima, BANDINGS, st.integers(0, 2**32 - 1), st.sampled_from([1, 2, 8, 64]))
def test_the_entries_of_a_shard_are_its_keys_in_order_in_pieces_that_are_ranges(
    signatures: list[list[int]], banding: tuple[int, int], seed: int, pieces: int
) -> None:
    keys = band_keys(np.array(signatures, np.uint32).reshape(-1, 6), *banding)
    chosen = np.random.default_rng(seed).random(len(signatures)) < 0.7
    text = np.arange(len(signatures), dtype=np.uint64) * np.uint64(3)
    made = list(sorted_entries(keys, text, chosen, pieces))
    assert [set(range_of(piece[0], pieces)) - {n} for n, piece in enumerate(made)] == [set()] * pieces
    key, texts, near, row = ([x for piece in made for x in piece[n].tolist()] for n in range(4))
    upper = [[int(k) >> 48 for k in band] for band in keys.tolist()]
    bands = len(keys)
    expected = sorted(
        (int(keys[b, d]), b, d) for b in range(bands) for d in range(len(signatures)) if chosen[d] and keys[b, d]
    )
    assert (key, row) == ([k for k, _, _ in expected], [d for _, _, d in expected])
    assert texts == [3 * d for d in row]
    assert near == [upper[(b + 1) % bands][d] << 16 | upper[(b + 2) % bands][d] for _, b, d in expected]


@settings(deadline=None, max_examples=150)
@given(minima, BANDINGS, st.integers(1, 5))
def test_ranges_together_have_the_pairs_that_share_a_band_once_for_each_text(
    signatures: list[list[int]], banding: tuple[int, int], ranges: int
) -> None:
    whole = entries(signatures, banding)
    found: set[tuple[int, int]] = set()
    for n in range(ranges):
        part = bucket_pairs(whole.take(range_of(whole.key, ranges) == n))
        pairs = list(zip(part.a.tolist(), part.b.tolist(), strict=True))
        assert len(pairs) == len(set(pairs))
        found |= set(pairs)
    firsts = {tuple(s): n for n, s in reversed(list(enumerate(signatures)))}
    first = [firsts[tuple(s)] for s in signatures]
    expected = oracle.banded_pairs(signatures, *banding)
    assert found == {(a, b) for a, b in expected if first[a] == a and first[b] == b}


@settings(deadline=None, max_examples=150)
@given(st.data(), st.integers(1, 9), st.integers(1, 3), st.sampled_from([1, 4, 2**20]))
def test_what_may_meet_another_is_told_of_lots_of_keys(
    data: st.DataObject, ranges: int, lots: int, spread: int
) -> None:  # fmt: skip
    low, high = range_bounds(data.draw(st.integers(0, ranges - 1)), ranges)
    key = st.one_of(
        st.integers(low, high),
        st.integers(0, 2).map(lambda n: low + n * spread),
        st.integers(0, 2).map(lambda n: high - n * spread),
    )
    keys = [data.draw(st.lists(key, max_size=25)) for _ in range(lots)]
    made = Meetings.of(low, high, sum(map(len, keys)))
    arrays = [np.array(k, np.uint64) for k in keys]
    for some in arrays:
        made.count(some)
    told = np.concatenate([n * 100 + made.may_meet(some) for n, some in enumerate(arrays)]).tolist()
    every = [k for some in keys for k in some]
    names = [n * 100 + i for n, k in enumerate(keys) for i in range(len(k))]
    assert told == [names[i] for i in oracle.in_shared_slots(every, low, int(made.shift))]
    assert {n for n, k in zip(names, every, strict=True) if every.count(k) > 1} <= set(told)


@settings(deadline=None, max_examples=60)
@given(minima, BANDINGS)
def test_documents_beyond_what_one_number_packs_have_the_same_pairs(
    signatures: list[list[int]], banding: tuple[int, int]
) -> None:
    near = entries(signatures, banding)
    one = bucket_pairs(near)
    two = bucket_pairs(Entries(near.key, near.text, near.near, near.document.astype(np.int64) + FAR))
    pairs = set(zip(one.a.tolist(), one.b.tolist(), strict=True))
    assert {(a - FAR, b - FAR) for a, b in zip(two.a.tolist(), two.b.tolist(), strict=True)} == pairs


@settings(deadline=None, max_examples=100)
@given(minima, st.integers(2, 5), st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_buckets_that_are_too_large_give_the_same_pairs_of_texts_in_any_order(
    signatures: list[list[int]], max_bucket: int, neighbours: int, seed: int
) -> None:
    shuffled = [signatures[i] for i in np.random.default_rng(seed).permutation(len(signatures))]
    told = []
    for order in (signatures, shuffled):
        found = bucket_pairs(entries(order, (2, 3)), max_bucket, neighbours)
        texts = [tuple(s) for s in order]
        pairs = zip(found.a.tolist(), found.b.tolist(), strict=True)
        told.append(({frozenset((texts[a], texts[b])) for a, b in pairs}, found.overflowed_buckets))
    assert told[0] == told[1]


digests = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 2), st.integers(0, 2)), max_size=30)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), max_size=20))
def test_digests_are_ordered_by_both_halves_and_then_by_row(found: list[tuple[int, int]]) -> None:
    order = digest_order(np.array(found, np.uint64).reshape(-1, 2)).tolist()
    assert order == sorted((n for n, d in enumerate(found) if d != (0, 0)), key=lambda n: (found[n], n))


@settings(deadline=None, max_examples=150)
@given(digests, st.integers(0, 2**32 - 1))
def test_every_copy_is_told_once_with_the_first_that_is_equal(found: list[tuple[int, int, int]], seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(found))
    high, low, label = (np.array([d[i] for d in found], np.uint64)[order] for i in range(3))
    made = equal_rows(high, low, label, order.astype(np.int64))
    first = {d[:2]: n for n, d in reversed(list(enumerate(found)))}
    same = {d: n for n, d in reversed(list(enumerate(found)))}
    expected = {(n, first[d[:2]], same[d]) for n, d in enumerate(found) if first[d[:2]] != n}
    told = list(zip(made.row.tolist(), made.first.tolist(), made.same.tolist(), strict=True))
    assert sorted(told) == sorted(expected)


@settings(deadline=None, max_examples=150)
@given(st.lists(st.integers(-1, 4), min_size=5, max_size=12), st.randoms(use_true_random=False))
def test_a_group_is_led_by_its_best_ranked_member(groups: list[int], pick: object) -> None:
    rank = list(range(len(groups)))
    pick.shuffle(rank)  # type: ignore[attr-defined]
    for room, rows in ROOMS:
        with mock.patch("pipeline.dedup.room.CHUNK", rows):
            found = leaders(np.array(groups, np.int32), np.array(rank, np.int32), room).tolist()
        _assert_led(found, groups, rank)


def _assert_led(found: list[int], groups: list[int], rank: list[int]) -> None:
    for name in range(len(groups)):
        members = [i for i, g in enumerate(groups) if g == name]
        assert found[name] == (min(members, key=lambda i: rank[i]) if members else NONE)


@st.composite
def corpora(draw: st.DrawFn) -> tuple[list[int], list[int], dict[tuple[int, int], float], list[bool]]:
    """(group of each document, rank, similar groups, who takes part)."""
    n = draw(st.integers(1, 12))
    texts = draw(st.lists(st.integers(0, 8), min_size=n, max_size=n))
    groups = [texts.index(t) for t in texts]
    names = sorted(set(groups))
    possible = [(a, b) for a in names for b in names if a < b]
    chosen = draw(st.lists(st.sampled_from(possible), unique=True)) if possible else []
    edges = {pair: draw(st.sampled_from([0.8, 0.9])) for pair in chosen}
    return groups, list(draw(st.permutations(range(n)))), edges, draw(st.lists(st.booleans(), min_size=n, max_size=n))


@settings(deadline=None, max_examples=200)
@given(corpora(), st.integers(0, 2**32 - 1))
def test_clusters_follow_the_leaders_of_equal_documents_in_any_numbering(
    corpus: tuple[list[int], list[int], dict[tuple[int, int], float], list[bool]], seed: int
) -> None:
    groups, rank, edges, takes_part = corpus
    n = len(groups)
    led = [-1] * n
    for i in sorted((i for i in range(n) if takes_part[i]), key=lambda i: rank[i]):
        led[groups[i]] = i if led[groups[i]] == -1 else led[groups[i]]
    between = {
        (min(led[a], led[b]), max(led[a], led[b])): s for (a, b), s in edges.items() if led[a] != -1 and led[b] != -1
    }
    star, similarity, _ = oracle.stars(rank, between, [led[groups[i]] == i for i in range(n)])
    expected = [star[led[groups[i]]] if takes_part[i] else -1 for i in range(n)]

    new = np.random.default_rng(seed).permutation(n)  # the number that each document has now
    old = np.argsort(new)
    for room, rows in ROOMS:
        a, b = (np.array([new[pair[k]] for pair in edges], np.int32) for k in range(2))
        with mock.patch("pipeline.dedup.room.CHUNK", rows):
            made = cluster(
                new[np.array(groups)[old]].astype(np.int32), np.array(rank, np.int32)[old], a, b,
                np.array(list(edges.values()), np.float64), np.array(takes_part)[old], room,
            )  # fmt: skip
            size = sizes(made.keeper, room)
        keeper = made.keeper[new]
        assert [int(old[k]) if k != NONE else NONE for k in keeper] == expected
        assert made.jaccard[new].tolist() == [similarity[led[groups[i]]] if takes_part[i] else 0.0 for i in range(n)]
        assert size[new].tolist() == [expected.count(expected[i]) if takes_part[i] else 0 for i in range(n)]


@given(st.lists(st.integers(0, 2**40), min_size=1, max_size=20))
def test_longer_texts_come_first(text_bytes: list[int]) -> None:
    ranks = text_rank(np.zeros((len(text_bytes), 2), np.uint64), np.array(text_bytes, np.int64))
    for i, one in enumerate(text_bytes):
        for j, other in enumerate(text_bytes):
            assert one <= other or ranks[i] <= ranks[j]
            assert one <= other or other >= 2**24 - 1 or ranks[i] < ranks[j]


@pytest.mark.parametrize("documents", [2_000, 40_000])
def test_equal_documents_make_no_pairs_and_one_edge_each(documents: int) -> None:
    one = np.full(documents, 7, np.uint64)
    found = bucket_pairs(Entries(one, one, np.zeros(documents, np.uint32), np.arange(documents)))
    assert (len(found.a), found.overflowed_buckets) == (0, 0)
    made = equal_rows(one, one, one, np.arange(documents))
    assert (made.row.tolist(), set(made.first.tolist())) == (list(range(1, documents)), {0})
