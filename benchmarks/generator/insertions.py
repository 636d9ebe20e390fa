"""What is put between the paragraphs of a text, with the bytes where it lies."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Insertion:
    """What was put in, which kind of it, and where: bytes of the document's UTF-8 text."""

    planted: str
    change: str
    start_byte: int
    end_byte: int


def inserted(text: str, pieces: Sequence[tuple[str, str]], rng: random.Random) -> tuple[str, list[Insertion]]:
    """Each (text, kind) as a paragraph of its own between two others, or at either end."""
    paragraphs = text.split("\n\n")
    places = sorted(rng.randrange(len(paragraphs) + 1) for _ in pieces)
    told: list[Insertion] = []
    made: list[str] = []
    at = taken = 0
    for n in range(len(paragraphs) + 1):
        while taken < len(pieces) and places[taken] == n:
            planted, kind = pieces[taken]
            size = len(planted.encode())
            told.append(Insertion(planted, kind, at, at + size))
            made.append(planted)
            at += size + 2
            taken += 1
        if n < len(paragraphs):
            made.append(paragraphs[n])
            at += len(paragraphs[n].encode()) + 2
    return "\n\n".join(made), told
