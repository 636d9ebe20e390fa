"""Winnow itself, by its public face: scorers from texts, the command line from files."""

from __future__ import annotations

import json
import subprocess
import sys
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


def _batch(documents: list[str]) -> Any:
    from scorers.text import TextBatch

    return TextBatch.from_strings(documents)


def signatures(documents: list[str]) -> Any:
    from scorers.minhash import MinHash

    return MinHash(num_perm=NUM_PERM, ngram=NGRAM).score(_batch(documents))["signature"]


def signatures_told(made: Any) -> list[list[int]]:
    told: list[list[int]] = made[:ANSWERS].tolist()
    return told


def rules(documents: list[str]) -> None:
    from scorers.gopher import Gopher
    from scorers.lines import Lines
    from scorers.repetition import Repetition

    batch = _batch(documents)
    for scorer in (Gopher(), Repetition(), Lines()):
        scorer.score(batch)


def language(documents: list[str]) -> list[str]:
    from scorers.language import Language

    code: Any = Language().score(_batch(documents))["code"]
    said: list[str] = code.to_pylist()
    return said


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
