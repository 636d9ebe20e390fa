"""rensa: MinHash and LSH in Rust; words are the caller's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.peers import texts
from benchmarks.peers.peer import ANSWERS, JACCARD, NUM_PERM, Offer, Peer

PEER = Peer(
    name="rensa",
    title="rensa",
    package="rensa==0.5.0",
    requirements=("pyarrow",),
    offers={
        "signatures": Offer(20, f"RMinHash({NUM_PERM}).from_token_sets, shingles in Python"),
        "fuzzy": Offer(
            50,
            "RMinHashDeduplicator(0.8, 128, LSH).add_pairs; pairs held to the estimate of their signatures, not verified",
        ),
    },
    cannot={
        "exact": "does nothing of the kind",
        "rules": "does nothing of the kind",
        "language": "does nothing of the kind",
    },
)
SEED = 42


def signatures(documents: list[str]) -> list[Any]:
    from rensa import RMinHash

    return RMinHash.from_token_sets((list(texts.word_ngrams(t)) for t in documents), num_perm=NUM_PERM, seed=SEED)  # type: ignore[no-any-return]


def signatures_told(made: list[Any]) -> list[list[int]]:
    return [list(one.digest()) for one in made[:ANSWERS]]


def fuzzy(source: Path, output: Path) -> None:
    from rensa import RMinHashDeduplicator

    _, documents = texts.read(source)
    made = RMinHashDeduplicator(threshold=JACCARD, num_perm=NUM_PERM, use_lsh=True, seed=SEED)
    kept = made.add_pairs((str(n), list(texts.word_ngrams(t))) for n, t in enumerate(documents))
    texts.write_kept(source, output, [n for n, stays in enumerate(kept) if stays])
