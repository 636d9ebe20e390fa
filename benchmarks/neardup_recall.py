"""Near-duplicates found, missed and wrongly removed, on pairs with a known Jaccard similarity.

    python benchmarks/neardup_recall.py [num_perm] [threshold] [minhash | fast_similarity]

Truth is told two ways: by the kernels over all pairs of documents (what the join can miss), and by the data set's own
pairs, whose words are other ones (`\\w+`), so that pairs at the very threshold may fall on either side.
"""

from __future__ import annotations

import sys

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.data import DATA
from pipeline.dedup.documents.bands import choose_bands
from scorers.base import build
from scorers.kernels.jaccard import estimate, pair_jaccard, shingle_sets
from scorers.kernels.lsh import band_keys, candidate_pairs
from scorers.kernels.stars import stars
from scorers.minhash import MinHash
from scorers.text import TextBatch

Indices = npt.NDArray[np.int32]


def all_pairs(documents: int) -> tuple[Indices, Indices]:
    """Every pair once -> i32[D (D - 1) / 2] twice."""
    a, b = np.triu_indices(documents, 1)
    return a.astype(np.int32), b.astype(np.int32)


def removed(a: Indices, b: Indices, jaccard: npt.NDArray[np.float64], documents: int) -> dict[int, int]:
    """Documents whose keeper is another one, with their keeper; the first document is kept."""
    keeper, _, _ = stars(np.arange(documents), a, b, jaccard, np.ones(documents, dtype=np.bool_))
    return {d: int(keeper[d]) for d in np.flatnonzero(keeper != np.arange(documents)).tolist()}


def share(found: int, of: int) -> str:
    """'found of all (fraction)'."""
    return f"{found} of {of} ({found / of:.4f})" if of else "none"


def report_all_pairs(
    candidates: set[tuple[int, int]],
    a: Indices,
    b: Indices,
    jaccard: npt.NDArray[np.float64],
    threshold: float,
    documents: int,
) -> dict[int, int]:
    """Recall of pairs and of removals against every pair of documents; the removals with their keepers."""
    similar = jaccard >= threshold
    pairs = list(zip(a[similar].tolist(), b[similar].tolist(), strict=True))
    found = np.array([pair in candidates for pair in pairs], dtype=np.bool_)
    print("pairs found, all pairs:          ", share(int(found.sum()), len(pairs)))
    exact = removed(a[similar], b[similar], jaccard[similar], documents)
    ours = removed(a[similar][found], b[similar][found], jaccard[similar][found], documents)
    print("removals found:                  ", share(len(ours.keys() & exact.keys()), len(exact)))
    verified = set(pairs)
    right = sum((min(d, keeper), max(d, keeper)) in verified for d, keeper in ours.items())
    print("removals like their keeper:      ", share(right, len(ours)))
    return ours


def report_given_pairs(
    candidates: set[tuple[int, int]], removals: dict[int, int], position: dict[str, int], threshold: float
) -> None:
    """Recall of the data set's own pairs by relation, and what it says of the pairs that removed a document."""
    pairs = pq.read_table(DATA / "neardup" / "pairs.parquet", columns=["a", "b", "relation", "jaccard"]).to_pylist()
    told = {frozenset((position[p["a"]], position[p["b"]])): p["jaccard"] for p in pairs}
    judged = [told[frozenset(pair)] for pair in removals.items() if frozenset(pair) in told]
    print("removals told alike by the data: ", share(sum(j >= threshold for j in judged), len(judged)))
    print(f"lowest Jaccard told of a removal:  {min(judged, default=1.0):.4f}")
    for relation in sorted({p["relation"] for p in pairs}):
        alike = [p for p in pairs if p["relation"] == relation and p["jaccard"] >= threshold]
        ids = [sorted((position[p["a"]], position[p["b"]])) for p in alike]
        if ids:
            print(f"pairs found, {relation:20}", share(sum((i, j) in candidates for i, j in ids), len(ids)))


def main(num_perm: int, threshold: float, sketch: str) -> None:
    """Print it all."""
    documents = pq.read_table(DATA / "neardup" / "docs.parquet", columns=["id", "text"])
    batch = TextBatch.from_arrow(documents["text"].combine_chunks().cast(pa.large_string()))
    bands, rows = choose_bands(num_perm, threshold)
    signatures = np.asarray(build("minhash", {"num_perm": num_perm, "sketch": sketch}).score(batch)["signature"])
    joined = candidate_pairs(band_keys(signatures, bands, rows), np.arange(len(batch)))
    candidates = set(zip(joined.a.tolist(), joined.b.tolist(), strict=True))
    bounds, hashes = shingle_sets(batch.data, batch.offsets, MinHash().ngram)
    a, b = all_pairs(len(batch))
    jaccard = pair_jaccard(bounds, hashes, a, b)
    verified = pair_jaccard(bounds, hashes, joined.a, joined.b) >= threshold
    print(f"{len(batch)} documents, {num_perm} slots of {sketch}, {bands} bands of {rows}, threshold {threshold}")
    print("candidates that pass verification:", share(int(verified.sum()), len(candidates)))
    removals = report_all_pairs(candidates, a, b, jaccard, threshold, len(batch))
    report_given_pairs(candidates, removals, {k: i for i, k in enumerate(documents["id"].to_pylist())}, threshold)
    error = estimate(signatures, joined.a, joined.b) - pair_jaccard(bounds, hashes, joined.a, joined.b)
    print(f"estimate minus exact Jaccard: mean {error.mean():+.4f}, root mean square {np.sqrt((error**2).mean()):.4f}")


if __name__ == "__main__":
    given = dict(enumerate(sys.argv))
    main(int(given.get(1, 128)), float(given.get(2, 0.8)), given.get(3, "minhash"))
