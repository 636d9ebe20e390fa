"""Reading and writing Parquet in a peer's environment, and the shingles of those that leave that to the caller."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from benchmarks.peers.peer import NGRAM

WORD = re.compile(r"\w+")


def read(folder: Path) -> tuple[list[str], list[str]]:
    """(ids, texts) of every Parquet file of a folder, in order."""
    import pyarrow.parquet as pq

    table = pq.read_table(folder, columns=["id", "text"], use_threads=False)
    return table["id"].to_pylist(), table["text"].to_pylist()


def write_kept(source: Path, output: Path, kept: Iterable[int]) -> None:
    """The kept rows of the corpus as one Parquet file."""
    import pyarrow.parquet as pq

    output.mkdir(parents=True, exist_ok=True)
    table = pq.read_table(source, use_threads=False)
    pq.write_table(table.take(sorted(kept)), output / "kept.parquet", compression="zstd")


def word_ngrams(text: str) -> set[str]:
    """What a Python user writes: lower case, words, runs of five joined."""
    words = WORD.findall(text.lower())
    return {" ".join(words[i : i + NGRAM]) for i in range(max(1, len(words) - NGRAM + 1))}
