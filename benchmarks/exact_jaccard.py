"""The Jaccard similarity that every system is held to: sets of word 5-grams, written down apart from anyone's kernels."""

from __future__ import annotations

import re

NGRAM = 5
NO_SPACES = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
"""Scripts that put no spaces between words: every character counts as one."""
WORD = re.compile(rf"[{NO_SPACES}]|[^\W_{NO_SPACES}]+")
"""Runs of letters and digits."""

Shingles = frozenset[tuple[str, ...]]


def shingles(text: str) -> Shingles:
    """All runs of five words in lower case; one of all words where there are fewer, none without words."""
    words = WORD.findall(text.lower())
    if len(words) < NGRAM:
        return frozenset([tuple(words)] if words else [])
    return frozenset(zip(*(words[i:] for i in range(NGRAM)), strict=False))


def jaccard(one: Shingles, other: Shingles) -> float:
    """Shared over all; 0 where both are empty."""
    shared = len(one & other)
    whole = len(one) + len(other) - shared
    return shared / whole if whole else 0.0
