"""Exact Jaccard similarity over shingle sets, and its estimate."""

from __future__ import annotations

import numpy as np
import pytest

from scorers.kernels.jaccard import estimate, pair_jaccard, shingle_sets
from scorers.minhash import MinHash
from scorers.text import TextBatch
from tests import oracle_dedup as oracle


def similarity(a: str, b: str, ngram: int = 2) -> float:
    """Of two texts."""
    batch = TextBatch.from_strings([a, b])
    bounds, hashes = shingle_sets(batch.data, batch.offsets, ngram)
    return float(pair_jaccard(bounds, hashes, np.array([0], dtype=np.int32), np.array([1], dtype=np.int32))[0])


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("a b c", "a b c", 1.0),
        ("a b c", "A, b; C!", 1.0),
        ("a b c d", "a b c x", 0.5),
        ("a b a b a b", "a b a", 1.0),
        ("a b", "c d", 0.0),
        ("a", "a", 1.0),
        ("a", "a b", 0.0),
        ("", "", 0.0),
        ("", "a b", 0.0),
        ("世界平和", "世界平穏", 0.5),
    ],
)
def test_jaccard_is_shared_over_all_shingles(a: str, b: str, expected: float) -> None:
    assert similarity(a, b) == expected == oracle.jaccard(a, b, 2)


def test_sets_are_sorted_and_distinct() -> None:
    batch = TextBatch.from_strings(["a b " * 50, "", "c d e f g h i"])
    bounds, hashes = shingle_sets(batch.data, batch.offsets, 2)
    assert bounds.tolist() == [0, 2, 2, 8]
    assert hashes[0] < hashes[1]
    assert (np.diff(hashes[2:].astype(object)) > 0).all()


def test_no_documents_and_no_pairs() -> None:
    batch = TextBatch.from_strings([])
    bounds, hashes = shingle_sets(batch.data, batch.offsets, 5)
    none = np.empty(0, dtype=np.int32)
    assert (bounds.tolist(), hashes.size, pair_jaccard(bounds, hashes, none, none).size) == ([0], 0, 0)


def test_distinct_shingles_have_distinct_hashes() -> None:
    draw = np.random.default_rng(1)
    texts = [" ".join(map(str, draw.integers(0, 60, 2000))) for _ in range(20)]
    batch = TextBatch.from_strings(texts)
    _, hashes = shingle_sets(batch.data, batch.offsets, 3)
    assert len(np.unique(hashes)) == len({s for t in texts for s in oracle.shingles(t, 3)})


def test_estimate_lies_within_five_deviations_of_the_exact_value() -> None:
    draw = np.random.default_rng(2)
    words = [str(w) for w in draw.integers(0, 10**9, 400)]
    texts = [" ".join(words)] + [" ".join([*words[:k], *"xyz", *words[k:]]) for k in range(10, 390, 20)]
    texts += [" ".join(words[: 400 - 20 * k]) for k in range(1, 20)]
    batch = TextBatch.from_strings(texts)
    a, b = np.zeros(len(texts), dtype=np.int32), np.arange(len(texts), dtype=np.int32)
    exact = pair_jaccard(*shingle_sets(batch.data, batch.offsets, 5), a, b)
    guessed = estimate(np.asarray(MinHash().score(batch)["signature"]), a, b)
    assert (np.abs(guessed - exact) <= 5 * np.sqrt(exact * (1 - exact) / 128) + 1e-12).all()
    assert exact.min() < 0.1
