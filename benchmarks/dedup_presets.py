"""Published settings of MinHash-LSH on documents with known similarities: pairs found, and precision and recall of removals.

    python -m benchmarks.dedup_presets [threshold]

Truth: the exact Jaccard of word 5-grams of every pair of the 2,035 documents of `neardup`, by the kernels. Every setting is run
twice on the same candidates: as it is published (candidates are duplicates; of a connected component one stays) and as Winnow
does under its name (every pair verified, stars). Shingles are words in both (docs/dedup.md says where a system has characters).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.data import DATA
from pipeline.dedup.documents.planner import banding
from pipeline.dedup.documents.presets import PRESETS
from pipeline.recipe.dedup import Fuzzy
from scorers.kernels.jaccard import pair_jaccard, shingle_sets
from scorers.kernels.lsh import band_keys, candidate_pairs
from scorers.kernels.stars import stars
from scorers.minhash import MinHash
from scorers.text import TextBatch

Indices = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]
NGRAM = 5


@dataclass(frozen=True)
class Truth:
    """similar: bool[D, D], pairs at or above the threshold; removed: documents that an exact comparison of all would remove."""

    batch: TextBatch
    threshold: float
    similar: npt.NDArray[np.bool_]
    removed: set[int]


def truth_of(batch: TextBatch, threshold: float) -> Truth:
    """By comparing every pair."""
    a, b = (x.astype(np.int32) for x in np.triu_indices(len(batch), 1))
    jaccard = pair_jaccard(*shingle_sets(batch.data, batch.offsets, NGRAM), a, b)
    found = jaccard >= threshold
    similar = np.zeros((len(batch), len(batch)), dtype=np.bool_)
    similar[a[found], b[found]] = similar[b[found], a[found]] = True
    return Truth(batch, threshold, similar, set(_verified(a[found], b[found], jaccard[found], len(batch))))


def _verified(a: Indices, b: Indices, jaccard: Floats, documents: int) -> dict[int, int]:
    """Removed documents with their keepers; the first is kept."""
    keeper, _, _ = stars(np.arange(documents), a, b, jaccard, np.ones(documents, dtype=np.bool_))
    return {d: int(keeper[d]) for d in np.flatnonzero(keeper != np.arange(documents)).tolist()}


def _components(a: Indices, b: Indices, documents: int) -> dict[int, int]:
    """Removed documents with the first of their connected component."""
    root = list(range(documents))

    def find(x: int) -> int:
        while root[x] != x:
            root[x] = root[root[x]]
            x = root[x]
        return x

    for x, y in zip(a.tolist(), b.tolist(), strict=True):
        low, high = sorted((find(x), find(y)))
        root[high] = low
    return {d: find(d) for d in range(documents) if find(d) != d}


def _told(truth: Truth, removed: dict[int, int]) -> str:
    """Precision (removed documents that are similar to one that is kept) and recall (of those an exact comparison removes)."""
    gone = np.zeros(len(truth.batch), dtype=np.bool_)
    gone[list(removed)] = True
    right = sum(bool((truth.similar[d] & ~gone).any()) for d in removed)
    precision = right / len(removed) if removed else 1.0
    return f"{precision:.4f} | {len(truth.removed & set(removed)) / len(truth.removed):.4f}"


def settings(threshold: float) -> Iterator[tuple[str, int, int, tuple[int, int]]]:
    """(name, num_perm, ngram, (bands, rows))."""
    for num_perm in (112, 128, 256):
        yield f"Winnow, {num_perm} minima", num_perm, NGRAM, banding(Fuzzy(jaccard=threshold), num_perm)
    for name, preset in PRESETS.items():
        jaccards = list(preset.bandings) or [preset.jaccard]
        for jaccard in jaccards:
            cut = preset.bandings.get(jaccard) or banding(
                Fuzzy(jaccard=jaccard, weights=preset.weights), preset.num_perm
            )
            yield f"{name} ({jaccard:g})", preset.num_perm, preset.ngram, cut
    yield f"datasketch ({threshold:g})", 128, NGRAM, banding(Fuzzy(jaccard=threshold, weights=(0.5, 0.5)), 128)


def main(threshold: float) -> None:
    """Print the table."""
    documents = pq.read_table(DATA / "neardup" / "docs.parquet", columns=["text"])
    truth = truth_of(TextBatch.from_arrow(documents["text"].combine_chunks().cast(pa.large_string())), threshold)
    similar = int(np.triu(truth.similar).sum())
    print(
        f"{len(truth.batch):,} documents, {similar} pairs at {threshold:g} and above, {len(truth.removed)} removals\n"
    )
    print(
        "| setting | minima | words | bands x rows | candidates | pairs found | as published: precision | recall | verified: precision | recall |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name, num_perm, ngram, (bands, rows) in settings(threshold):
        signatures = np.asarray(MinHash(num_perm=num_perm, ngram=ngram).score(truth.batch)["signature"])
        found = candidate_pairs(
            band_keys(signatures, bands, rows), np.arange(len(truth.batch)), max_bucket=len(truth.batch)
        )
        jaccard = pair_jaccard(*shingle_sets(truth.batch.data, truth.batch.offsets, ngram), found.a, found.b)
        passed = jaccard >= threshold
        recall = truth.similar[found.a, found.b].sum() / similar
        glued = _told(truth, _components(found.a, found.b, len(truth.batch)))
        ours = _told(truth, _verified(found.a[passed], found.b[passed], jaccard[passed], len(truth.batch)))
        print(
            f"| {name} | {num_perm} | {ngram} | {bands} x {rows} | {len(found.a):,} | {recall:.4f} | {glued} | {ours} |",
            flush=True,
        )


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 0.8)
