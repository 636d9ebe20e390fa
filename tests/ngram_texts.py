"""A text of our own making, large enough for Kneser-Ney's discounts: sentences of a small grammar, the same every time."""

from __future__ import annotations

import random

SUBJECTS = [
    "the miller",
    "a tired ferryman",
    "her brother",
    "the old clock",
    "nobody",
    "the two sisters",
    "a grey heron",
    "the baker",
    "every child",
]
VERBS = ["carries", "watches", "forgets", "mends", "sells", "follows", "remembers", "paints", "counts", "hides"]
OBJECTS = [
    "the river",
    "a broken oar",
    "three loaves",
    "the last letter",
    "an empty boat",
    "his lantern",
    "the map",
    "a song",
    "winter",
    "the bells",
]
PLACES = [
    "by the mill",
    "under the bridge",
    "after the rain",
    "before dawn",
    "in the market",
    "without a word",
    "on the far shore",
]


def story(sentences: int, seed: int = 1) -> list[str]:
    """So many sentences, some with a name that occurs rarely."""
    chance = random.Random(seed)
    found = []
    for _ in range(sentences):
        parts = [chance.choice(SUBJECTS), chance.choice(VERBS), chance.choice(OBJECTS)]
        parts += [chance.choice(PLACES) for _ in range(chance.choice((0, 1, 1, 2)))]
        if chance.random() < 0.3:
            parts.insert(0, f"in year {int(chance.paretovariate(0.8))} ,")
        found.append(" ".join([*parts, "."]))
    return found
