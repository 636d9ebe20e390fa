"""How similar the documents of a corpus are to each other: what false candidates are forecast from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from pipeline.dedup.documents.bands import match_probability
from scorers.kernels.jaccard import estimate
from scorers.kernels.lsh import band_keys, candidate_pairs

Signatures = npt.NDArray[np.uint32]

SAMPLE_DOCS = 50_000
MOST_PAIRS = 20_000_000
"""Pairs that are listed of a sample; bands that make more of them are told by their buckets alone, and never chosen."""


@dataclass(frozen=True, slots=True)
class Found:
    """Candidate pairs a document: false_per_doc below the threshold, similar_per_doc at or above it. involved_frac: the share of
    the text that is in documents of any, which is cut into shingles."""

    false_per_doc: float
    similar_per_doc: float
    involved_frac: float


class Similarities(Protocol):
    """What a corpus, or one like it, says of a way to cut signatures."""

    @property
    def about(self) -> str:
        """Where the figures come from, for people."""
        ...

    def candidates(self, bands: int, rows: int, jaccard: float) -> Found:
        """What shares a band, by whether it is as similar as `jaccard`."""
        ...


REFERENCE_FRACS = (
    (0.0038, 9.839e-4), (0.0076, 8.835e-4), (0.0144, 9.378e-4), (0.0246, 4.152e-4), (0.0386, 4.747e-4),
    (0.0587, 1.892e-4), (0.0828, 1.172e-4), (0.1242, 9.419e-5), (0.1769, 1.038e-4), (0.2229, 1.043e-4),
    (0.2720, 6.624e-5), (0.3255, 5.109e-5), (0.3748, 5.673e-5), (0.4244, 5.644e-5), (0.4748, 4.550e-5),
    (0.5241, 4.572e-5), (0.5745, 3.253e-5), (0.6251, 3.657e-5), (0.6735, 3.288e-5), (0.7213, 2.073e-5),
    (0.7699, 8.719e-6), (0.8151, 1.443e-6), (0.8743, 1.637e-7), (0.9256, 3.720e-7), (0.9790, 5.431e-7),
)  # fmt: skip
"""(Jaccard of word 5-grams, share of all pairs of different texts): 134 million pairs of the 33,605 different texts of the
corpus of benchmarks/README.md by 1,024 minima; the other pairs share no shingle."""
REFERENCE_DOCS = 33_605
REFERENCE_INVOLVED_FRAC = 0.22
"""Of its text, in documents of any candidate pair of 21 bands of 6: templates are similar to many, and each other's alone."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A corpus of so many documents, pairs as similar as in the corpus that was measured: 39 sources, templates among them."""

    documents: int

    @property
    def about(self) -> str:
        return f"similarities of the reference corpus ({REFERENCE_DOCS:,} documents); this one's are used once it is scored"

    def candidates(self, bands: int, rows: int, jaccard: float) -> Found:
        """Expected over all signatures; one seed's are up to a third more or less, where templates make large clusters."""
        others = max(0, self.documents - 1) / 2
        found = [(s, others * frac * match_probability(s, bands, rows)) for s, frac in REFERENCE_FRACS]
        false, similar = sum(n for s, n in found if s < jaccard), sum(n for s, n in found if s >= jaccard)
        return Found(false, similar, min(REFERENCE_INVOLVED_FRAC, 2 * (false + similar)))


@dataclass(frozen=True)
class Sample:
    """Signatures of different texts of a corpus that has `documents` of them: u32[D, P], and their bytes: i64[D]. Their candidates
    are listed, and scaled to the corpus: what one document is a candidate with grows as the corpus does."""

    signatures: Signatures
    text_bytes: npt.NDArray[np.int64]
    documents: int

    @property
    def about(self) -> str:
        return f"candidates among {len(self.signatures):,} of this corpus' {self.documents:,} different texts"

    def candidates(self, bands: int, rows: int, jaccard: float) -> Found:
        """Counted; similar or not is told by the share of equal minima. Beyond MOST_PAIRS all are taken for false ones, and of a
        larger corpus more documents are involved than of its sample."""
        sampled = len(self.signatures)
        if sampled < 2:
            return Found(0.0, 0.0, 0.0)
        scale = (self.documents - 1) / (sampled - 1) / sampled
        keys = band_keys(self.signatures, bands, rows)
        most = sum(pairs_in_buckets(keys[band]) for band in range(bands))
        if most > MOST_PAIRS:
            return Found(most * scale, 0.0, 1.0)
        found = candidate_pairs(keys, np.arange(sampled), max_bucket=sampled)
        similar = int((estimate(self.signatures, found.a, found.b) >= jaccard).sum())
        involved = self.text_bytes[np.unique(np.concatenate([found.a, found.b]))].sum() / max(1, self.text_bytes.sum())
        return Found((len(found.a) - similar) * scale, similar * scale, float(involved))


def pairs_in_buckets(keys: npt.NDArray[np.uint64]) -> int:
    """Pairs of equal keys in one band: u64[D]; those without shingles (key 0) are equal to nothing."""
    _, sizes = np.unique(keys[keys != 0], return_counts=True)
    return int((sizes * (sizes - 1) // 2).sum())
