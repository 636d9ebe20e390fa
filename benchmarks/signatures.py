"""MinHash and Fast Similarity Sketching beside each other, in one run: MB/s of one core, and error against exact Jaccard.

    python -m benchmarks.signatures

Speed: process time, best of five, both in turn; the corpus, and the same texts cut into pieces of 500, 100 and 20 words. Error:
root mean square over the real pairs of `neardup`, and over pairs of sets of 10 to 10,000 words, by many seeds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.data import DATA
from benchmarks.measuring import batches, best_s, machine, texts
from scorers.base import Scorer, build
from scorers.kernels.jaccard import estimate, pair_jaccard, shingle_sets
from scorers.text import TextBatch

SKETCHES = ("minhash", "fast_similarity")
SIZES = (10, 30, 100, 300, 1_000, 3_000, 10_000)
PAIRS, SEEDS, ROUNDS = 40, 25, 5
Indices = npt.NDArray[np.int32]


def scorer(sketch: str, num_perm: int, seed: int = 1, ngram: int = 5) -> Scorer:
    """The scorer `minhash` with one of its two ways."""
    return build("minhash", {"num_perm": num_perm, "seed": seed, "ngram": ngram, "sketch": sketch})


def pieces(documents: pa.Array, words: int) -> Iterator[str]:
    """The documents cut at spaces into runs of so many words."""
    for text in documents.to_pylist():
        split = text.split(" ")
        for start in range(0, len(split), words):
            yield " ".join(split[start : start + words])


def speeds(name: str, made: Sequence[TextBatch]) -> None:
    """One row of the table of speeds."""
    megabytes = sum(b.text_bytes for b in made) / 1e6
    kinds = [(sketch, num_perm) for num_perm in (128, 256) for sketch in SKETCHES]
    best = dict.fromkeys(kinds, float("inf"))
    for _ in range(ROUNDS):
        for kind in kinds:
            one = scorer(*kind)
            best[kind] = min(best[kind], best_s(lambda one=one: [one.score(b) for b in made], 1))  # type: ignore[misc]
    print(f"{name:24}", *(f"{megabytes / best[kind]:8.0f}" for kind in kinds), flush=True)


def errors(batch: TextBatch, a: Indices, b: Indices, sketch: str, num_perm: int, ngram: int, seeds: int) -> str:
    """'bias, root mean square' of estimate minus exact Jaccard over pairs and seeds."""
    exact = pair_jaccard(*shingle_sets(batch.data, batch.offsets, ngram), a, b)
    signatures = (
        np.asarray(scorer(sketch, num_perm, seed, ngram).score(batch)["signature"]) for seed in range(1, seeds + 1)
    )
    found = np.array([estimate(made, a, b) - exact for made in signatures])
    return f"{found.mean():+.4f}, {np.sqrt((found**2).mean()):.4f}"


def real_pairs() -> tuple[TextBatch, Indices, Indices]:
    """The documents and the pairs of the data set `neardup`."""
    documents = pq.read_table(DATA / "neardup" / "docs.parquet", columns=["id", "text"])
    pairs = pq.read_table(DATA / "neardup" / "pairs.parquet", columns=["a", "b"])
    place = {name: i for i, name in enumerate(documents["id"].to_pylist())}
    a, b = (np.array([place[name] for name in pairs[side].to_pylist()], np.int32) for side in "ab")
    return TextBatch.from_arrow(documents["text"].combine_chunks()), a, b


def made_pairs(size: int) -> tuple[TextBatch, Indices, Indices]:
    """PAIRS pairs of sets of so many words, which share 0.8 of them: Jaccard about two thirds."""
    apart = size - round(size * 0.8)
    starts = [10**6 * pair + side * apart for pair in range(PAIRS) for side in range(2)]
    sets = [" ".join(f"w{i}" for i in range(start, start + size)) for start in starts]
    a = np.arange(0, 2 * PAIRS, 2, dtype=np.int32)
    return TextBatch.from_strings(sets), a, a + 1


def main() -> None:
    print(machine())
    documents = texts()
    print(f"{'MB/s':24}", *(f"{s[:4]} {n:3}" for n in (128, 256) for s in SKETCHES))
    speeds("corpus", list(batches(documents)))
    for words in (500, 100, 20):
        cut = pa.array(pieces(documents, words), pa.large_string())
        speeds(f"pieces of {words} words", list(batches(cut)))
    print("bias, root mean square of estimate minus exact Jaccard")
    batch, a, b = real_pairs()
    for num_perm in (64, 128, 256):
        said = [errors(batch, a, b, sketch, num_perm, 5, 8) for sketch in SKETCHES]
        print(f"{len(a)} real pairs, {num_perm:3} slots", *said, sep="   ", flush=True)
    for size in SIZES:
        batch, a, b = made_pairs(size)
        said = [errors(batch, a, b, sketch, 128, 1, SEEDS) for sketch in SKETCHES]
        print(f"sets of {size:6}, 128 slots", *said, sep="   ", flush=True)


if __name__ == "__main__":
    main()
