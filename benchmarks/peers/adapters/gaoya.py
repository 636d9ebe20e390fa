"""gaoya: a MinHash index of strings in Rust, words and shingles too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.peers import texts
from benchmarks.peers.peer import JACCARD, NGRAM, Offer, Peer

BANDS, ROWS = 16, 8
BATCH = 1_000
PEER = Peer(
    name="gaoya",
    title="gaoya",
    package="gaoya==0.2.2",
    requirements=("pyarrow",),
    offers={
        "signatures": Offer(50, f"par_bulk_insert_docs, {BANDS} × {ROWS}, one thread: it gives no signatures out, so they are put into the index, too"),
        "fuzzy": Offer(50, "MinHashStringIndex(0.8): query, else insert; pairs held to the estimate of their signatures, not verified"),
    },
    cannot={
        "exact": "does nothing of the kind",
        "rules": "does nothing of the kind",
        "language": "does nothing of the kind",
    },
)  # fmt: skip


def _index() -> Any:
    from gaoya.minhash import MinHashStringIndex

    return MinHashStringIndex(32, JACCARD, BANDS, ROWS, None, "word", True, (NGRAM, NGRAM))


def signatures(documents: list[str]) -> None:
    index = _index()
    for start in range(0, len(documents), BATCH):
        part = documents[start : start + BATCH]
        index.par_bulk_insert_docs(list(range(start, start + len(part))), part)


def fuzzy(source: Path, output: Path) -> None:
    _, documents = texts.read(source)
    index, kept = _index(), []
    for n, text in enumerate(documents):
        if not index.query(text):
            index.insert_document(n, text)
            kept.append(n)
    texts.write_kept(source, output, kept)
