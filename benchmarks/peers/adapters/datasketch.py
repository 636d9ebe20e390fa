"""datasketch: MinHash and LSH as a library; words and loops are the caller's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.peers import texts
from benchmarks.peers.peer import ANSWERS, JACCARD, NUM_PERM, Offer, Peer

PEER = Peer(
    name="datasketch",
    title="datasketch",
    package="datasketch==2.0.0",
    requirements=("pyarrow", "xxhash"),
    offers={
        "signatures": Offer(10, f"MinHash({NUM_PERM}).update_batch, xxh32, shingles in Python"),
        "fuzzy": Offer(30, "MinHashLSH(0.8, 128): query, else insert; pairs not verified"),
    },
    cannot={
        "exact": "does nothing of the kind",
        "rules": "does nothing of the kind",
        "language": "does nothing of the kind",
    },
)


def _sketch(text: str) -> Any:
    import xxhash
    from datasketch import MinHash

    made = MinHash(num_perm=NUM_PERM, hashfunc=xxhash.xxh32_intdigest)
    made.update_batch([s.encode() for s in texts.word_ngrams(text)])
    return made


def signatures(documents: list[str]) -> list[Any]:
    return [_sketch(text) for text in documents]


def signatures_told(made: list[Any]) -> list[list[int]]:
    return [one.hashvalues.tolist() for one in made[:ANSWERS]]


def fuzzy(source: Path, output: Path) -> None:
    from datasketch import MinHashLSH

    index = MinHashLSH(threshold=JACCARD, num_perm=NUM_PERM)
    _, documents = texts.read(source)
    kept = []
    for n, text in enumerate(documents):
        sketch = _sketch(text)
        if not index.query(sketch):
            index.insert(n, sketch)
            kept.append(n)
    texts.write_kept(source, output, kept)
