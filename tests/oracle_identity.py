"""Mentions of identity terms, the slow and obvious way: word by word, longest term first."""

from __future__ import annotations

from collections import Counter

from scorers.identity import GROUPS, identity_terms
from tests.oracle_words import datatrove_words


def _known() -> dict[tuple[str, ...], tuple[str, str, bool]]:
    return {tuple(datatrove_words(t.text)): (t.text, t.group, t.as_is) for t in identity_terms()}


def _spelled_alike(said: tuple[str, ...], term: tuple[str, ...], as_is: bool) -> bool:
    if as_is:
        return said == term
    return all(s in (t, t.capitalize(), t.upper()) for s, t in zip(said, term, strict=True))


def identity_mentions(text: str) -> tuple[dict[str, int], list[str]]:
    """(mentions by group, distinct terms in order). For text with single spaces, and hyphens only inside words."""
    known = _known()
    # the words of a phrase may be joined by a hyphen: what follows a hyphen is the next word
    tokens = [w for w in datatrove_words(text) if w != "-"]
    counts, terms = Counter(dict.fromkeys(GROUPS, 0)), []
    at = 0
    while at < len(tokens):
        for width in (4, 3, 2, 1):
            said = tuple(tokens[at : at + width])
            hits = [v for k, v in known.items() if len(k) == len(said) == width and _spelled_alike(said, k, v[2])]
            if hits:
                term, group, _ = hits[0]
                counts[group] += 1
                terms += [term] if term not in terms else []
                at += width
                break
        else:
            at += 1
    return dict(counts), terms
