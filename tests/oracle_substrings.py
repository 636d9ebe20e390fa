"""Slow, obvious twins of substring deduplication: every window of every document in a dictionary of all of its places."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Hashable, Sequence
from itertools import pairwise

IDEOGRAPHS = "日本"
"""Words by themselves."""


def window_places(
    documents: Sequence[Sequence[Hashable]], size: int
) -> dict[tuple[Hashable, ...], list[tuple[int, int]]]:
    """(document, place) of every window of `size` elements, by its content, in order."""
    places: dict[tuple[Hashable, ...], list[tuple[int, int]]] = defaultdict(list)
    for d, document in enumerate(documents):
        for i in range(len(document) - size + 1):
            places[tuple(document[i : i + size])].append((d, i))
    return places


def repeated_elements(documents: Sequence[Sequence[Hashable]], size: int, later: bool) -> list[set[int]]:
    """The elements of each document in a window that lies earlier, too (later: or later), without overlapping it."""
    gone: list[set[int]] = [set() for _ in documents]
    for places in window_places(documents, size).values():
        for d, i in places:
            first, last = places[0], places[-1]
            earlier = first[0] < d or i - first[1] >= size
            after = last[0] > d or last[1] - i >= size
            if earlier or (later and after):
                gone[d].update(range(i, i + size))
    return gone


def runs_of_numbers(numbers: set[int]) -> list[tuple[int, int]]:
    """(start, end) of each run of neighbours."""
    return [
        (n, next(m for m in range(n, max(numbers) + 2) if m not in numbers))
        for n in sorted(numbers)
        if n - 1 not in numbers
    ]


def whole_characters(text: bytes, start: int, end: int) -> tuple[int, int]:
    """The span without the bytes of characters that it holds in part; the bytes are UTF-8."""
    starts = [i for i in range(len(text) + 1) if i == len(text) or text[i] & 0xC0 != 0x80]
    inside = [i for i in starts if start <= i <= end]
    return (inside[0], inside[-1]) if inside else (end, end)


def whole_words(text: str, start: int, end: int) -> tuple[int, int]:
    """The span (in bytes) without the words that it holds in part. Of two letters or digits, and before and behind a combining
    mark, no word ends."""
    ends, at = [0], 0
    for before, behind in pairwise(text):
        at += len(before.encode())
        marks = unicodedata.combining(before) or unicodedata.combining(behind)
        joined = before.isalnum() and behind.isalnum() and not (before in IDEOGRAPHS or behind in IDEOGRAPHS)
        ends += [] if marks or joined else [at]
    inside = [i for i in (*ends, len(text.encode())) if start <= i <= end]
    return (inside[0], inside[-1]) if inside else (end, end)


def without_repeats(texts: Sequence[str], size: int, later: bool = False) -> list[str]:
    """Every text less its repeated passages of at least `size` bytes; '' where nothing but whitespace is left."""
    made = []
    encoded = [t.encode() for t in texts]
    for text, numbers in zip(encoded, repeated_elements(encoded, size, later), strict=True):
        left, at = b"", 0
        for start, end in runs_of_numbers(numbers):
            start, end = whole_characters(text, start, end)
            if start < end:
                left, at = left + text[at:start], end
        said = (left + text[at:]).decode()
        made.append(said if said.strip() or not numbers else "")
    return made
