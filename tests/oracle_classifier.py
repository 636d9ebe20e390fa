"""Slow, obvious twins of what classifiers do to text."""

from __future__ import annotations

import re
import unicodedata

from scorers.kernels.folding import TABLE_SIZE

NEWEST = unicodedata.ucd_3_2_0


def normalised_text(text: str, apart: bool) -> str:
    """str.casefold, whitespace as spaces; apart: a space before and after punctuation and symbols."""
    found = []
    for character in text:
        if character.isspace():
            found.append(" ")
        elif ord(character) >= TABLE_SIZE:
            found.append(character)
        else:
            marked = apart and NEWEST.category(character)[0] in "PS"
            found.append(f" {character.casefold()} " if marked else character.casefold())
    return "".join(found)


def segment_texts(text: str, least_bytes: int) -> list[str]:
    """Lines with their newline, cut after the whitespace that follows the end of a sentence once they are long enough."""
    found, start = [], 0
    for i in range(1, len(text)):
        after_newline = text[i - 1] == "\n"
        after_sentence = i >= 2 and text[i - 1].isspace() and re.match("[.!?。।؟]", text[i - 2]) is not None
        if after_newline or (after_sentence and len(text[start:i].encode()) >= least_bytes):
            found.append(text[start:i])
            start = i
    return [*found, text[start:]] if text else []
