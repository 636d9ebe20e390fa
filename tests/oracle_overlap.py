"""Slow, obvious twins of the overlap kernels: characters, tuples of words, dictionaries."""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

from scorers.kernels.overlap_words import DATATROVE_PUNCTUATION, SPLIT_OFF
from tests.oracle_dedup import character_class, folded

Word = tuple[int, int, str]
"""Characters from .. to, and what it folds to."""
NUMBER = re.compile(r"\d+([.,،٫⎖⎗⎘]\d+)?")
FROZEN = unicodedata.ucd_3_2_0


def letters_words(text: str) -> Iterator[Word]:
    """The words of near-duplicate detection."""
    return _gathered((i, i + 1, *_letter(c)) for i, c in enumerate(text))


def _letter(character: str) -> tuple[str, str]:
    kind = character_class(character)
    return kind, (folded(character) if ord(character) < 0x20000 else character) if kind in ("alone", "letter") else ""


def gpt3_words(text: str) -> Iterator[Word]:
    """str.split() without ASCII punctuation and capitals."""
    for found in re.finditer(r"\S+", text):
        kept = [i for i in range(*found.span()) if text[i] not in string.punctuation]
        if kept:
            word = "".join(c.lower() if c.isascii() else c for c in (text[i] for i in kept))
            yield kept[0], kept[-1] + 1, word


def datatrove_words(text: str) -> Iterator[Word]:
    """simplify_text, character by character, with the places kept."""
    pieces: list[tuple[int, int, str, str]] = []
    i = 0
    while i < len(text):
        number = NUMBER.match(text, i) if FROZEN.category(text[i]) == "Nd" else None
        if number:
            pieces.append((i, number.end(), "letter", "0"))
            i = number.end()
            continue
        c = text[i]
        kind = "separator" if c in DATATROVE_PUNCTUATION or c.isspace() else "alone" if c == SPLIT_OFF else "letter"
        left = "".join(d for d in FROZEN.normalize("NFD", c.lower()) if FROZEN.category(d) != "Mn")
        if kind == "letter" and not left:
            kind = "skipped"
        pieces.append((i, i + 1, kind, left))
        i += 1
    return _gathered(iter(pieces))


def _gathered(pieces: Iterator[tuple[int, int, str, str]]) -> Iterator[Word]:
    start = end = 0
    word = ""
    for i, stop, kind, text in pieces:
        if kind in ("separator", "alone") and word:
            yield start, end, word
            word = ""
        if kind == "alone":
            yield i, stop, text
        elif kind == "letter":
            start, end, word = i if not word else start, stop, word + text
    if word:
        yield start, end, word


TAG = re.compile(rb"<[/#]?[A-Za-z!][^<>]{0,255}?>|&[/#]?[A-Za-z0-9]+;")


def unmarked_words(text: str) -> Iterator[Word]:
    """letters_words of the text with every tag and entity that is not too long as spaces, as many as it has characters."""

    def blank(match: re.Match[bytes]) -> bytes:
        limit = 256 if match[0][:1] == b"<" else 10
        return re.sub(r".", " ", match[0].decode(), flags=re.DOTALL).encode() if len(match[0]) <= limit else match[0]

    return letters_words(TAG.sub(blank, text.encode()).decode())


WORDS: dict[str, Callable[[str], Iterator[Word]]] = {
    "letters": letters_words, "unmarked": unmarked_words, "gpt3": gpt3_words, "datatrove": datatrove_words,
}  # fmt: skip


def byte_words(text: str, normalise: str) -> list[Word]:
    """The words with their bytes."""
    at = [0]
    for c in text:
        at.append(at[-1] + len(c.encode()))
    return [(at[s], at[e], w) for s, e, w in WORDS[normalise](text)]


def item_texts(item: dict[str, Any], profile: Any) -> dict[str, tuple[list[str], int]]:
    """The words of what is looked for of an item, and how many of them are a question's that does not count alone."""
    fields = {k: item[k] or "" for k in ("question", "answer")} | {"choices": "\n".join(item["choices"] or [])}
    words = {k: [w for _, _, w in WORDS[profile.normalise](v)] for k, v in fields.items()}
    found = {}
    for kind in profile.texts:
        names = kind.split("+")
        if words[names[-1]]:
            alone = len(words[names[0]]) if kind == "question+answer" else 0
            found[kind] = ([w for n in names for w in words[n]], alone)
    return found


def text_ngrams(words: list[str], alone: int, profile: Any) -> list[tuple[int, tuple[str, ...]]]:
    """Every n-gram of a text with its place; of a short text all its words."""
    n = min(len(words), profile.ngram)
    if len(words) < profile.least_words or n == 0:
        return []
    return [(p, tuple(words[p : p + n])) for p in range(len(words) - n + 1) if p + n > alone]


def contamination(text: str, items: list[dict[str, Any]], profile: Any) -> dict[str, Any]:
    """What the scorer says of a document: overlap_frac, ngrams_hit, items_hit, and the bytes in its spans."""
    of_texts = [
        (i, text_ngrams(*found, profile), len(found[0]))
        for i, item in enumerate(items)
        for found in item_texts(item, profile).values()
    ]
    owners: dict[tuple[str, ...], set[int]] = {}
    for i, ngrams, _ in of_texts:
        for _, g in ngrams:
            owners.setdefault(g, set()).add(i)
    known = {g for g, own in owners.items() if not profile.max_items or len(own) <= profile.max_items}
    words = byte_words(text, profile.normalise)
    places: dict[tuple[str, ...], list[tuple[int, int]]] = {}
    for size in sorted({len(g) for g in known}):
        for k in range(len(words) - size + 1):
            g = tuple(w for _, _, w in words[k : k + size])
            if g in known:
                places.setdefault(g, []).append((words[k][0], words[k + size - 1][1]))
    best, many, spanned = 0.0, set(), set()
    for i, ngrams, length in of_texts:
        counted = [(p, g) for p, g in ngrams if g in known]
        hit = [(p, g) for p, g in counted if g in places]
        covered = {w for p, g in hit for w in range(p, p + len(g))}
        if len(covered) < min(profile.least_found_words, length):
            covered = set()
        share = len(covered) / length if profile.by_words else len(hit) / max(len(counted), 1)
        best = max(best, share)
        if share > profile.span_overlap:
            many.add(i)
            spanned |= {g for _, g in hit}
    inside = {b for g in spanned for s, e in places[g] for b in range(*widened(text, s, e, profile.window_chars))}
    return {
        "overlap_frac": best, "ngrams_hit": len(places), "items_hit": len(many),
        "spanned": with_small_pieces(inside, len(text.encode()), profile.piece_bytes),
    }  # fmt: skip


def widened(text: str, start: int, end: int, chars: int) -> tuple[int, int]:
    """Bytes start..end of a text and `chars` characters on both sides."""
    data = text.encode()
    before, behind = data[:start].decode(), data[end:].decode()
    return len(before[: max(0, len(before) - chars)].encode()), end + len(behind[:chars].encode())


def with_small_pieces(inside: set[int], size: int, piece: int) -> set[int]:
    """The bytes, and those of stretches between them that are shorter than `piece`; of no bytes, none."""
    gap: list[int] = []
    found = set(inside)
    for b in range(size + 1):
        if b < size and b not in inside:
            gap.append(b)
        else:
            if inside and len(gap) < piece:
                found |= set(gap)
            gap = []
    return found
