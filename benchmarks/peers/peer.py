"""What an adapter says of its peer. Standard library alone: this is imported in every peer's environment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Task = Literal["signatures", "fuzzy", "exact", "rules", "language"]

TASKS: dict[Task, str] = {
    "signatures": "MinHash signatures of word 5-grams, from texts in memory",
    "fuzzy": "Near-duplicates removed at Jaccard 0.8, from files to files, the whole process",
    "exact": "Exact duplicates removed, from files to files, the whole process",
    "rules": "Gopher's, C4's and FineWeb's rules on every document, from texts in memory",
    "language": "The language of every document, from texts in memory",
}
FROM_FILES: tuple[Task, ...] = ("fuzzy", "exact")
"""Their CPU time is that of the process from start to end; that of the others begins once things are imported and loaded."""


NUM_PERM, NGRAM, JACCARD = 128, 5, 0.8
ANSWERS = 2_000
"""Answers of tasks on texts that are told, of the first documents: what is judged lies there."""


@dataclass(frozen=True, slots=True)
class Offer:
    """How a peer does a task. megabytes: of text that it takes half a minute for at most; how: its settings, in a few words."""

    megabytes: float
    how: str


@dataclass(frozen=True, slots=True)
class Peer:
    """name: its file in adapters; package: with its version, what is installed.

    requirements: more that it needs, resolved with its dependencies; bare: packages installed without theirs; offers: by task;
    cannot: why a task is not run.
    """

    name: str
    title: str
    package: str
    requirements: tuple[str, ...] = ()
    bare: tuple[str, ...] = ()
    offers: dict[Task, Offer] = field(default_factory=dict)
    cannot: dict[Task, str] = field(default_factory=dict)

    @property
    def version(self) -> str:
        return self.package.partition("==")[2]
