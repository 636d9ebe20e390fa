"""Near-duplicates: one text changed until a share of its word 5-grams is left, with the exact Jaccard similarity that it came to."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.exact_jaccard import NGRAM, WORD

TARGETS = (0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.6, 0.5)
LEAST_WORDS = 60
"""Of an original that is changed: in fewer words no target is met."""


@dataclass(frozen=True, slots=True)
class Draw:
    """How much is to be left (Jaccard similarity), and what chance and words a change has."""

    target: float
    rng: random.Random
    words: Sequence[str]


def replaced(text: str, by: Draw) -> str:
    """Single words for others, spread over the text: each takes five shingles away and brings five."""
    return _at_words(text, (1 - by.target) / (NGRAM * (1 + by.target)), by.rng, lambda _: by.rng.choice(by.words))


def dropped(text: str, by: Draw) -> str:
    """Single words left out: each takes five shingles away and brings four."""
    return _at_words(text, (1 - by.target) / (NGRAM + (NGRAM - 1) * by.target), by.rng, lambda _: "")


def cut_short(text: str, by: Draw) -> str:
    """The end left out."""
    found = [m.end() for m in WORD.finditer(text)]
    return text[: found[max(NGRAM, round(by.target * len(found))) - 1]]


def extended(text: str, by: Draw) -> str:
    """Words in any order put at the end."""
    more = round(len(WORD.findall(text)) * (1 / by.target - 1))
    return f"{text}\n\n{' '.join(by.rng.choice(by.words) for _ in range(more))}"


def reformatted(text: str, by: Draw) -> str:
    """The same words with other white space, capitals and marks: similarity 1, other bytes."""
    text = re.sub(r"[ \n]+", lambda _: by.rng.choice(("\n", "  ", " ", " ")), text)
    text = re.sub(r"[,;.!?]", lambda m: by.rng.choice((m[0], " ", " – ")), text)
    loud = text.upper()
    # not where capitals are other words: STRASSE is not straße
    return loud if by.rng.random() < 0.1 and loud.lower() == text.lower() else "- " + text


CHANGES: dict[str, Callable[[str, Draw], str]] = {
    "replaced": replaced, "dropped": dropped, "cut_short": cut_short, "extended": extended, "reformatted": reformatted,
}  # fmt: skip


def changed(text: str, rng: random.Random, words: Sequence[str]) -> tuple[str, str]:
    """(a changed text, the way it was changed)."""
    way = rng.choice(tuple(CHANGES))
    return CHANGES[way](text, Draw(rng.choice(TARGETS), rng, words)), way


def _at_words(text: str, share: float, rng: random.Random, change: Callable[[str], str]) -> str:
    """A share of the words changed, as evenly as it goes, the first place drawn."""
    found = list(WORD.finditer(text))
    count = max(1, round(share * len(found)))
    step = len(found) / count
    first = rng.random() * step
    made, end = [], 0
    for place in sorted({int(first + n * step) for n in range(count)}):
        made += [text[end : found[place].start()], change(found[place][0])]
        end = found[place].end()
    return "".join([*made, text[end:]])
