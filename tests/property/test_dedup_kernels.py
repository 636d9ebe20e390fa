"""The deduplication kernels against their slow twins, over any text and any pairs."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.dedup.sorted_rows import distinct
from scorers.exact import Exact
from scorers.kernels.jaccard import estimate, pair_jaccard, shingle_sets
from scorers.kernels.lsh import band_keys, candidate_pairs
from scorers.kernels.radix import DIGIT_BITS, DIGITS, FEW, order_of_hashes, sort_by_digits
from scorers.kernels.stars import stars
from scorers.minhash import MinHash, rounds
from scorers.text import TextBatch
from tests import oracle_dedup as oracle

# separators of every sort, letters that fold in every way, scripts without spaces, joiners, four bytes, NUL
ODD = (
    "aAbzZ09 \t\n\x00\x1c.,_'éÉÅßſΣςΐİıǰﬃ\u0301\u200b\u200d\u00ad\u3000、。世界ไทかカー"
    "한글हिन्दीЖжЁ😀𠀋\U000e0100\ufe0f\ue000"
)
texts = st.lists(
    st.text(alphabet=st.one_of(st.sampled_from(ODD), st.characters(codec="utf-8")), max_size=60), max_size=8
)


def sliced(found: list[str]) -> TextBatch:
    """A batch whose offsets do not start at zero."""
    return TextBatch.from_arrow(pa.array(["before it", *found, "behind"], type=pa.large_string()).slice(1, len(found)))


@settings(deadline=None, max_examples=200)
@given(st.lists(st.integers(0, 2**63 - 1) | st.integers(0, 3) | st.sampled_from([2**11, 2**33, 2**62]), max_size=40))
def test_numbers_are_sorted_digit_by_digit(found: list[int]) -> None:
    one, other = np.array(found, np.uint64), np.empty(len(found), np.uint64)
    turned = sort_by_digits(one, other, np.empty((DIGITS, 1 << DIGIT_BITS), np.int64))
    assert (other if turned else one).tolist() == sorted(found)
    assert distinct(np.array(found * (FEW // 20), np.int64)).tolist() == sorted(set(found))


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.integers(0, 2**64 - 1) | st.sampled_from([0, 1, 2**63, 2**63 + 1, 2**64 - 1]), max_size=40),
    st.sampled_from([1, 30]),
)
def test_hashes_come_in_order_of_their_upper_bits_and_equal_ones_as_they_came(found: list[int], times: int) -> None:
    found = found * times
    order, told = order_of_hashes(np.array(found, np.uint64))
    left_out_bits = 9 if len(found) < 512 else 20
    assert order.tolist() == sorted(range(len(found)), key=lambda n: (found[n] >> left_out_bits, n))
    assert told.tolist() == sorted(h >> left_out_bits for h in found)


@settings(deadline=None, max_examples=300)
@given(texts)
def test_exact_hashes_are_those_of_xxhash(found: list[str]) -> None:
    values = Exact().score(sliced(found))
    assert [bytes(v) for v in values["raw"]] == [xxhash.xxh3_128_digest(t.encode()) for t in found]
    assert [bytes(v) for v in values["normalised"]] == [
        xxhash.xxh3_128_digest(oracle.normalised(t).encode()) for t in found
    ]
    assert values["text_bytes"].tolist() == [len(t.encode()) for t in found]
    assert values["text_chars"].tolist() == [len(t) for t in found]


@settings(deadline=None, max_examples=200)
@given(texts, st.sampled_from([1, 2, 5, 13]), st.sampled_from([1, 7, 64]))
def test_signatures_are_those_of_datasketch(found: list[str], ngram: int, num_perm: int) -> None:
    values = MinHash(num_perm=num_perm, ngram=ngram, seed=3).score(sliced(found))
    assert values["signature"].tolist() == [oracle.signature(t, num_perm, ngram, 3) for t in found]
    assert values["shingles"].tolist() == [len(oracle.shingles(t, ngram)) for t in found]


@settings(deadline=None, max_examples=100)
@given(texts, st.sampled_from([1, 2, 5]), st.sampled_from([1, 7, 64]))
def test_similarity_sketches_are_those_of_the_paper(found: list[str], ngram: int, slots: int) -> None:
    values = MinHash(num_perm=slots, ngram=ngram, seed=3, sketch="fast_similarity").score(sliced(found))
    a, b = (drawn.tolist() for drawn in rounds(slots, 3))
    assert values["signature"].tolist() == [oracle.similarity_sketch(t, a, b, ngram) for t in found]
    assert values["shingles"].tolist() == [len(oracle.shingles(t, ngram)) for t in found]


@settings(deadline=None, max_examples=200)
@given(texts, st.sampled_from([1, 2, 5]))
def test_shingle_sets_and_jaccard_are_those_of_python_sets(found: list[str], ngram: int) -> None:
    batch = sliced(found)
    bounds, hashes = shingle_sets(batch.data, batch.offsets, ngram)
    for d, text in enumerate(found):
        assert hashes[bounds[d] : bounds[d + 1]].tolist() == sorted(set(oracle.shingle_hashes(text, ngram)))
    pairs = [(i, j) for i in range(len(found)) for j in range(len(found))]
    a = np.array([i for i, _ in pairs], dtype=np.int32)
    b = np.array([j for _, j in pairs], dtype=np.int32)
    expected = [oracle.jaccard(found[i], found[j], ngram) for i, j in pairs]
    assert pair_jaccard(bounds, hashes, a, b).tolist() == expected


minima = st.lists(
    st.one_of(st.just([0xFFFFFFFF] * 6), st.lists(st.integers(0, 2), min_size=6, max_size=6)), min_size=0, max_size=40
)


@settings(deadline=None, max_examples=200)
@given(minima, st.sampled_from([(1, 6), (2, 3), (3, 2), (6, 1), (2, 2)]))
def test_candidates_are_the_pairs_that_share_a_band(signatures: list[list[int]], cut: tuple[int, int]) -> None:
    keys = band_keys(np.array(signatures, dtype=np.uint32).reshape(-1, 6), *cut)
    found = candidate_pairs(keys, np.arange(len(signatures)))
    assert list(zip(found.a.tolist(), found.b.tolist(), strict=True)) == sorted(oracle.banded_pairs(signatures, *cut))
    assert found.overflowed_buckets == 0


@settings(deadline=None, max_examples=200)
@given(minima.filter(lambda s: len(s) > 1), st.integers(2, 6), st.integers(1, 3), st.randoms())
def test_bounded_buckets_give_the_same_pairs_in_any_order(
    signatures: list[list[int]], max_bucket: int, neighbours: int, random: object
) -> None:
    d = len(signatures)
    values = np.array(signatures, dtype=np.uint32)
    rank = np.random.default_rng(d).permutation(d)
    shuffle = np.random.default_rng(len(repr(random)) + max_bucket).permutation(d)
    one = candidate_pairs(band_keys(values, 2, 3), rank, max_bucket, neighbours)
    other = candidate_pairs(band_keys(values[shuffle], 2, 3), rank[shuffle], max_bucket, neighbours)
    back = {(min(shuffle[i], shuffle[j]), max(shuffle[i], shuffle[j])) for i, j in zip(other.a, other.b, strict=True)}
    assert set(zip(one.a.tolist(), one.b.tolist(), strict=True)) == back
    assert one.overflowed_buckets == other.overflowed_buckets
    assert back <= oracle.banded_pairs(signatures, 2, 3)


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[int], dict[tuple[int, int], float], list[bool]]:
    d = draw(st.integers(1, 14))
    possible = [(i, j) for i in range(d) for j in range(i + 1, d)]
    chosen = draw(st.lists(st.sampled_from(possible), unique=True)) if possible else []
    edges = {pair: draw(st.sampled_from([0.8, 0.9, 1.0])) for pair in chosen}
    rank = draw(st.permutations(range(d)))
    return list(rank), edges, draw(st.lists(st.booleans(), min_size=d, max_size=d))


@settings(deadline=None, max_examples=300)
@given(graphs(), st.integers(0, 2**32 - 1))
def test_stars_are_greedy_by_rank_in_any_order(
    graph: tuple[list[int], dict[tuple[int, int], float], list[bool]], seed: int
) -> None:
    rank, edges, takes_part = graph
    shuffled = np.random.default_rng(seed).permutation(len(edges))
    pairs = np.array(list(edges), dtype=np.int32).reshape(-1, 2)[shuffled]
    similarity = np.array(list(edges.values()), dtype=np.float64)[shuffled]
    swap = seed % 2
    keeper, to_keeper = stars(
        np.array(rank), pairs[:, swap].copy(), pairs[:, 1 - swap].copy(), similarity, np.array(takes_part)
    )
    assert (keeper.tolist(), to_keeper.tolist()) == oracle.stars(rank, edges, takes_part)[:2]


@given(minima.filter(bool))
@settings(deadline=None, max_examples=50)
def test_estimate_is_the_share_of_equal_minima(signatures: list[list[int]]) -> None:
    d = len(signatures)
    a, b = np.arange(d, dtype=np.int32), np.arange(d, dtype=np.int32)[::-1].copy()
    found = estimate(np.array(signatures, dtype=np.uint32), a, b)
    expected = [
        sum(x == y for x, y in zip(signatures[i], signatures[j], strict=True)) / 6 for i, j in zip(a, b, strict=True)
    ]
    assert found.tolist() == pytest.approx(expected)
