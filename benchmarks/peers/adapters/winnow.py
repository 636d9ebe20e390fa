"""Winnow itself, by its public face: scorers from texts, the command line from files."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.peers.peer import ANSWERS, JACCARD, NGRAM, NUM_PERM, Offer, Peer

PEER = Peer(
    name="winnow",
    title="Winnow",
    package="",
    offers={
        "signatures": Offer(100, f"{NUM_PERM} permutations, scorer minhash"),
        "fuzzy": Offer(
            100, "winnow run, one worker: LSH with recall 0.99, every pair verified exactly, Parquet to Parquet"
        ),
        "exact": Offer(100, "winnow run, one worker: two 128-bit hashes, Parquet to Parquet"),
        "rules": Offer(
            30, "all measures of gopher, repetition and lines; the rules are one SQL statement on them, not timed"
        ),
        "language": Offer(30, "lid.176, first 8,192 bytes"),
    },
)


BATCH_DOCUMENTS = 2_000
"""As a worker reads them: some megabytes at a time."""


def _batches(documents: list[str]) -> Iterator[Any]:
    from scorers.text import TextBatch

    for start in range(0, len(documents), BATCH_DOCUMENTS):
        yield TextBatch.from_strings(documents[start : start + BATCH_DOCUMENTS])


def signatures(documents: list[str]) -> list[Any]:
    from scorers.minhash import MinHash

    scorer = MinHash(num_perm=NUM_PERM, ngram=NGRAM)
    return [scorer.score(batch)["signature"] for batch in _batches(documents)]


def signatures_told(made: list[Any]) -> list[list[int]]:
    return [one for part in made for one in part.tolist()][:ANSWERS]


def rules(documents: list[str]) -> None:
    from scorers.gopher import Gopher
    from scorers.lines import Lines
    from scorers.repetition import Repetition

    for batch in _batches(documents):
        for scorer in (Gopher(), Repetition(), Lines()):
            scorer.score(batch)


def language(documents: list[str]) -> list[str]:
    from scorers.language import Language

    scorer = Language()
    codes: list[Any] = [scorer.score(batch)["code"] for batch in _batches(documents)]
    return [code for part in codes for code in part.to_pylist()]


def fuzzy(source: Path, output: Path) -> None:
    _run(source, output, {"score": ["exact", {"minhash": {"num_perm": NUM_PERM, "ngram": NGRAM}}],
                          "dedup": {"fuzzy": {"jaccard": JACCARD}}})  # fmt: skip


def exact(source: Path, output: Path) -> None:
    _run(source, output, {"score": ["exact"], "dedup": {"exact": "raw"}})


def _run(source: Path, output: Path, recipe: dict[str, Any]) -> None:
    written = output.parent / "recipe.yaml"
    written.write_text(json.dumps({"version": 1, "name": "beside-peers", **recipe}))
    made = output.parent / "curated"
    command = [
        sys.executable,
        "-m",
        "pipeline.cli",
        "run",
        str(written),
        str(source),
        "--workspace",
        str(output.parent / "workspace"),
    ]
    subprocess.run([*command, "--output", str(made), "-n", "1", "--executor", "local", "-q"], check=True)
    output.symlink_to(made / "data")
