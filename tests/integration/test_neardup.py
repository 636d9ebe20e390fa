"""Deduplication from text to stars, on real revisions, editions and licence variants."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
import pytest

from benchmarks.data import DATA
from pipeline.dedup.documents.bands import choose_bands
from scorers.base import build
from scorers.kernels.jaccard import pair_jaccard, shingle_sets
from scorers.kernels.lsh import band_keys, candidate_pairs
from scorers.kernels.stars import stars
from scorers.text import TextBatch

FOLDER = DATA / "neardup"
THRESHOLD = 0.8

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"test data not found at {FOLDER} (WINNOW_TEST_DATA)")


@pytest.mark.parametrize("sketch", ["minhash", "fast_similarity"])
@pytest.mark.parametrize("num_perm", [112, 128])
def test_known_pairs_are_found_and_every_removal_is_like_its_keeper(num_perm: int, sketch: str) -> None:
    documents = pq.read_table(FOLDER / "docs.parquet", columns=["id", "text"])
    pairs = pq.read_table(FOLDER / "pairs.parquet", columns=["a", "b", "jaccard"]).to_pylist()
    batch = TextBatch.from_arrow(documents["text"].combine_chunks())
    scorer = build("minhash", {"num_perm": num_perm, "sketch": sketch})
    signatures = np.asarray(scorer.score(batch)["signature"])
    found = candidate_pairs(band_keys(signatures, *choose_bands(num_perm, THRESHOLD)), np.arange(len(batch)))
    jaccard = pair_jaccard(*shingle_sets(batch.data, batch.offsets, 5), found.a, found.b)
    verified = jaccard >= THRESHOLD
    a, b = found.a[verified], found.b[verified]
    keeper, to_keeper = stars(np.arange(len(batch)), a, b, jaccard[verified], np.ones(len(batch), dtype=np.bool_))

    position = {doc_id: d for d, doc_id in enumerate(documents["id"].to_pylist())}
    told = {tuple(sorted((position[p["a"]], position[p["b"]]))): p["jaccard"] for p in pairs}
    candidates = set(zip(found.a.tolist(), found.b.tolist(), strict=True))
    similar = [pair for pair, known in told.items() if known >= THRESHOLD]
    assert sum(pair in candidates for pair in similar) >= 0.99 * len(similar)
    removed = [d for d in range(len(batch)) if keeper[d] != d]
    assert len(removed) > 500
    assert (to_keeper >= THRESHOLD).all()
    # the data set's words are other ones than ours, so that a pair at the threshold may differ in the second digit
    assert min(told.get((int(keeper[d]), d), 1.0) for d in removed) >= THRESHOLD - 0.05
