"""Text of documents made fit to be shown: nothing hidden in it, nothing that moves what stands beside it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from difflib import SequenceMatcher

WORD = re.compile(r"\s+|[^\s]+")
SHOWN_CHARS = 700
BEFORE_DIFFERENCE_CHARS = 160


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of a text in a comparison. own: the other text does not have it there."""

    text: str
    own: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two texts side by side, from `start` characters on: where they first differ, or their beginning."""

    left: tuple[Piece, ...]
    right: tuple[Piece, ...]
    start: int
    same: bool


def visible(text: str) -> str:
    """Control and bidirectional characters as signs that can be seen: a document must not reorder the page."""
    return "".join(_sign(c) if unicodedata.category(c) in ("Cc", "Cf") and c not in "\n\t" else c for c in text)


def _sign(character: str) -> str:
    code = ord(character)
    if character in ("\u200c", "\u200d"):
        return character  # joiners: Persian and emoji are spelled with them
    return chr(0x2400 + code) if code < 0x20 else f"‹U+{code:04X}›"


def compare(left: str, right: str) -> Comparison:
    """Word by word, around the first difference."""
    pairs = enumerate(zip(left, right, strict=False))
    common = next((i for i, (a, b) in pairs if a != b), min(len(left), len(right)))
    same = left == right
    start = 0 if same or common < SHOWN_CHARS // 2 else common - BEFORE_DIFFERENCE_CHARS
    ours = WORD.findall(visible(left[start : start + SHOWN_CHARS]))
    theirs = WORD.findall(visible(right[start : start + SHOWN_CHARS]))
    here: list[Piece] = []
    there: list[Piece] = []
    # how lines are broken is no difference
    left_words, right_words = ([" " if word.isspace() else word for word in words] for words in (ours, theirs))
    for tag, a0, a1, b0, b1 in SequenceMatcher(None, left_words, right_words, autojunk=False).get_opcodes():
        if a1 > a0:
            here.append(Piece("".join(ours[a0:a1]), tag != "equal"))
        if b1 > b0:
            there.append(Piece("".join(theirs[b0:b1]), tag != "equal"))
    return Comparison(tuple(here), tuple(there), start, same)
