"""What all recipes learn from besides labelled rows: stretches of clean documents, short messages, common words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tools.default_models import texts
from tools.default_models.embeddings import Embeddings, vocabulary

SEED = 3


@dataclass(frozen=True)
class Material:
    """The data folder, its embeddings, and N snippets with the source of each."""

    data: Path
    embeddings: Embeddings
    corpus: texts.Texts
    snippets: list[str]
    snippet_sources: list[str]
    words: list[str]


def gather(data: Path, cache: Path) -> Material:
    """Read the corpus and draw the snippets."""
    corpus = texts.corpus(data)
    snippets, sources = stretches(corpus, 900, (15, 160), SEED)
    return Material(data, Embeddings(cache), corpus, snippets, sources, vocabulary())


def stretches(
    corpus: texts.Texts, per_source: int, characters: tuple[int, int], seed: int
) -> tuple[list[str], list[str]]:
    """Stretches of whole words from every source alike, their length drawn evenly in its logarithm; and their sources."""
    draw = np.random.Generator(np.random.PCG64(seed))
    by_source: dict[str, list[str]] = {}
    for text, source in zip(corpus.text, corpus.source, strict=True):
        by_source.setdefault(source, []).append(text)
    found: list[tuple[str, str]] = []
    for source in sorted(by_source):
        of_source = by_source[source]
        for _ in range(per_source):
            text = of_source[int(draw.integers(len(of_source)))]
            length = int(np.exp(draw.uniform(np.log(characters[0]), np.log(characters[1]))))
            start = int(draw.integers(max(1, len(text) - length)))
            piece = text[start : start + length]
            if start > 0:
                piece = piece[piece.find(" ") + 1 :]
            if len(piece.strip()) >= 10:
                found.append((piece.strip(), source))
    return [p for p, _ in found], [s for _, s in found]


def inserted(bases: list[str], pieces: list[str], every_characters: int, seed: int) -> list[str]:
    """Each base with at least one of the pieces put between its words; more of them the longer it is."""
    draw = np.random.Generator(np.random.PCG64(seed))
    found = []
    for base in bases:
        words = base.split(" ")
        for _ in range(int(draw.integers(1, 2 + len(base) // every_characters))):
            words.insert(int(draw.integers(len(words) + 1)), pieces[int(draw.integers(len(pieces)))])
        found.append(" ".join(words))
    return found
