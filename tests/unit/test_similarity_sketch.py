"""Fast Similarity Sketches: the slots of the paper, whatever is left out on the way; unbiased, with less error."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import pytest

from benchmarks.data import DATA
from scorers.base import ScorerError, build, fingerprint
from scorers.kernels.jaccard import estimate, pair_jaccard, shingle_sets
from scorers.kernels.shingles import CHUNK
from scorers.kernels.similarity_sketch import BLOCK
from scorers.minhash import MinHash, rounds
from scorers.text import TextBatch
from tests import oracle_dedup as oracle

FOLDER = DATA / "neardup"
SLOTS = 128

Sketch = Literal["minhash", "fast_similarity"]
Floats = npt.NDArray[np.float64]


def slots(texts: list[str], num_perm: int = 16, ngram: int = 5, seed: int = 1) -> list[list[int]]:
    """Sketches of a few slots."""
    scorer = MinHash(num_perm=num_perm, ngram=ngram, seed=seed, sketch="fast_similarity")
    return [[int(v) for v in row] for row in scorer.score(TextBatch.from_strings(texts))["signature"]]


def by_hand(text: str, num_perm: int = 16, ngram: int = 5, seed: int = 1) -> list[int]:
    a, b = rounds(num_perm, seed)
    return oracle.similarity_sketch(text, a.tolist(), b.tolist(), ngram)


def numbered(first: int, count: int) -> str:
    """A text of different words."""
    return " ".join(f"w{i}" for i in range(first, first + count))


@pytest.mark.parametrize("num_perm", [1, 2, 16, 128])
@pytest.mark.parametrize("words", [1, 4, 5, 6, 20, 200])
def test_slots_are_those_of_the_paper(words: int, num_perm: int) -> None:
    text = numbered(0, words)
    assert slots([text, text + " end"], num_perm) == [by_hand(text, num_perm), by_hand(text + " end", num_perm)]


@pytest.mark.parametrize("words", [CHUNK // 4, BLOCK - 1, BLOCK, BLOCK + CHUNK])
def test_slots_of_more_than_a_block_of_shingles_are_those_of_the_paper(words: int) -> None:
    text = numbered(0, words)
    assert slots([text], 24, 1, seed=5) == [by_hand(text, 24, 1, seed=5)]


def test_a_slot_that_only_the_second_block_fills_early_takes_the_earlier_round() -> None:
    # the first block holds one shingle, so that nearly all its slots are of late rounds; the second holds many
    text = "same " * (2 * BLOCK) + numbered(0, 300)
    assert slots([text], 64, 1) == [by_hand(text, 64, 1)]


def test_the_order_of_shingles_and_their_repeats_do_not_count() -> None:
    words = numbered(0, 20_000).split()
    straight, turned, twice = slots([" ".join(w) for w in (words, words[::-1], words + words[:9_000])], 4_096, 1)
    assert straight == turned == twice


def test_without_words_every_bit_is_set() -> None:
    assert slots(["", "\n", "?!"]) == [[0xFFFFFFFF] * 16] * 3


def test_a_document_of_100_megabytes_has_the_sketch_of_its_shingles() -> None:
    text = "one two three four five six seven " * 3_000_000
    assert slots([text, text[:340]])[0] == slots([text[:340]])[0]


def test_another_seed_is_another_sketch_and_the_same_seed_the_same() -> None:
    text = numbered(0, 50)
    assert slots([text], seed=1) == slots([text], seed=1)
    assert not set(slots([text], seed=1)[0]) & set(slots([text], seed=2)[0])


def test_a_sketch_is_another_table_and_minhash_the_one_it_was() -> None:
    # of notes that were made before there was a choice
    assert fingerprint(build("minhash")) == "1a33f973c7394fa999a6d3649d598150"
    assert fingerprint(build("minhash", {"num_perm": 112, "ngram": 3, "seed": 7})) == "80ae9f1d88d62d6b4dfc2dda39b0daa8"
    assert fingerprint(build("minhash", {"sketch": "minhash"})) == fingerprint(build("minhash"))
    assert fingerprint(build("minhash", {"sketch": "fast_similarity"})) != fingerprint(build("minhash"))


def test_an_unknown_sketch_is_refused() -> None:
    with pytest.raises(ScorerError, match=r"minhash.*sketch.*fast_similarity"):
        build("minhash", {"sketch": "fast"})


def errors(batch: TextBatch, ngram: int, a: npt.NDArray[np.int32], sketch: Sketch, seeds: int) -> Floats:
    """Estimate minus exact Jaccard of documents a and a + 1, seed by seed -> f64[seeds, pairs]."""
    exact = pair_jaccard(*shingle_sets(batch.data, batch.offsets, ngram), a, a + 1)
    made = [MinHash(SLOTS, ngram, seed, sketch).score(batch)["signature"] for seed in range(seeds)]
    return np.array([estimate(np.asarray(m), a, a + 1) - exact for m in made])


@pytest.mark.parametrize(
    ("size", "seeds", "most"), [(10, 400, 0.6), (100, 200, 0.6), (300, 100, 0.8), (1_000, 50, 1.0), (10_000, 12, 1.1)]
)
def test_estimates_are_unbiased_and_err_less_than_minhash_can(size: int, seeds: int, most: float) -> None:
    shared = round(size * 0.8)
    union = 2 * size - shared
    texts = [numbered(k * 100_000 + i * (size - shared), size) for k in range(16) for i in range(2)]
    batch, a = TextBatch.from_strings(texts), np.arange(0, 32, 2, dtype=np.int32)
    jaccard = shared / union
    of_minhash = jaccard * (1 - jaccard) / SLOTS
    found = errors(batch, 1, a, "fast_similarity", seeds)
    assert abs(found.mean()) < 4 * np.sqrt(of_minhash / found.size)
    assert (found**2).mean() < most * of_minhash


@pytest.mark.skipif(not FOLDER.is_dir(), reason=f"test data not found at {FOLDER} (WINNOW_TEST_DATA)")
def test_estimates_of_real_pairs_err_less_than_those_of_minhash() -> None:
    texts = dict(zip(*pq.read_table(FOLDER / "docs.parquet", columns=["id", "text"]).to_pydict().values(), strict=True))
    pairs = pq.read_table(FOLDER / "pairs.parquet", columns=["a", "b"]).slice(0, 1_500).to_pylist()
    batch = TextBatch.from_strings([texts[p[side]] for p in pairs for side in "ab"])
    a = np.arange(0, len(batch), 2, dtype=np.int32)
    ours, theirs = (errors(batch, 5, a, sketch, 3) for sketch in ("fast_similarity", "minhash"))
    assert abs(ours.mean()) < 0.003
    assert (ours**2).mean() < 0.95 * (theirs**2).mean()
