"""MinHash signatures over word n-grams, from which near-duplicates are found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from scorers.base import Column, ScorerError, Values, count
from scorers.kernels.folding import word_table
from scorers.kernels.minhash import sign
from scorers.kernels.similarity_sketch import sketch
from scorers.text import TextBatch

MOST = 4_096
"""Permutations that a signature can hold, and words of a shingle: more tell no two texts apart."""

WHAT = {"minhash": "minima", "fast_similarity": "slots of a Fast Similarity Sketch"}
"""What a signature holds, by `sketch`."""


@dataclass(frozen=True, slots=True)
class MinHash:
    """`num_perm` minima over the hashes of all runs of `ngram` words. What a word is: `kernels/shingles.py`.

    Bit for bit datasketch 2.0's MinHash(num_perm, seed, scheme="affine32") of the same 32-bit shingle hashes; or, by
    `sketch`, the num_perm slots of a Fast Similarity Sketch, which nothing else can read: two of them agree in a slot
    as often as two signatures of MinHash, and the share of equal slots strays less.
    """

    name: ClassVar[str] = "minhash"
    version: ClassVar[int] = 1
    younger: ClassVar[Mapping[str, str]] = {"sketch": "minhash"}

    num_perm: int = 128
    ngram: int = 5
    seed: int = 1
    sketch: Literal["minhash", "fast_similarity"] = "minhash"

    def __post_init__(self) -> None:
        if not 1 <= self.num_perm <= MOST or not 1 <= self.ngram <= MOST or not 0 <= self.seed < 2**32:
            raise ScorerError(f"minhash needs num_perm and ngram from 1 to {MOST:,}, and 0 <= seed < 2^32, got {self}")

    def columns(self) -> tuple[Column, ...]:
        """One signature and one count a document."""
        return (
            Column(
                "signature",
                pa.binary(4 * self.num_perm),
                "hash",
                f"{self.num_perm} {WHAT[self.sketch]} (u32, little-endian) over word {self.ngram}-grams; all bits set without any",
            ),
            count("shingles", "shingles", f"word {self.ngram}-grams, repeats counted; 0 only without any word"),
        )

    def score(self, batch: TextBatch) -> Values:
        """Scratch is less than 200 KiB whatever the length of a document."""
        signatures = np.empty((len(batch), self.num_perm), dtype="<u4")
        shingles = np.empty(len(batch), dtype=np.int64)
        if self.sketch == "minhash":
            a, b = permutations(self.num_perm, self.seed)
            sign(batch.data, batch.offsets, word_table(), self.ngram, a, b, signatures, shingles)
        else:
            x, y = rounds(self.num_perm, self.seed)
            sketch(batch.data, batch.offsets, word_table(), self.ngram, x, y, signatures, shingles)
        return {"signature": signatures, "shingles": shingles}


def permutations(num_perm: int, seed: int) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    """Multipliers (odd) and addends of datasketch 2.0's affine32 scheme -> u32[num_perm], u32[num_perm]."""
    # drawn as datasketch draws them; importing it brings scipy and takes a second or more in every worker
    draw = np.random.RandomState(seed)
    multipliers = draw.randint(0, 1 << 31, num_perm, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    return multipliers, draw.randint(0, 1 << 32, num_perm, dtype=np.uint32)


def rounds(slots: int, seed: int) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """Multipliers (odd) and addends of a Fast Similarity Sketch's hash functions -> u64[2 slots], u64[2 slots]."""
    draw = np.random.RandomState(seed)
    multipliers = draw.randint(0, 1 << 63, 2 * slots, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    return multipliers, draw.randint(0, 1 << 64, 2 * slots, dtype=np.uint64)


SCORER = MinHash
