"""Insults and threats of a plain kind, made of parts, for counting what a scorer finds; the words are tame on purpose."""

from __future__ import annotations

import random

WHO = ("you", "people like you", "he", "all of them", "this author", "everyone who wrote this")
WHAT = ("a worthless idiot", "pathetic losers", "a disgusting piece of trash", "complete morons", "stupid, ugly scum")
SENTENCES = {
    "insult": "Honestly, {who} must be {what}.",
    "dismissal": "Shut up, nobody wants to hear from {what}.",
    "threat": "I hope somebody beats {who} up, what {what}.",
    "obscenity": "What a load of crap, {who} and this damn bullshit, {what}.",
}


def sentences(rng: random.Random) -> list[tuple[str, str]]:
    """One to three sentences: (sentence, kind)."""
    kinds = rng.sample(tuple(SENTENCES), rng.randrange(1, 4))
    return [(SENTENCES[kind].format(who=rng.choice(WHO), what=rng.choice(WHAT)), kind) for kind in kinds]
