"""Speed of the deduplication kernels on one core, with datasketch beside them in the same run.

    python benchmarks/kernels_dedup.py [millions of signatures to join]

MB/s are megabytes of UTF-8 text per second of process time, the best of three after a first run that compiles.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
from datasketch import MinHash as DatasketchMinHash

from benchmarks.data import corpus_files
from pipeline.dedup.documents.bands import choose_bands
from scorers.exact import Exact
from scorers.kernels.folding import word_table
from scorers.kernels.jaccard import pair_jaccard, shingle_sets, write_shingles
from scorers.kernels.lsh import band_keys, candidate_pairs
from scorers.kernels.stars import stars
from scorers.minhash import MinHash
from scorers.text import TextBatch

NGRAM = 5


def seconds(run: Callable[[], object], times: int = 3) -> float:
    """Least process time of `times` runs."""
    best = float("inf")
    for _ in range(times):
        start = time.process_time()
        run()
        best = min(best, time.process_time() - start)
    return best


def corpus() -> list[TextBatch]:
    """The corpus by file."""
    return [TextBatch.from_arrow(pq.read_table(f, columns=["text"])["text"].combine_chunks()) for f in corpus_files()]


def text_speeds(batches: list[TextBatch]) -> None:
    """Scorers and shingle sets over the whole corpus."""
    megabytes = sum(b.text_bytes for b in batches) / 1e6
    runs: list[tuple[str, Callable[[TextBatch], object]]] = [
        ("exact (raw and normalised)", Exact().score),
        ("minhash, 112 permutations", MinHash(num_perm=112).score),
        ("minhash, 128 permutations", MinHash().score),
        ("minhash, 256 permutations", MinHash(num_perm=256).score),
        ("shingle sets", lambda b: shingle_sets(b.data, b.offsets, NGRAM)),
    ]
    for name, run in runs:
        run(batches[0])
        print(f"{name:32} {megabytes / seconds(lambda run=run: [run(b) for b in batches]):8.0f} MB/s")  # type: ignore[misc]


def beside_datasketch(batch: TextBatch, documents: int = 2000) -> None:
    """update_batch of shingle hashes that are already made, against all of MinHash.score; the signatures are equal."""
    part = TextBatch(batch.data, batch.offsets[: documents + 1])
    bounds = np.empty(len(part) + 1, dtype=np.int64)
    hashes = np.empty(part.text_bytes // 2 + len(part), dtype=np.uint64)
    write_shingles(part.data, part.offsets, word_table(), NGRAM, bounds, hashes)
    halves = (hashes >> np.uint64(32)).tolist()

    def by_datasketch() -> npt.NDArray[np.uint32]:
        found = np.empty((len(part), 128), dtype=np.uint32)
        for d in range(len(part)):
            sketch = DatasketchMinHash(128, hashfunc=lambda h: h, scheme="affine32")
            if bounds[d + 1] > bounds[d]:
                sketch.update_batch(halves[bounds[d] : bounds[d + 1]])
            found[d] = sketch.hashvalues
        return found

    assert (by_datasketch() == MinHash().score(part)["signature"]).all()
    theirs, ours = seconds(by_datasketch), seconds(lambda: MinHash().score(part))
    megabytes = part.text_bytes / 1e6
    print(f"{'datasketch update_batch, no text':32} {megabytes / theirs:8.1f} MB/s")
    print(f"{'minhash from text over it':32} {theirs / ours:8.1f} x")


def pair_speeds(batches: list[TextBatch]) -> None:
    """From signatures to clusters on the corpus."""
    signatures = np.concatenate([np.asarray(MinHash().score(b)["signature"]) for b in batches])
    sets = [shingle_sets(b.data, b.offsets, NGRAM) for b in batches]
    bounds = np.concatenate([[0], *(np.diff(s[0]) for s in sets)]).cumsum()
    hashes = np.concatenate([s[1] for s in sets])
    keys, rank = band_keys(signatures, *choose_bands(128, 0.8)), np.arange(len(signatures))
    found = candidate_pairs(keys, rank)
    jaccard = pair_jaccard(bounds, hashes, found.a, found.b)
    a, b, everyone = found.a[jaccard >= 0.8], found.b[jaccard >= 0.8], np.ones(len(rank), dtype=np.bool_)
    stars(rank, a, b, jaccard[jaccard >= 0.8], everyone)
    print(f"join of {len(rank)} documents:        {seconds(lambda: candidate_pairs(keys, rank)) * 1e3:8.1f} ms")
    each = seconds(lambda: pair_jaccard(bounds, hashes, found.a, found.b)) / max(len(found.a), 1)
    print(f"exact Jaccard of {len(found.a)} pairs:    {each * 1e6:8.2f} microseconds a pair")
    star_s = seconds(lambda: stars(rank, a, b, jaccard[jaccard >= 0.8], everyone))
    print(f"stars over {len(a)} verified pairs:   {star_s * 1e3:8.1f} ms")


def synthetic_keys(documents: int, bands: int) -> npt.NDArray[np.uint64]:
    """A fifth of the documents in clusters of a few, each of which shares a band with probability 0.8."""
    draw = np.random.default_rng(0)
    cluster = np.arange(documents)
    cluster[draw.choice(documents, documents // 5, replace=False)] = draw.integers(0, documents // 20, documents // 5)
    keys = np.empty((bands, documents), dtype=np.uint64)
    for band in range(bands):
        of_cluster = draw.integers(1, 1 << 63, documents, dtype=np.uint64)
        alone = draw.random(documents) < 0.2
        keys[band] = of_cluster[cluster]
        keys[band, alone] = draw.integers(1, 1 << 63, int(alone.sum()), dtype=np.uint64)
    return keys


def join_speed(documents: int, bands: int) -> None:
    """Time and peak memory of one join."""
    candidate_pairs(synthetic_keys(1000, 2), np.arange(1000))
    keys = synthetic_keys(documents, bands)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    start = time.process_time()
    found = candidate_pairs(keys, np.arange(documents))
    taken = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(
        f"{documents / 1e6:.0f} M x {bands} bands: {taken:.2f} s, {len(found.a)} pairs, {peak - before} MB above keys"
    )


def main(millions: float) -> None:
    """Print it all."""
    join_speed(int(millions * 1e6), choose_bands(128, 0.8)[0])
    batches = corpus()
    text_speeds(batches)
    beside_datasketch(batches[0])
    pair_speeds(batches)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)
